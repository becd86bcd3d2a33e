/*
 * mount_tree - bind mounts as descriptors: made by the runtime outside, where it has every right,
 * and attached by init.
 *
 * Two things need that. A container in a user namespace may not be able to reach the sources, nor
 * the root directory: the path to it may be closed to its users. And mounts that shift owners
 * ("idmap") can be made only with the host's rights.
 *
 *	mount_trees_open(&bundle, joined, err)	before init is made, which inherits them
 *	mount_tree_attach(tree, target, err)	in init
 *	mount_trees_close(&bundle)		outside
 */
#ifndef AGENT_RUN_MOUNT_TREE_H
#define AGENT_RUN_MOUNT_TREE_H

#include <stdbool.h>

#include "agent/run/bundle.h"

/* `userns`: of the container when it joins one, else -1. */
int mount_trees_open(struct bundle *bundle, int userns, struct err *err);
void mount_trees_close(struct bundle *bundle);

/* A detached bind mount of `source`, cut off from the propagation of its own. */
int mount_tree_open(const char *source, bool recursive, struct err *err);
/* Owners in it are shifted as in `userns`. `what` names it in errors. */
int mount_tree_shift(int tree, int userns, bool recursive, const char *what, struct err *err);
int mount_tree_attach(int tree, int target, struct err *err);
/* An attached one, before Linux 5.12: mount_tree_open() could not do it. */
int mount_tree_cut_off(int tree, struct err *err);

#endif
