/*
 * dev - device nodes and links in the container's /dev: the spec's default devices
 * (config-linux.md), linux.devices, and what shells expect (/dev/fd, /dev/stdin ..., /dev/ptmx).
 */
#ifndef AGENT_RUN_DEV_H
#define AGENT_RUN_DEV_H

#include "agent/run/bundle.h"

/* Before pivot_root. Nothing but linux.devices when /dev is a bind mount: it is the host's then. */
int dev_make(const struct bundle *bundle, int root, struct err *err);

/*
 * Adds the rules without which the default devices could not be used behind "deny all" to the
 * limits: mknod of anything, and all of the default devices, pseudo-terminals too, as runc does.
 * No rules at all are "deny all", as they are to runc, where the kernel can do it.
 */
void dev_allow_defaults(struct cgroup_limits *limits);

/* Is it about one of them? */
bool dev_is_default(const struct device_rule *rule);

#endif
