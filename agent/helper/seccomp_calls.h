/*
 * seccomp_calls - system calls under one name each on every architecture: those that one lacks are
 * SECCOMP_ABSENT. 64-bit machines have no *_time64, the newer ones no open or poll.
 */
#ifndef AGENT_HELPER_SECCOMP_CALLS_H
#define AGENT_HELPER_SECCOMP_CALLS_H

#include <sys/syscall.h>

#define SECCOMP_ABSENT UINT32_MAX

/* Calls of x86_64 and 32-bit ARM that aarch64 was made without. */
#ifndef SYS_open
#define SYS_open SECCOMP_ABSENT
#endif
#ifndef SYS_stat
#define SYS_stat SECCOMP_ABSENT
#endif
#ifndef SYS_lstat
#define SYS_lstat SECCOMP_ABSENT
#endif
#ifndef SYS_epoll_wait
#define SYS_epoll_wait SECCOMP_ABSENT
#endif
#ifndef SYS_readlink
#define SYS_readlink SECCOMP_ABSENT
#endif
#ifndef SYS_poll
#define SYS_poll SECCOMP_ABSENT
#endif

/* 32-bit ARM: IDs past 65535, files larger than 2 GiB, ... */
#ifndef SYS_fchown32
#define SYS_fchown32 SECCOMP_ABSENT
#endif
#ifndef SYS_mmap
#define SYS_mmap SECCOMP_ABSENT
#endif
#ifndef SYS_mmap2
#define SYS_mmap2 SECCOMP_ABSENT
#endif
#ifndef SYS_fadvise64
#define SYS_fadvise64 SECCOMP_ABSENT
#endif
#ifndef SYS_arm_fadvise64_64
#define SYS_arm_fadvise64_64 SECCOMP_ABSENT
#endif
#ifndef SYS__llseek
#define SYS__llseek SECCOMP_ABSENT
#endif
#ifndef SYS_fcntl64
#define SYS_fcntl64 SECCOMP_ABSENT
#endif
#ifndef SYS_fstat64
#define SYS_fstat64 SECCOMP_ABSENT
#endif
#ifndef SYS_fstatat64
#define SYS_fstatat64 SECCOMP_ABSENT
#endif
#ifndef SYS_fstatfs64
#define SYS_fstatfs64 SECCOMP_ABSENT
#endif
#ifndef SYS_ftruncate64
#define SYS_ftruncate64 SECCOMP_ABSENT
#endif
#ifndef SYS_newfstatat
#define SYS_newfstatat SECCOMP_ABSENT
#endif
#ifndef SYS_sync_file_range
#ifdef SYS_sync_file_range2
#define SYS_sync_file_range SYS_sync_file_range2
#endif
#endif
/* newer than the headers of some toolchains */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/*
 * ... and times after 2038. musl asks for the new call first and falls back to the old one, which
 * it calls *_time32 lest a program makes it by mistake.
 */
#if defined(__arm__)
#define SYS_old_clock_gettime __NR_clock_gettime32
#define SYS_old_gettimeofday __NR_gettimeofday_time32
#else
#define SYS_old_clock_gettime SYS_clock_gettime
#define SYS_old_gettimeofday SYS_gettimeofday
#endif
#ifndef SYS_clock_gettime64
#define SYS_clock_gettime64 SECCOMP_ABSENT
#endif
#ifndef SYS_clock_nanosleep
#define SYS_clock_nanosleep SECCOMP_ABSENT
#endif
#ifndef SYS_clock_nanosleep_time64
#define SYS_clock_nanosleep_time64 SECCOMP_ABSENT
#endif
#ifndef SYS_futex_time64
#define SYS_futex_time64 SECCOMP_ABSENT
#endif
#ifndef SYS_ppoll
#define SYS_ppoll SECCOMP_ABSENT
#endif
#ifndef SYS_ppoll_time64
#define SYS_ppoll_time64 SECCOMP_ABSENT
#endif
#ifndef SYS_utimensat
#define SYS_utimensat SECCOMP_ABSENT
#endif
#ifndef SYS_utimensat_time64
#define SYS_utimensat_time64 SECCOMP_ABSENT
#endif

#endif
