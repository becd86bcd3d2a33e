/*
 * seccomp - allow-lists of system calls for the helpers (seccomp(2), since Linux 3.5).
 *
 *	static const struct seccomp_rule rules[] = { SECCOMP_ALLOW(read), SECCOMP_ALLOW(exit_group), ... };
 *	seccomp_enter(&(struct seccomp_list){ rules, COUNT }, err)
 *
 * A list that only compares numbers is a page of classic BPF, which is put together here at run
 * time: 1 kB of code, 3 kB of lists, 0.13 ms. libseccomp takes 0.6 ms and 28 kB of memory for each helper, and
 * costs 75-80 kB of program. Profiles of containers, which come as text, are agent/run/seccomp_filter.h's.
 *
 * A call that is on no list is not made. The process reports
 * {"error":"killed by its system-call filter (call N)","code":"filter"} and dies of SIGSYS: N are
 * the machine's own numbers (ausyscall(8)).
 */
#ifndef AGENT_HELPER_SECCOMP_H
#define AGENT_HELPER_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/helper/seccomp_calls.h"
#include "lib/err.h"

/*
 * Allowed when (argument & mask) == value; only the lower 32 bits are looked at, so for what the
 * kernel takes as int. With a mask of 0 it always is. Several rules for a call: one has to fit.
 * refuse_with: the call fails with this errno value instead, which libc can live with.
 */
struct seccomp_rule {
	uint32_t call;
	uint32_t mask, value;
	uint8_t argument;
	uint8_t refuse_with;
};

struct seccomp_list {
	const struct seccomp_rule *rules; /* the most frequent calls first */
	size_t count;
};

#define SECCOMP_ALLOW(name) { .call = SYS_##name }
#define SECCOMP_ALLOW_IF(name, arg, bits, is) \
	{ .call = SYS_##name, .argument = (arg), .mask = (bits), .value = (is) }
#define SECCOMP_REFUSE(name, code) { .call = SYS_##name, .refuse_with = (code) }

#define SECCOMP_CODE "filter"

/* Five instructions for a rule with a condition, and six for all. */
#define SECCOMP_PROGRAM_MAX 512

/* Can this kernel filter system calls? */
bool seccomp_is_there(void);

/*
 * The list as a program; rules of calls that this architecture doesn't have are left out. Returns
 * how many instructions, or -E2BIG. Pure.
 */
int seccomp_compile(const struct seccomp_list *list, struct sock_filter program[static SECCOMP_PROGRAM_MAX]);

/*
 * From here on only what is on the list. Needs no-new-privileges set, or root. Does nothing on a kernel
 * that can't filter: the agent says that once (seccomp_is_there).
 */
int seccomp_enter(const struct seccomp_list *list, struct err *err);

#endif
