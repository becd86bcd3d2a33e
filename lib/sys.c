#include "lib/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"

#define LOWEST_PRIORITY 19

#define STACK_KEPT 512
#define STACK_RELEASED (64 * 1024)

/* Of ioprio_set(2), which libc has no wrapper for. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)

/* The same number on every architecture since 5.1 unified the tables. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#define MOVE_FROM_FD 0x4 /* MOVE_MOUNT_F_EMPTY_PATH */
#define MOVE_TO_FD 0x40	 /* MOVE_MOUNT_T_EMPTY_PATH */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

int sys_openat2(int dirfd, const char *path, struct open_how *how)
{
	return (int)syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
}

int sys_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int sys_pidfd_send_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int sys_exchange(int dirfd, const char *a, const char *b)
{
	return (int)syscall(SYS_renameat2, dirfd, a, dirfd, b, 2 /* RENAME_EXCHANGE */);
}

int sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

int sys_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags | O_CLOEXEC);
}

int sys_move_mount(int tree, int target)
{
	return (int)syscall(SYS_move_mount, tree, "", target, "", MOVE_FROM_FD | MOVE_TO_FD);
}

int sys_mount_setattr(int fd, bool recursive, const struct sys_mount_attr *attr)
{
	return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? TREE_RECURSIVE : 0),
			    attr, sizeof(*attr));
}

/* Schedulers that know no idle class take no notice. */
void sys_step_back(void)
{
	setpriority(PRIO_PROCESS, 0, LOWEST_PRIORITY);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

int sys_fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 3);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int sys_close_from(int first)
{
	struct dirent *entry;
	DIR *dir;

	if (sys_close_range((unsigned int)first, ~0u, 0) == 0)
		return 0;
	dir = opendir("/proc/self/fd");
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd >= first && fd != dirfd(dir))
			close(fd);
	}
	closedir(dir);
	return 0;
}

/* Without /proc, which may be a container's by then. */
static void close_between(int first, int last)
{
	struct rlimit limit;

	if (first > last || sys_close_range((unsigned int)first, (unsigned int)last, 0) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= (rlim_t)last)
		last = (int)limit.rlim_cur - 1;
	for (int fd = first; fd <= last; fd++)
		close(fd);
}

void sys_close_others(int first, const int *kept, size_t count)
{
	while (first < INT_MAX) {
		int next = INT_MAX;

		for (size_t i = 0; i < count; i++)
			if (kept[i] >= first && kept[i] < next)
				next = kept[i];
		close_between(first, next - 1);
		first = next < INT_MAX ? next + 1 : next;
	}
}

void sys_release_stack(void)
{
	char here;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	/* Room for the frame of madvise() itself. */
	uintptr_t end = ((uintptr_t)&here - STACK_KEPT) & ~(page - 1);

	/* Never past its lower end: the kernel maps 128 KiB at least, and has a gap below. */
	madvise((void *)(end - STACK_RELEASED), STACK_RELEASED, MADV_DONTNEED);
}

int sys_process_state(pid_t pid, uint64_t *ticks)
{
	BUF_CLEANUP struct buf stat = BUF_INIT;
	char path[32];
	const char *p;
	int rc, state = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	rc = fd_read_file(AT_FDCWD, path, &stat, 4096);
	if (rc < 0)
		return rc;
	/* Field 2 is the name in parentheses and may hold anything: count from the last ')'. */
	p = strrchr(buf_text(&stat), ')');
	if (p && p[1] == ' ')
		state = p[2];
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p || !state)
		return -EINVAL;
	*ticks = strtoull(p + 1, NULL, 10);
	return state;
}

int sys_process_start(pid_t pid, uint64_t *ticks)
{
	int state = sys_process_state(pid, ticks);

	return state < 0 ? state : 0;
}
