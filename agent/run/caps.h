/*
 * caps - the five capability sets of a process (capabilities(7)) as bit masks.
 *
 * Around a change of user the order is:
 *
 *	caps_limit(&caps, err);		bounding set: needs CAP_SETPCAP, so before the change
 *	caps_keep(err);			permitted capabilities survive setuid()
 *	setgroups, setgid, setuid
 *	caps_apply(&caps, err);		permitted, effective, inheritable, ambient
 *
 * What the runtime itself does not have, or the kernel does not know, cannot be given and is left
 * out: so a "privileged" container works inside of another container.
 */
#ifndef AGENT_RUN_CAPS_H
#define AGENT_RUN_CAPS_H

#include <stdint.h>

#include "lib/err.h"

struct caps {
	uint64_t bounding;
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
	uint64_t ambient;
};

int caps_limit(const struct caps *caps, struct err *err);
int caps_keep(struct err *err);
int caps_apply(const struct caps *caps, struct err *err);

/*
 * caps_apply() in two parts, for one who has to know beforehand what will be attainable: reading, and
 * setting by capset() alone (what is no longer permitted is no longer ambient).
 */
int caps_reach(const struct caps *caps, struct caps *can, struct err *err);
int caps_set(const struct caps *can, struct err *err);

#endif
