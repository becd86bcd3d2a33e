#include "agent/helper/seccomp_lists.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "agent/helper/unpack_sandbox.h" /* UNDER_SANITIZER */

#define ALLOW SECCOMP_ALLOW
#define ALLOW_IF SECCOMP_ALLOW_IF
#define REFUSE SECCOMP_REFUSE

#define LIST(rules) ((struct seccomp_list){ rules, sizeof(rules) / sizeof(*(rules)) })

#define READ_ONLY(call, argument) \
	ALLOW_IF(call, argument, O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY), O_RDONLY)

/* musl counts O_PATH among O_ACCMODE; this lets it through. */
#define ONLY_READ_OR_FIND(call, argument) \
	ALLOW_IF(call, argument, 3 | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY), O_RDONLY)

/* Of fcntl() 0 to 7 and F_DUPFD_CLOEXEC: with F_SETOWN (8) the kernel could be made to signal others. */
#define FCNTL(call) ALLOW_IF(call, 1, ~7u, 0), ALLOW_IF(call, 1, ~0u, F_DUPFD_CLOEXEC)

/* restart_syscall: what a call that was stopped goes on with. ioctl: stdio asks whether it is a terminal. */
#define BASIC_CALLS \
	ALLOW(read), ALLOW(write), ALLOW(readv), ALLOW(writev), \
	ALLOW_IF(mmap, 2, PROT_EXEC, 0), ALLOW_IF(mmap2, 2, PROT_EXEC, 0), ALLOW(munmap), \
	ALLOW(mremap), ALLOW(madvise), ALLOW_IF(mprotect, 2, PROT_EXEC, 0), ALLOW(brk), \
	ALLOW(clock_gettime64), ALLOW(old_clock_gettime), ALLOW(old_gettimeofday), \
	ALLOW(close), ALLOW(exit_group), ALLOW(exit), ALLOW(restart_syscall), ALLOW(futex), \
	ALLOW(futex_time64), REFUSE(ioctl, ENOTTY)

/* What the sanitizers' runtimes and glibc do besides. */
#if UNDER_SANITIZER
#define SANITIZER_CALLS \
	, ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(sigaltstack), ALLOW(sched_yield), \
	ALLOW(getpid), ALLOW(gettid), ALLOW(newfstatat), ALLOW(getrandom), ALLOW(lseek), \
	ALLOW(prlimit64), ALLOW(fcntl), ALLOW(poll), ALLOW(clock_nanosleep)
#else
#define SANITIZER_CALLS
#endif

struct seccomp_list seccomp_list_decode(void)
{
	static const struct seccomp_rule rules[] = { BASIC_CALLS SANITIZER_CALLS };

	return LIST(rules);
}

/*
 * musl's resolver opens hosts and resolv.conf at each look-up; they are all that the root holds. Sockets
 * of other kinds, first of all AF_UNIX, would lead to the device's own services.
 */
struct seccomp_list seccomp_list_fetch(void)
{
	static const struct seccomp_rule rules[] = {
		BASIC_CALLS,
		ALLOW(poll), ALLOW(ppoll), ALLOW(ppoll_time64),
		ALLOW(recvfrom), ALLOW(sendto), ALLOW(recvmsg), ALLOW(sendmsg),
		ALLOW_IF(socket, 0, ~0u, AF_INET), ALLOW_IF(socket, 0, ~0u, AF_INET6),
		ALLOW(connect), ALLOW(bind), ALLOW(setsockopt), ALLOW(getsockopt),
		ALLOW(getsockname), ALLOW(getpeername), ALLOW(shutdown),
		READ_ONLY(open, 1), READ_ONLY(openat, 2),
		ALLOW(fstat), ALLOW(fstat64), ALLOW(statx), ALLOW(lseek), ALLOW(_llseek),
		FCNTL(fcntl), FCNTL(fcntl64),
		ALLOW(getrandom), ALLOW(nanosleep), ALLOW(clock_nanosleep),
		ALLOW(clock_nanosleep_time64), ALLOW(rt_sigprocmask)
		SANITIZER_CALLS
	};

	return LIST(rules);
}

struct seccomp_list seccomp_list_layout(void)
{
	static const struct seccomp_rule rules[] = {
		BASIC_CALLS, ALLOW(pread64), READ_ONLY(openat, 2), READ_ONLY(open, 1),
		ALLOW(fstat), ALLOW(fstat64), ALLOW(newfstatat), ALLOW(statx), ALLOW(lseek), ALLOW(_llseek),
		FCNTL(fcntl), FCNTL(fcntl64), ALLOW(nanosleep), ALLOW(clock_nanosleep),
		ALLOW(clock_nanosleep_time64)
		SANITIZER_CALLS
	};

	return LIST(rules);
}

/* Its netlink sockets and listeners are open already; connections go to the container only, which the list can't say. */
struct seccomp_list seccomp_list_forward(void)
{
	static const struct seccomp_rule rules[] = {
		BASIC_CALLS,
		ALLOW(epoll_wait), ALLOW(epoll_pwait), ALLOW(epoll_ctl),
		ALLOW(recvfrom), ALLOW(sendto), ALLOW(recvmsg), ALLOW(sendmsg), ALLOW(accept4),
		ALLOW_IF(socket, 0, ~0u, AF_INET), ALLOW_IF(socket, 0, ~0u, AF_INET6),
		ALLOW(connect), ALLOW(setsockopt), ALLOW(getsockopt), ALLOW(shutdown)
		SANITIZER_CALLS
	};

	return LIST(rules);
}

struct seccomp_list seccomp_list_fsck(void)
{
	static const struct seccomp_rule rules[] = {
		BASIC_CALLS,
		ONLY_READ_OR_FIND(openat, 2), ONLY_READ_OR_FIND(open, 1), ALLOW(fstat), ALLOW(fstat64),
		ALLOW(newfstatat), ALLOW(fstatat64), ALLOW(stat), ALLOW(lstat), ALLOW(statx), ALLOW(getdents64),
		ALLOW(readlink), ALLOW(readlinkat), ALLOW(faccessat), ALLOW(fgetxattr), ALLOW(flistxattr), ALLOW(lseek), ALLOW(_llseek),
		ALLOW(pread64), ALLOW(fadvise64), ALLOW(arm_fadvise64_64), ALLOW(fstatfs), ALLOW(fstatfs64),
		FCNTL(fcntl), FCNTL(fcntl64)
		SANITIZER_CALLS
	};

	return LIST(rules);
}

struct seccomp_list seccomp_list_unpack(void)
{
	static const struct seccomp_rule rules[] = {
		BASIC_CALLS,
		ALLOW(openat), ALLOW(open), ALLOW(openat2), ALLOW(fchownat), ALLOW(utimensat),
		ALLOW(utimensat_time64), ALLOW(fchmod), ALLOW(fchown), ALLOW(fchown32), ALLOW(fchmodat),
		ALLOW(unlinkat), ALLOW(fstat), ALLOW(fstat64), ALLOW(newfstatat), ALLOW(fstatat64),
		ALLOW(stat), ALLOW(lstat), ALLOW(statx), ALLOW(mkdirat), ALLOW(symlinkat),
		ALLOW(linkat), ALLOW(renameat), ALLOW(renameat2), ALLOW(mknodat), ALLOW(readlinkat),
		ALLOW(setxattr), ALLOW(lsetxattr), ALLOW(fsetxattr),
		ALLOW(getxattr), ALLOW(lgetxattr), ALLOW(fgetxattr),
		ALLOW(listxattr), ALLOW(llistxattr), ALLOW(flistxattr),
		ALLOW(removexattr), ALLOW(lremovexattr), ALLOW(fremovexattr),
		ALLOW(lseek), ALLOW(_llseek), ALLOW(ftruncate), ALLOW(ftruncate64), ALLOW(fallocate),
		ALLOW(fadvise64), ALLOW(arm_fadvise64_64),
		ALLOW(pread64), ALLOW(pwrite64), ALLOW(getdents64), ALLOW(fchdir), ALLOW(chdir),
		ALLOW(dup), FCNTL(fcntl), FCNTL(fcntl64), ALLOW(umask), ALLOW(fstatfs), ALLOW(fstatfs64),
		ALLOW(syncfs), ALLOW(fsync), ALLOW(fdatasync), ALLOW(sync_file_range),
		ALLOW(poll), ALLOW(ppoll), ALLOW(ppoll_time64), ALLOW(getrandom)
		SANITIZER_CALLS
	};

	return LIST(rules);
}
