/*
 * sys - system calls that musl 1.2.3 has no wrapper for. Each returns what the kernel does, with
 * errno set: -1 and ENOSYS on kernels that lack it (the comment says since when it exists).
 */
#ifndef LIB_SYS_H
#define LIB_SYS_H

#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

int sys_openat2(int dirfd, const char *path, struct open_how *how); /* 5.6 */
int sys_pidfd_open(pid_t pid);					     /* 5.3 */
int sys_pidfd_send_signal(int pidfd, int signal);		     /* 5.1 */
int sys_exchange(int dirfd, const char *a, const char *b);	     /* renameat2, 3.15; EINVAL: the file system can't */
int sys_close_range(unsigned int first, unsigned int last, unsigned int flags); /* 5.9 */

/* From here on this process has the processor and the disk only when nobody else wants them. */
void sys_step_back(void);

/* Opens /dev/null as those of 0, 1, 2 that are closed, or the next file opened would be one of them. */
int sys_fill_standard_fds(void);

/* Closes everything from `first` up, by close_range or, on old kernels, by /proc/self/fd. */
int sys_close_from(int first);

/* The start time of a process in clock ticks since boot (proc(5), field 22): with the pid it names a process for good. */
int sys_process_start(pid_t pid, uint64_t *ticks);

#endif
