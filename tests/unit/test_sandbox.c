/*
 * Hostile helpers: a process enters the sandbox of fetch (from a registry or files), decode or unpack as they do, and then tries to get out. Needs
 * root, and a kernel that filters system calls.
 */
// QEMU: no, the emulator has neither namespaces of its own nor seccomp
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "agent/helper/report.h"
#include "agent/helper/sandbox.h"
#include "agent/helper/seccomp.h"
#include "agent/helper/unpack_sandbox.h"
#include "lib/sys.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

enum role { FETCH, LAYOUT, DECODE, UNPACK, ROLES };

/* What has to come of it: the process is killed, or the call fails, or it is what the helper is there for. */
enum outcome { DIES, FAILS, WORKS };

#define EXIT_FAILED 20
#define EXIT_WORKED 21
#define EXIT_NOT_IN 22

#define WORD(value) ((long)(value))
#define PARENT (-1000001L) /* stands for the process that must come to no harm */

struct attempt {
	const char *name;
	long call;
	long arguments[6];
	enum outcome outcome[ROLES];
};

static const char *const arguments_none[] = { NULL };
static const struct perf_event_attr counter = { .size = sizeof(counter) };
static const char nothing[256];

/* FETCH, LAYOUT, DECODE, UNPACK; what isn't said is DIES. */
static const struct attempt attempts[] = {
	/* files */
	{ "open a file outside", SYS_openat, { AT_FDCWD, WORD("/etc/passwd"), O_RDONLY }, { FAILS, FAILS, DIES, FAILS } },
	{ "open upwards", SYS_openat, { AT_FDCWD, WORD("../../../../etc/passwd"), O_RDONLY }, { FAILS, FAILS, DIES, FAILS } },
	{ "open /proc", SYS_openat, { AT_FDCWD, WORD("/proc/self/status"), O_RDONLY }, { FAILS, FAILS, DIES, FAILS } },
	{ "write another's memory", SYS_openat, { AT_FDCWD, WORD("/proc/1/mem"), O_RDWR }, { DIES, DIES, DIES, FAILS } },
	{ "write by /proc/self/fd", SYS_openat, { AT_FDCWD, WORD("/proc/self/fd/0"), O_WRONLY }, { DIES, DIES, DIES, FAILS } },
	{ "open the program", SYS_openat, { AT_FDCWD, WORD("/proc/self/exe"), O_RDONLY }, { FAILS, FAILS, DIES, FAILS } },
	{ "open a device that it brought", SYS_openat, { AT_FDCWD, WORD("/stage/disk"), O_RDWR }, { DIES, DIES, DIES, FAILS } },
	{ "make a file", SYS_openat, { AT_FDCWD, WORD("/stage/new"), O_WRONLY | O_CREAT, 0600 }, { DIES, DIES, DIES, WORKS } },
	{ "make a device", SYS_mknodat, { AT_FDCWD, WORD("/stage/node"), S_IFBLK | 0600, 0x800 }, { DIES, DIES, DIES, WORKS } },
	{ "delete a file", SYS_unlinkat, { AT_FDCWD, WORD("/etc/hosts"), 0 }, { DIES, DIES, DIES, FAILS } },
	{ "open by a handle", SYS_open_by_handle_at, { 0, WORD(nothing), O_RDONLY }, { 0 } },
	{ "list by a kept directory", SYS_getdents64, { 100, WORD(nothing), 0 }, { DIES, DIES, DIES, FAILS } },
	{ "leave by a kept directory", SYS_openat, { 100, WORD("etc/passwd"), O_RDONLY }, { FAILS, FAILS, DIES, FAILS } },
	{ "chroot", SYS_chroot, { WORD("/") }, { 0 } },
	{ "pivot_root", SYS_pivot_root, { WORD("/"), WORD("/") }, { 0 } },
	/* the network */
	{ "socket AF_INET", SYS_socket, { AF_INET, SOCK_STREAM, 0 }, { WORKS, DIES, DIES, DIES } },
	{ "socket AF_UNIX", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, { 0 } },
	{ "socket AF_NETLINK", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 }, { 0 } },
	{ "socket AF_PACKET", SYS_socket, { AF_PACKET, SOCK_RAW, 0 }, { 0 } },
	{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, WORD(nothing) }, { 0 } },
	{ "raw socket", SYS_socket, { AF_INET, SOCK_RAW, 1 }, { FAILS, DIES, DIES, DIES } },
	{ "connect", SYS_connect, { 0, WORD(nothing), 16 }, { FAILS, DIES, DIES, DIES } },
	{ "listen", SYS_listen, { 0, 1 }, { 0 } },
	{ "accept", SYS_accept4, { 0, 0, 0, 0 }, { 0 } },
	/* other processes */
	{ "kill", SYS_kill, { PARENT, SIGKILL }, { 0 } },
	{ "kill all", SYS_kill, { -1, 0 }, { 0 } },
	{ "tgkill", SYS_tgkill, { PARENT, PARENT, SIGKILL }, { 0 } },
	{ "tkill", SYS_tkill, { PARENT, SIGKILL }, { 0 } },
	{ "sigqueue", SYS_rt_sigqueueinfo, { PARENT, SIGKILL, WORD(nothing) }, { 0 } },
	{ "pidfd_send_signal", 424, { 0, SIGKILL, 0, 0 }, { 0 } },
	{ "ptrace", SYS_ptrace, { PTRACE_ATTACH, PARENT, 0, 0 }, { 0 } },
	{ "process_vm_readv", SYS_process_vm_readv, { PARENT, WORD(nothing), 1, WORD(nothing), 1, 0 }, { 0 } },
	{ "process_vm_writev", SYS_process_vm_writev, { PARENT, WORD(nothing), 1, WORD(nothing), 1, 0 }, { 0 } },
	{ "pidfd_open", 434, { PARENT, 0 }, { 0 } },
	{ "pidfd_getfd", 438, { 0, 0, 0 }, { 0 } },
	{ "kcmp", SYS_kcmp, { PARENT, PARENT, 0, 0, 0 }, { 0 } },
	{ "setpriority", SYS_setpriority, { 0, PARENT, 19 }, { 0 } },
	/* new ones */
	{ "fork", SYS_clone, { SIGCHLD, 0, 0, 0, 0 }, { 0 } },
	{ "clone3", 435, { WORD(nothing), 88 }, { 0 } },
	{ "execve", SYS_execve, { WORD("/bin/true"), WORD(arguments_none), WORD(arguments_none) }, { 0 } },
	{ "execveat", SYS_execveat, { 0, WORD("/bin/true"), WORD(arguments_none), WORD(arguments_none), 0 }, { 0 } },
	/* namespaces and mounts */
	{ "mount", SYS_mount, { WORD("x"), WORD("/"), WORD("tmpfs"), 0, 0 }, { 0 } },
	{ "remount", SYS_mount, { 0, WORD("/"), 0, MS_REMOUNT | MS_BIND, 0 }, { 0 } },
	{ "umount", SYS_umount2, { WORD("/"), MNT_DETACH }, { 0 } },
	{ "open_tree", 428, { AT_FDCWD, WORD("/"), 1 }, { 0 } },
	{ "move_mount", 429, { AT_FDCWD, WORD("/"), AT_FDCWD, WORD("/"), 0 }, { 0 } },
	{ "fsopen", 430, { WORD("tmpfs"), 0 }, { 0 } },
	{ "mount_setattr", 442, { AT_FDCWD, WORD("/"), 0, WORD(nothing), 32 }, { 0 } },
	{ "unshare", SYS_unshare, { CLONE_NEWUSER }, { 0 } },
	{ "setns", SYS_setns, { 0, 0 }, { 0 } },
	/* privileges */
	{ "setuid", SYS_setuid, { 0 }, { 0 } },
	{ "setresuid", SYS_setresuid, { 0, 0, 0 }, { 0 } },
	{ "setgid", SYS_setgid, { 0 }, { 0 } },
	{ "setgroups", SYS_setgroups, { 0, 0 }, { 0 } },
	{ "capset", SYS_capset, { WORD(nothing), WORD(nothing) }, { 0 } },
	{ "prctl", SYS_prctl, { 4 /* PR_SET_DUMPABLE */, 1 }, { 0 } },
	{ "a filter of its own", SYS_seccomp, { 1, 0, WORD(nothing) }, { 0 } },
	{ "personality", SYS_personality, { 0 }, { 0 } },
	/* large parts of the kernel */
	{ "keyctl", SYS_keyctl, { 0, -3, 0 }, { 0 } },
	{ "add_key", SYS_add_key, { WORD("user"), WORD("x"), WORD("y"), 1, -3 }, { 0 } },
	{ "bpf", SYS_bpf, { 0, WORD(nothing), 64 }, { 0 } },
	{ "perf_event_open", SYS_perf_event_open, { WORD(&counter), 0, -1, -1, 0 }, { 0 } },
	{ "io_uring_setup", 425, { 4, WORD(nothing) }, { 0 } },
	{ "userfaultfd", SYS_userfaultfd, { 0 }, { 0 } },
	{ "fanotify_init", SYS_fanotify_init, { 0, 0 }, { 0 } },
	{ "memfd_create", SYS_memfd_create, { WORD("x"), 0 }, { 0 } },
	{ "shmget", SYS_shmget, { 0, 4096, 0600 }, { 0 } },
	{ "splice", SYS_splice, { 0, 0, 1, 0, 1, 0 }, { 0 } },
	{ "init_module", SYS_init_module, { WORD(nothing), 0, WORD("") }, { 0 } },
	{ "reboot", SYS_reboot, { 0, 0, 0, 0 }, { 0 } },
	{ "swapon", SYS_swapon, { WORD("/disk"), 0 }, { 0 } },
	{ "syslog", SYS_syslog, { 3, WORD(nothing), 0 }, { 0 } },
	{ "settimeofday", SYS_settimeofday, { WORD(nothing), 0 }, { 0 } },
	{ "sethostname", SYS_sethostname, { WORD("x"), 1 }, { 0 } },
	{ "push characters into a terminal", SYS_ioctl, { 0, 0x5412, WORD("x") }, { FAILS, FAILS, FAILS, FAILS } },
	{ "executable memory", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 }, { 0 } },
	{ "make memory executable", SYS_mprotect, { 0, 4096, PROT_EXEC }, { 0 } },
	{ "a number that is none", 4000, { 0 }, { 0 } },
};

static struct scratch scratch;

static int enter(enum role role, struct err *err)
{
	int stage;

	if (role == FETCH)
		return sandbox_fetch(err);
	if (role == LAYOUT)
		return sandbox_layout(&(int){ open("usb", O_RDONLY | O_DIRECTORY) }, true, err);
	if (role == DECODE)
		return sandbox_decode(32 << 20, err);
	stage = open("stage", O_RDONLY | O_DIRECTORY);
	return sandbox_unpack(&(struct sandbox_view){ .stage_fd = stage }, 32 << 20, err);
}

/* In the child: descriptors as a helper has them, but one that its sandbox has to take away. */
static void prepare(enum role role, int report)
{
	if (fchdir(scratch.fd) < 0 || dup2(open("/dev/null", O_RDWR), STDIN_FILENO) < 0 ||
	    dup2(report, REPORT_FD) < 0)
		_exit(EXIT_NOT_IN);
	if (role == UNPACK)
		dup2(open("/", O_RDONLY | O_DIRECTORY), 100);
	else
		sys_close_from(REPORT_FD + 1); /* as their mains do */
}

static _Noreturn void attack(enum role role, const struct attempt *attempt, long parent, int report)
{
	struct err err = ERR_INIT;
	long word[6];

	for (size_t i = 0; i < 6; i++)
		word[i] = attempt->arguments[i] == PARENT ? parent : attempt->arguments[i];
	prepare(role, report);
	if (enter(role, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(EXIT_NOT_IN);
	}
	_exit(syscall(attempt->call, word[0], word[1], word[2], word[3], word[4], word[5]) < 0 ?
		      EXIT_FAILED : EXIT_WORKED);
}

static enum outcome outcome_of(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return DIES;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILED ? FAILS : WORKS;
}

static void try(enum role role, const struct attempt *attempt)
{
	static const char *const role_names[] = { "fetch", "fetch from files", "decode", "unpack" };
	static const char *const outcomes[] = { "dies", "fails", "works" };
	char report[256] = "", number[64];
	int pipe_fds[2], status = 0;
	pid_t bystander = fork(), child;

	if (!bystander)
		for (;;)
			pause();
	REQUIRE(pipe(pipe_fds) == 0);
	child = fork();
	if (!child)
		attack(role, attempt, bystander, pipe_fds[1]);
	close(pipe_fds[1]);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(!(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_IN));
	if (outcome_of(status) != attempt->outcome[role])
		test_fail(__FILE__, __LINE__, "%s: %s: %s (status %x) instead of %s", role_names[role],
			  attempt->name, outcomes[outcome_of(status)], status,
			  outcomes[attempt->outcome[role]]);
	CHECK(read(pipe_fds[0], report, sizeof(report) - 1) >= 0);
	snprintf(number, sizeof(number), "system-call filter (call %ld)\",\"code\":\"filter\"", attempt->call);
	if (attempt->outcome[role] == DIES)
		CHECK_HAS(report, number);
	close(pipe_fds[0]);
	CHECK_INT(waitpid(bystander, NULL, WNOHANG), 0);
	kill(bystander, SIGKILL);
	waitpid(bystander, NULL, 0);
}

static void try_all(enum role role)
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
		try(role, &attempts[i]);
}

static void fetch_cannot_get_out(void)
{
	try_all(FETCH);
}

/* There is a directory in its root that somebody else has written. */
static void fetch_from_files_cannot_get_out(void)
{
	int usb = fd_open_dir(scratch.fd, "usb", 0755);
	const struct attempt inside = { "open what is there", SYS_openat,
					{ AT_FDCWD, WORD("/image/file"), O_RDONLY }, { [LAYOUT] = WORKS } };
	const struct attempt link = { "follow a link out", SYS_openat,
				      { AT_FDCWD, WORD("/image/link"), O_RDONLY }, { [LAYOUT] = FAILS } };
	const struct attempt device = { "open its device", SYS_openat,
					{ AT_FDCWD, WORD("/image/disk"), O_RDONLY }, { [LAYOUT] = FAILS } };
	const struct attempt upwards = { "go up from it", SYS_openat,
					 { AT_FDCWD, WORD("/image/../../../etc/passwd"), O_RDONLY },
					 { [LAYOUT] = FAILS } };

	REQUIRE(mknodat(usb, "disk", S_IFBLK | 0666, makedev(7, 250)) == 0);
	REQUIRE(mknodat(usb, "file", S_IFREG | 0644, 0) == 0);
	REQUIRE(symlinkat("/etc/passwd", usb, "link") == 0);
	REQUIRE(fchmod(scratch.fd, 0755) == 0);
	try_all(LAYOUT);
	try(LAYOUT, &inside);
	try(LAYOUT, &link);
	try(LAYOUT, &device);
	try(LAYOUT, &upwards);
	close(usb);
}

static void decode_cannot_get_out(void)
{
	try_all(DECODE);
}

static void unpack_cannot_get_out(void)
{
	int stage = fd_open_dir(scratch.fd, "stage", 0700);

	REQUIRE(mknodat(stage, "disk", S_IFBLK | 0666, makedev(7, 250)) == 0);
	try_all(UNPACK);
	close(stage);
}

/* Overlayfs' own attribute needs CAP_SYS_ADMIN: that much of it is left. */
static void unpack_marks_opaque_directories(void)
{
	int stage = fd_open_dir(scratch.fd, "stage", 0700);
	const struct attempt mark = { "mark", SYS_setxattr,
				      { WORD("/stage"), WORD("trusted.overlay.opaque"), WORD("y"), 1, 0 },
				      { [UNPACK] = WORKS } };

	try(UNPACK, &mark);
	close(stage);
}

#ifdef __x86_64__
/* The same process can make the calls of i386, whose numbers differ. */
static void other_entries_are_closed(void)
{
	pid_t child = fork();
	int status = 0;

	if (!child) {
		struct err err = ERR_INIT;
		long result = 20; /* getpid() of i386, writev() of x86_64 */

		sys_close_from(REPORT_FD + 1);
		if (sandbox_decode(32 << 20, &err) < 0)
			_exit(EXIT_NOT_IN);
		__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
		_exit(result < 0 ? EXIT_FAILED : EXIT_WORKED);
	}
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV));
}
#endif

int main(void)
{
	if (geteuid() != 0 || !seccomp_is_there()) {
		fprintf(stderr, "needs root, and a kernel with CONFIG_SECCOMP_FILTER\n");
		return 1;
	}
	scratch_open(&scratch);
	RUN(fetch_cannot_get_out);
	RUN(fetch_from_files_cannot_get_out);
	RUN(decode_cannot_get_out);
	RUN(unpack_cannot_get_out);
	RUN(unpack_marks_opaque_directories);
#ifdef __x86_64__
	RUN(other_entries_are_closed);
#endif
	scratch_close(&scratch);
	return test_end();
}
