/*
 * sys - system calls that musl 1.2.3 has no wrapper for. Each returns what the kernel does, with
 * errno set: -1 and ENOSYS on kernels that lack it (the comment says since when it exists).
 */
#ifndef LIB_SYS_H
#define LIB_SYS_H

#include <linux/openat2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

int sys_openat2(int dirfd, const char *path, struct open_how *how); /* 5.6 */
int sys_pidfd_open(pid_t pid);					     /* 5.3 */
int sys_pidfd_send_signal(int pidfd, int signal);		     /* 5.1 */
int sys_exchange(int dirfd, const char *a, const char *b);	     /* renameat2, 3.15; EINVAL: the file system can't */
int sys_close_range(unsigned int first, unsigned int last, unsigned int flags); /* 5.9 */

/*
 * Mounts as descriptors. open_tree(TREE_CLONE) makes a mount that is nowhere yet, like a bind mount; move_mount attaches it to what
 * `target` stands for; mount_setattr changes what is mounted at `fd`, and with `recursive` all below.
 */
#define TREE_CLONE 1	     /* OPEN_TREE_CLONE */
#define TREE_RECURSIVE 0x8000 /* AT_RECURSIVE */
struct sys_mount_attr {
	uint64_t set, clear; /* MOUNT_ATTR_... of linux/mount.h */
	uint64_t propagation; /* MS_SHARED ..., 0: stays */
	uint64_t userns_fd;
};
#define ATTR_RDONLY 0x1 /* MOUNT_ATTR_..., which libcs before 2022 do not name */
#define ATTR_NOSUID 0x2
#define ATTR_NODEV 0x4
#define ATTR_NOEXEC 0x8
#define ATTR_ATIME 0x70 /* which bits say how: 0 relatime */
#define ATTR_NOATIME 0x10
#define ATTR_STRICTATIME 0x20
#define ATTR_NODIRATIME 0x80
#define ATTR_IDMAP 0x100000
#define ATTR_NOSYMFOLLOW 0x200000
int sys_open_tree(int dirfd, const char *path, unsigned int flags);	       /* 5.2, close-on-exec */
int sys_move_mount(int tree, int target);				       /* 5.2 */
int sys_mount_setattr(int fd, bool recursive, const struct sys_mount_attr *attr); /* 5.12 */

/* From here on this process has the processor and the disk only when nobody else wants them. */
void sys_step_back(void);

/* Pages of the stack below the caller's that something before needed: for who waits long after it. */
void sys_release_stack(void);

/* Opens /dev/null as those of 0, 1, 2 that are closed, or the next file opened would be one of them. */
int sys_fill_standard_fds(void);

/* Closes everything from `first` up, by close_range or, on old kernels, by /proc/self/fd. */
int sys_close_from(int first);
/* The same but for `kept`, and without a look at /proc: as far as the limit on descriptors where close_range is missing. */
void sys_close_others(int first, const int *kept, size_t count);

/* The start time of a process in clock ticks since boot (proc(5), field 22): with the pid it names a process for good. */
int sys_process_start(pid_t pid, uint64_t *ticks);
/* The same; what it returns is the letter of its state, 'Z' for a zombie, or a negative errno value. */
int sys_process_state(pid_t pid, uint64_t *ticks);

#endif
