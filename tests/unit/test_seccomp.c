/* The lists as programs, run by an interpreter: so on every architecture, also where no kernel filters. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "agent/helper/seccomp_lists.h"
#include "agent/helper/unpack_sandbox.h"
#include "tests/unit/bpf_run.h"
#include "tests/unit/test.h"

#if defined(__x86_64__)
#define HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define HERE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define HERE AUDIT_ARCH_ARM
#endif

static uint32_t verdict(struct seccomp_list list, uint32_t arch, uint32_t call, uint64_t second, uint64_t third)
{
	struct sock_filter program[SECCOMP_PROGRAM_MAX];
	const struct seccomp_data data = {
		.nr = (int)call, .arch = arch, .args = { second, second, third },
	};
	int size = seccomp_compile(&list, program);

	return size < 0 ? 0 : bpf_run(program, (size_t)size, &data);
}

static bool passes(struct seccomp_list list, uint32_t call)
{
	return verdict(list, HERE, call, 0, 0) == SECCOMP_RET_ALLOW;
}

static void the_lists_fit(void)
{
	struct sock_filter program[SECCOMP_PROGRAM_MAX];
	const struct seccomp_list lists[] = { seccomp_list_decode(), seccomp_list_fetch(),
					      seccomp_list_unpack(), seccomp_list_fsck() };

	for (size_t i = 0; i < 4; i++)
		CHECK(seccomp_compile(&lists[i], program) > 0);
}

static void too_long_a_list_is_noticed(void)
{
	struct sock_filter program[SECCOMP_PROGRAM_MAX];
	struct seccomp_rule rules[SECCOMP_PROGRAM_MAX] = { { 0 } };
	const struct seccomp_list list = { rules, SECCOMP_PROGRAM_MAX };

	CHECK_INT(seccomp_compile(&list, program), -E2BIG);
}

static void every_helper_reads_and_ends(void)
{
	static const uint32_t calls[] = { SYS_read, SYS_write, SYS_munmap, SYS_exit_group };

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		CHECK(passes(seccomp_list_decode(), calls[i]));
		CHECK(passes(seccomp_list_fetch(), calls[i]));
		CHECK(passes(seccomp_list_unpack(), calls[i]));
		CHECK(passes(seccomp_list_forward(), calls[i]));
	}
}

static void no_helper_starts_or_signals(void)
{
	static const uint32_t calls[] = {
		SYS_execve, SYS_clone, SYS_kill, SYS_tgkill, SYS_ptrace, SYS_mount, SYS_unshare, SYS_setns,
		SYS_bpf, SYS_chroot, SYS_keyctl, SYS_setuid, SYS_perf_event_open, SYS_process_vm_readv,
		SYS_seccomp, SYS_prctl, 425 /* io_uring_setup */, 435 /* clone3 */, 438 /* pidfd_getfd */,
		0x40000000 + SYS_read /* x32 */, SECCOMP_ABSENT,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		CHECK_INT(verdict(seccomp_list_decode(), HERE, calls[i], 0, 0), SECCOMP_RET_TRAP);
		CHECK_INT(verdict(seccomp_list_fetch(), HERE, calls[i], 0, 0), SECCOMP_RET_TRAP);
		CHECK_INT(verdict(seccomp_list_unpack(), HERE, calls[i], 0, 0), SECCOMP_RET_TRAP);
		CHECK_INT(verdict(seccomp_list_forward(), HERE, calls[i], 0, 0), SECCOMP_RET_TRAP);
	}
}

static void other_machines_calls_are_none(void)
{
	CHECK_INT(verdict(seccomp_list_unpack(), AUDIT_ARCH_I386, SYS_read, 0, 0), SECCOMP_RET_TRAP);
}

static void fetch_has_internet_sockets(void)
{
	CHECK_INT(verdict(seccomp_list_fetch(), HERE, SYS_socket, AF_INET, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(verdict(seccomp_list_fetch(), HERE, SYS_socket, AF_INET6, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(verdict(seccomp_list_fetch(), HERE, SYS_socket, AF_UNIX, 0), SECCOMP_RET_TRAP);
	CHECK_INT(verdict(seccomp_list_fetch(), HERE, SYS_socket, AF_NETLINK, 0), SECCOMP_RET_TRAP);
	CHECK(!passes(seccomp_list_unpack(), SYS_socket));
	CHECK(!passes(seccomp_list_decode(), SYS_socket));
	CHECK(!passes(seccomp_list_decode(), SYS_connect));
}

/* Its netlink socket and listeners are open when it enters; it reads no file. */
static void forward_only_connects(void)
{
	const struct seccomp_list list = seccomp_list_forward();

	CHECK_INT(verdict(list, HERE, SYS_socket, AF_INET, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(verdict(list, HERE, SYS_socket, AF_UNIX, 0), SECCOMP_RET_TRAP);
	CHECK_INT(verdict(list, HERE, SYS_socket, AF_NETLINK, 0), SECCOMP_RET_TRAP);
	CHECK(!passes(list, SYS_bind));
	CHECK(!passes(list, SYS_listen));
	CHECK_INT(verdict(list, HERE, SYS_openat, 0, O_RDONLY), SECCOMP_RET_TRAP);
}

static void fetch_reads_files_only(void)
{
	const struct seccomp_list list = seccomp_list_fetch();

	CHECK_INT(verdict(list, HERE, SYS_openat, 0, O_RDONLY | O_CLOEXEC), SECCOMP_RET_ALLOW);
	CHECK_INT(verdict(list, HERE, SYS_openat, 0, O_WRONLY), SECCOMP_RET_TRAP);
	CHECK_INT(verdict(list, HERE, SYS_openat, 0, O_RDWR), SECCOMP_RET_TRAP);
	CHECK_INT(verdict(list, HERE, SYS_openat, 0, O_CREAT), SECCOMP_RET_TRAP);
	CHECK_INT(verdict(list, HERE, SYS_openat, 0, O_TMPFILE), SECCOMP_RET_TRAP);
	CHECK_INT(verdict(seccomp_list_decode(), HERE, SYS_openat, 0, 0), SECCOMP_RET_TRAP);
}

static void fsck_reads_only(void)
{
	static const uint32_t calls[] = {
		SYS_mount, SYS_umount2, SYS_unshare, SYS_setns, SYS_chroot, SYS_execve, SYS_clone, SYS_kill, SYS_ptrace,
		SYS_bpf, SYS_socket, SYS_unlinkat, SYS_mkdirat, SYS_mknodat, SYS_linkat, SYS_fchmodat, SYS_fchownat,
		SYS_open_by_handle_at, SYS_setxattr, SYS_fsetxattr, SYS_openat2, SYS_reboot, 428 /* open_tree */,
		430 /* fsopen */, 442 /* mount_setattr */,
	};
	const struct seccomp_list list = seccomp_list_fsck();

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		CHECK_INT(verdict(list, HERE, calls[i], 0, 0), SECCOMP_RET_TRAP);
	CHECK_INT(verdict(list, HERE, SYS_openat, 0, O_RDONLY | O_DIRECTORY), SECCOMP_RET_ALLOW);
	CHECK_INT(verdict(list, HERE, SYS_openat, 0, O_RDWR), SECCOMP_RET_TRAP);
	CHECK(passes(list, SYS_getdents64) && passes(list, SYS_fgetxattr) && passes(list, SYS_flistxattr));
}

static void memory_is_not_made_executable(void)
{
	const uint32_t map = (uint32_t)SYS_mmap == SECCOMP_ABSENT ? (uint32_t)SYS_mmap2 : (uint32_t)SYS_mmap;

	CHECK_INT(verdict(seccomp_list_decode(), HERE, map, 0, PROT_READ | PROT_WRITE), SECCOMP_RET_ALLOW);
	CHECK_INT(verdict(seccomp_list_decode(), HERE, map, 0, PROT_READ | PROT_EXEC), SECCOMP_RET_TRAP);
	CHECK_INT(verdict(seccomp_list_unpack(), HERE, SYS_mprotect, 0, PROT_EXEC), SECCOMP_RET_TRAP);
}

static void fcntl_hands_out_no_signals(void)
{
	const struct seccomp_list list = seccomp_list_unpack();

	CHECK_INT(verdict(list, HERE, SYS_fcntl, F_GETFL, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(verdict(list, HERE, SYS_fcntl, F_DUPFD_CLOEXEC, 0), SECCOMP_RET_ALLOW);
	if (!UNDER_SANITIZER)
		CHECK_INT(verdict(list, HERE, SYS_fcntl, F_SETOWN, 0), SECCOMP_RET_TRAP);
}

static void a_terminal_may_be_asked_for(void)
{
	CHECK_INT(verdict(seccomp_list_decode(), HERE, SYS_ioctl, 0, 0), SECCOMP_RET_ERRNO | ENOTTY);
}

/* Of a pull on 32-bit ARM, as the emulator traces it. */
static void calls_with_wide_types_pass(void)
{
#ifdef __arm__
	static const uint32_t calls[] = { SYS_fchown32, SYS_fcntl64, SYS_fstatfs64, SYS_fstat64, SYS_statx,
					  SYS_ftruncate64, SYS_mmap2, SYS__llseek, 341 /* sync_file_range2 */ };

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		CHECK(passes(seccomp_list_unpack(), calls[i]));
	CHECK(passes(seccomp_list_forward(), SYS_mmap2));
#else
	CHECK(passes(seccomp_list_unpack(), SYS_fchown));
#endif
}

/* What musl does on 32-bit machines, first and on older kernels. */
static void both_kinds_of_time_pass(void)
{
#ifdef __arm__
	CHECK(passes(seccomp_list_decode(), 403)); /* clock_gettime64 */
	CHECK(passes(seccomp_list_decode(), 263)); /* clock_gettime */
	CHECK(passes(seccomp_list_unpack(), 412)); /* utimensat_time64 */
	CHECK(passes(seccomp_list_unpack(), 348)); /* utimensat */
	CHECK(passes(seccomp_list_fetch(), 407));  /* clock_nanosleep_time64 */
	CHECK(passes(seccomp_list_fetch(), 162));  /* nanosleep */
#else
	CHECK(passes(seccomp_list_decode(), SYS_clock_gettime));
	CHECK(passes(seccomp_list_unpack(), SYS_utimensat));
#endif
}

int main(void)
{
	RUN(the_lists_fit);
	RUN(too_long_a_list_is_noticed);
	RUN(every_helper_reads_and_ends);
	RUN(no_helper_starts_or_signals);
	RUN(other_machines_calls_are_none);
	RUN(fetch_has_internet_sockets);
	RUN(forward_only_connects);
	RUN(fetch_reads_files_only);
	RUN(fsck_reads_only);
	RUN(memory_is_not_made_executable);
	RUN(fcntl_hands_out_no_signals);
	RUN(a_terminal_may_be_asked_for);
	RUN(calls_with_wide_types_pass);
	RUN(both_kinds_of_time_pass);
	return test_end();
}
