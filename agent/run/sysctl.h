/*
 * sysctl - linux.sysctl, written before pivot_root through the host's /proc/sys: what may be set
 * belongs to a namespace of the writer, so it is the container's, and no file of the container's
 * is trusted. Everything else would change the host and is refused.
 */
#ifndef AGENT_RUN_SYSCTL_H
#define AGENT_RUN_SYSCTL_H

#include "agent/run/bundle.h"

/* -EINVAL with the reason when one of them is not the container's own. Touches nothing. */
int sysctl_check(const struct bundle *bundle, struct err *err);
int sysctl_apply(const struct bundle *bundle, struct err *err);

#endif
