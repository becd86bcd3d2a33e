/*
 * mount_cgroup - what a mount of type "cgroup" shows the container: its own cgroup and what it
 * makes below, nothing of others.
 *
 * v2: the file system itself in the container's cgroup namespace; without one, the container's
 * directory of the host's mount. v1: a tmpfs with a directory for each hierarchy, in which the
 * container's own directory is bound (with or without a cgroup namespace), and links for the
 * controllers that share one.
 */
#ifndef AGENT_RUN_MOUNT_CGROUP_H
#define AGENT_RUN_MOUNT_CGROUP_H

#include <stdbool.h>

#include "agent/run/bundle.h"

int mount_cgroup(const struct bundle_mount *mount, int root, int target,
		 const struct cgroup *cgroup, bool in_namespace, struct err *err);

#endif
