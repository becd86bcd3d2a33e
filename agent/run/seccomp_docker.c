/* Docker's default profile: moby/profiles, seccomp/default.json. Most of it stands in syscall_table.h. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>

#include "agent/run/seccomp_profile.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define INT UINT32_MAX /* as a mask: the kernel takes that argument as an int */

/* linux/personality.h */
#define PER_LINUX 0
#define PER_LINUX32 8
#define UNAME26 0x20000
#define PER_QUERY UINT32_MAX

#define NEW_NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
	 CLONE_NEWCGROUP)

static const uint64_t enough[] = {
	[SYSCALL_PTRACE_OR_4_8] = CAP(SYS_PTRACE),
	[SYSCALL_PTRACE] = CAP(SYS_PTRACE),
	[SYSCALL_ADMIN] = CAP(SYS_ADMIN),
	[SYSCALL_ADMIN_BPF] = CAP(SYS_ADMIN) | CAP(BPF),
	[SYSCALL_ADMIN_PERFMON] = CAP(SYS_ADMIN) | CAP(PERFMON),
	[SYSCALL_ADMIN_SYSLOG] = CAP(SYS_ADMIN) | CAP(SYSLOG),
	[SYSCALL_READ_SEARCH] = CAP(DAC_READ_SEARCH),
	[SYSCALL_BOOT] = CAP(SYS_BOOT),
	[SYSCALL_CHROOT] = CAP(SYS_CHROOT),
	[SYSCALL_MODULE] = CAP(SYS_MODULE),
	[SYSCALL_PACCT] = CAP(SYS_PACCT),
	[SYSCALL_RAWIO] = CAP(SYS_RAWIO),
	[SYSCALL_TIME] = CAP(SYS_TIME),
	[SYSCALL_TTY] = CAP(SYS_TTY_CONFIG),
	[SYSCALL_NICE] = CAP(SYS_NICE),
};

/*
 * Docker compares all 64 bits, of which the kernel then takes 32: 0x100000026 would be AF_ALG to
 * it. Sockets: neither AF_ALG, a large part of the kernel, nor AF_VSOCK, which knows no namespaces.
 */
static const struct {
	const char *call;
	struct call_condition condition;
} conditional[] = {
	{ "socket", { 0, CALL_LT, INT, AF_ALG } },
	{ "socket", { 0, CALL_EQ, INT, AF_NFC } },
	{ "socket", { 0, CALL_GT, INT, AF_VSOCK } },
	{ "personality", { 0, CALL_EQ, INT, PER_LINUX } },
	{ "personality", { 0, CALL_EQ, INT, PER_LINUX32 } },
	{ "personality", { 0, CALL_EQ, INT, UNAME26 } },
	{ "personality", { 0, CALL_EQ, INT, UNAME26 | PER_LINUX32 } },
	{ "personality", { 0, CALL_EQ, INT, PER_QUERY } },
	{ "clone", { 0, CALL_EQ, NEW_NAMESPACES, 0 } },
};

static bool is_allowed(int call, uint64_t bounding, uint32_t kernel)
{
	enum syscall_default verdict = syscall_default_verdict(call);

	if (verdict == SYSCALL_NEVER || verdict == SYSCALL_ALWAYS)
		return verdict == SYSCALL_ALWAYS;
	if (verdict == SYSCALL_PTRACE_OR_4_8 && kernel >= 0x40800)
		return true;
	return bounding & enough[verdict];
}

static void add(struct seccomp_profile *profile, const char *name, uint32_t action,
		const struct call_condition *condition)
{
	int call = syscall_find(name);

	if (call >= 0)
		seccomp_profile_add(profile, call, action, condition, condition ? 1 : 0);
}

void seccomp_profile_docker(struct seccomp_profile *profile, uint64_t bounding, uint32_t kernel)
{
	profile->default_action = SECCOMP_RET_ERRNO | EPERM;
	profile->flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	/* On a 64-bit kernel 32-bit programs run as well. */
	for (int i = MACHINE_NATIVE; i < MACHINES; i++)
		profile->machines[i] = true;
	for (int call = 0; call < (int)syscall_count(); call++)
		if (is_allowed(call, bounding, kernel))
			seccomp_profile_add(profile, call, SECCOMP_RET_ALLOW, NULL, 0);
	for (size_t i = 0; i < sizeof(conditional) / sizeof(*conditional); i++)
		add(profile, conditional[i].call, SECCOMP_RET_ALLOW, &conditional[i].condition);
	/* Its flags are in memory, where no filter sees them: libc then takes clone(). */
	if (!(bounding & CAP(SYS_ADMIN)))
		add(profile, "clone3", SECCOMP_RET_ERRNO | ENOSYS, NULL);
}
