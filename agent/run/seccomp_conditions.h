/*
 * seccomp_conditions - what Docker's files of profiles have beyond the runtime spec: rules for some
 * capabilities, architectures and kernels only. Docker resolves them before a runtime sees them; here
 * the runtime does, so that such a file can be taken as it is.
 */
#ifndef AGENT_RUN_SECCOMP_CONDITIONS_H
#define AGENT_RUN_SECCOMP_CONDITIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/* What they ask for. */
struct seccomp_situation {
	uint64_t bounding; /* capabilities */
	uint32_t kernel;   /* 0x40800 is 4.8 */
};

struct seccomp_situation seccomp_situation(uint64_t bounding);

/* By the rule's "includes" and "excludes": 1, 0, or negative when one can't be read. */
int seccomp_rule_applies(const json_t *rule, const struct seccomp_situation *situation,
			 struct err *err);

#endif
