/* "keepProjects" of a profile: no call that would take a file out of its project gets through, and others do as ever. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "agent/run/seccomp_filter.h"
#include "lib/json.h"
#include "tests/unit/bpf_run.h"
#include "tests/unit/test.h"

static const uint32_t audit[MACHINES] = {
#if defined(__x86_64__)
	[MACHINE_X86_64] = AUDIT_ARCH_X86_64, [MACHINE_X86] = AUDIT_ARCH_I386, [MACHINE_X32] = AUDIT_ARCH_X86_64,
#else
	[MACHINE_AARCH64] = AUDIT_ARCH_AARCH64, [MACHINE_ARM] = AUDIT_ARCH_ARM,
#endif
};

/* FS_IOC_FSSETXATTR, FS_IOC_SETFLAGS, the same with 32 bits, and what the kernel takes for the first one. */
static const uint64_t requests[] = { 0x401c5820, 0x40086602, 0x40046602, 0xffffffff401c5820 };
#define TCGETS 0x5401

struct asking {
	struct seccomp_profile profile;
	struct seccomp_filter filter;
};

static void begin(struct asking *asking, const char *text)
{
	struct err err = ERR_INIT;
	json_t *json = NULL;

	CHECK_INT(json_parse(&json, text, strlen(text), "profile", &err), 0);
	CHECK_INT(seccomp_profile_parse(&asking->profile, json, 0, &err), 0);
	CHECK_INT(seccomp_filter_build(&asking->filter, &asking->profile, &err), 0);
	json_decref(json);
}

static uint32_t ask(const struct asking *asking, enum machine machine, const char *call, uint64_t second)
{
	struct seccomp_data data = { .nr = (int)syscall_number(syscall_find(call), machine),
				     .arch = audit[machine], .args = { 3, second } };

	return bpf_run(asking->filter.instructions, asking->filter.size, &data);
}

static void end(struct asking *asking)
{
	seccomp_filter_release(&asking->filter);
	seccomp_profile_release(&asking->profile);
}

static void nobody_leaves(const char *text, uint32_t refusal, uint32_t other)
{
	struct asking asking;

	begin(&asking, text);
	for (int m = MACHINE_NATIVE; m < MACHINES; m++) {
		if (!asking.profile.machines[m])
			continue;
		for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
			CHECK_INT(ask(&asking, (enum machine)m, "ioctl", requests[i]), SECCOMP_RET_ERRNO | refusal);
		CHECK_INT(ask(&asking, (enum machine)m, "ioctl", TCGETS), other);
		CHECK_INT(ask(&asking, (enum machine)m, "file_setattr", 0) & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
	}
	end(&asking);
}

#define ALL "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"keepProjects\":true"
#define NONE "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":95,\"keepProjects\":true"
#define NAMES "\"syscalls\":[{\"names\":[\"ioctl\",\"file_setattr\"],\"action\""

static void no_profile_lets_a_file_leave(void)
{
	nobody_leaves("{\"profile\":\"docker\",\"keepProjects\":true}", EOPNOTSUPP, SECCOMP_RET_ALLOW);
	nobody_leaves(ALL "}", EOPNOTSUPP, SECCOMP_RET_ALLOW);
	nobody_leaves(ALL "," NAMES ":\"SCMP_ACT_LOG\"}]}", EOPNOTSUPP, SECCOMP_RET_LOG);
	/* A rule that says the same as the default would be none. */
	nobody_leaves(NONE "," NAMES ":\"SCMP_ACT_ALLOW\"}]}", EPERM, SECCOMP_RET_ALLOW);
}

static void others_may(void)
{
	struct asking asking;

	begin(&asking, "{\"profile\":\"docker\"}");
	CHECK_INT(ask(&asking, MACHINE_NATIVE, "ioctl", requests[0]), SECCOMP_RET_ALLOW);
	end(&asking);
}

/* Docker's profile names none that is so new: libc tries an older one. */
static void newer_calls_stay_unknown(void)
{
	struct asking asking;

	begin(&asking, "{\"profile\":\"docker\",\"keepProjects\":true}");
	CHECK_INT(ask(&asking, MACHINE_NATIVE, "file_getattr", 0), SECCOMP_RET_ERRNO | ENOSYS);
	CHECK_INT(ask(&asking, MACHINE_NATIVE, "file_setattr", 0), SECCOMP_RET_ERRNO | ENOSYS);
	end(&asking);
	/* Of the actions that one is negative. */
	begin(&asking, "{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"keepProjects\":true,"
		       "\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}");
	CHECK_INT(ask(&asking, MACHINE_NATIVE, "file_getattr", 0), SECCOMP_RET_ERRNO | ENOSYS);
	CHECK_INT(ask(&asking, MACHINE_NATIVE, "file_setattr", 0), SECCOMP_RET_ERRNO | ENOSYS);
	CHECK_INT(ask(&asking, MACHINE_NATIVE, "read", 0), SECCOMP_RET_ALLOW);
	end(&asking);
}

int main(void)
{
	RUN(no_profile_lets_a_file_leave);
	RUN(others_may);
	RUN(newer_calls_stay_unknown);
	return test_end();
}
