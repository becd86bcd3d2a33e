/*
 * seccomp_filter - a profile as classic BPF, for seccomp(2). Pure.
 *
 * Ranges of numbers that have one action in common are found by binary search: Docker's profile
 * takes eight comparisons a call, not hundreds, which counts twice, since the kernel (5.11) runs
 * a new filter once for each number there is. Only instructions are used which that run understands.
 */
#ifndef AGENT_RUN_SECCOMP_FILTER_H
#define AGENT_RUN_SECCOMP_FILTER_H

#include <linux/filter.h>

#include "agent/run/seccomp_profile.h"

struct seccomp_filter {
	struct sock_filter *instructions; /* NULL: no filter */
	unsigned short size;
};

/* -E2BIG for what would be more than the kernel's 4096 instructions. */
int seccomp_filter_build(struct seccomp_filter *filter, const struct seccomp_profile *profile,
			 struct err *err);
void seccomp_filter_release(struct seccomp_filter *filter);

#endif
