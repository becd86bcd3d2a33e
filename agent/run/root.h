/*
 * root - the container's root directory becomes "/".
 *
 *	root_prepare()	in the new mount namespace: makes the root a mount, cuts propagation
 *	...mounts, devices, masks, with the descriptor it returned...
 *	root_enter()	pivot_root (from an initramfs, which has none: what switch_root does), and
 *			the host's files are out of sight
 */
#ifndef AGENT_RUN_ROOT_H
#define AGENT_RUN_ROOT_H

#include "agent/run/bundle.h"

/* A descriptor of the root. */
int root_prepare(const struct bundle *bundle, struct err *err);
int root_enter(const struct bundle *bundle, int root, struct err *err);

#endif
