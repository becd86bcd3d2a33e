/*
 * seccomp_profile - which system calls a container may make, as config.json's linux.seccomp has it
 * (runtime-spec 1.1, config-linux.md) or as Docker's default profile does.
 *
 *	seccomp_profile_parse(&profile, object, caps, err)	bundle_seccomp.c
 *	seccomp_filter_build(&profile, &program)		seccomp_filter.h
 *	seccomp_load(...)					seccomp_load.h
 *
 * Meaning of a profile, as runc and libseccomp have it:
 *	- a rule with conditions holds when all of them do, the first one that fits counts; a rule
 *	  without any holds always, wherever it stands, and the first of those counts;
 *	- what no rule fits gets the default action; numbers past the last call that the profile
 *	  names fail with ENOSYS if the default is to refuse, so that a libc tries an older call;
 *	  ARM's own ones, from 0xf0000 on, have a last one of their own;
 *	- calls of a machine that the profile does not name end the thread.
 */
#ifndef AGENT_RUN_SECCOMP_PROFILE_H
#define AGENT_RUN_SECCOMP_PROFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/run/syscalls.h"
#include "lib/err.h"

#define SECCOMP_RULES_MAX 8192 /* a call counts once for each rule that names it */
#define SECCOMP_ARGUMENTS 6

enum call_comparison { CALL_EQ, CALL_NE, CALL_LT, CALL_LE, CALL_GT, CALL_GE };

/* (argument & mask) OP value. A mask of 32 bits is for what the kernel takes as int. */
struct call_condition {
	uint8_t argument;
	uint8_t comparison;
	uint64_t mask;
	uint64_t value;
};

struct call_rule {
	uint32_t action; /* SECCOMP_RET_..., with its data */
	uint16_t call;	 /* syscalls.h */
	uint8_t condition_count;
	uint32_t first_condition; /* in the profile's conditions */
};

struct seccomp_profile {
	uint32_t default_action;
	bool machines[MACHINES]; /* the native one is always there */
	uint32_t flags;		 /* SECCOMP_FILTER_FLAG_... */
	bool is_optional;	 /* a kernel that cannot filter goes without */
	uint32_t refusal;	 /* of what would change a file's project; 0: that is not refused */
	char *listener_path;	 /* who gets the listener's descriptor; NULL: no call is notified of */
	char *listener_metadata; /* NULL: none */
	struct call_rule *rules;
	size_t rule_count;
	struct call_condition *conditions;
	size_t condition_count;
};

/*
 * Also Docker's files as they are (seccomp_conditions.h). Extension: {"profile": "docker"} stands for Docker's default profile with the conditions it has on
 * capabilities (those of the bounding set) and the kernel's version. It is not loaded where the
 * kernel has no filters, unless "required" is true. Another one, for both: "keepProjects": true, see below.
 */
int seccomp_profile_parse(struct seccomp_profile *profile, const json_t *object, uint64_t bounding,
			  struct err *err);
/* seccomp_docker.c. `kernel`: 0x40800 is 4.8. */
void seccomp_profile_docker(struct seccomp_profile *profile, uint64_t bounding, uint32_t kernel);
void seccomp_profile_release(struct seccomp_profile *profile);

/*
 * Nobody may take a file out of its project, whatever other rules say, so that project quotas hold. Before the first rule, when
 * default_action is known.
 */
void seccomp_profile_keep_projects(struct seccomp_profile *profile);

/* One more rule; -E2BIG when there are too many. */
int seccomp_profile_add(struct seccomp_profile *profile, int call, uint32_t action,
			const struct call_condition *conditions, size_t count);
/* Does a rule have this action (SECCOMP_RET_..., without data), or the default? */
bool seccomp_profile_uses(const struct seccomp_profile *profile, uint32_t action);

/* For `features`: the names that the parser knows, NULL past the last one. */
const char *seccomp_action_name(int number);
const char *seccomp_operator_name(int number);
const char *seccomp_flag_name(int number);
const char *seccomp_arch_name(int number); /* of this family of machines */

#endif
