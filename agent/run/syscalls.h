/*
 * syscalls - system calls by name: their numbers on each machine whose programs this kernel may
 * run, and whether Docker's default profile allows them.
 *
 * A kernel for 64-bit machines also runs the 32-bit programs of its family (and x32), with other
 * numbers for the same calls. A filter for one of them has to know all. Names that are new to a
 * kernel have their numbers all the same, so that a profile means the same everywhere.
 */
#ifndef AGENT_RUN_SYSCALLS_H
#define AGENT_RUN_SYSCALLS_H

#include <stddef.h>
#include <stdint.h>

/* The first one is the one that berth was built for, unless that is 32-bit ARM. */
enum machine {
#if defined(__x86_64__)
	MACHINE_X86_64,
	MACHINE_X86,
	MACHINE_X32, /* shares AUDIT_ARCH_X86_64 with the first; its numbers have SYSCALL_X32 set */
#else
	MACHINE_AARCH64,
	MACHINE_ARM,
#endif
	MACHINES
};

#if defined(__arm__)
#define MACHINE_NATIVE MACHINE_ARM
#else
#define MACHINE_NATIVE ((enum machine)0)
#endif

#define SYSCALL_X32 0x40000000u
#define SYSCALL_NONE UINT32_MAX

/*
 * Docker's verdict: with one of these capabilities, or for whom it is ALWAYS. PTRACE_OR_4_8: or
 * since Linux 4.8, where a filter cannot be evaded by ptrace() any more.
 */
enum syscall_default {
	SYSCALL_NEVER,
	SYSCALL_ALWAYS,
	SYSCALL_PTRACE_OR_4_8,
	SYSCALL_PTRACE,
	SYSCALL_ADMIN,
	SYSCALL_ADMIN_BPF,
	SYSCALL_ADMIN_PERFMON,
	SYSCALL_ADMIN_SYSLOG,
	SYSCALL_READ_SEARCH,
	SYSCALL_BOOT,
	SYSCALL_CHROOT,
	SYSCALL_MODULE,
	SYSCALL_PACCT,
	SYSCALL_RAWIO,
	SYSCALL_TIME,
	SYSCALL_TTY,
	SYSCALL_NICE,
};

/* Calls are numbered by their place in the table: 0, 1, 2 ... */
size_t syscall_count(void);
/* -ENOENT when none of the machines above has ever had it; this family may not. */
int syscall_find(const char *name);
const char *syscall_name(int call);
/* SYSCALL_NONE when the machine has no such call. x32's with its bit. */
uint32_t syscall_number(int call, enum machine machine);
enum syscall_default syscall_default_verdict(int call);

/*
 * x86 has a second way to sockets and System V IPC: socketcall() and ipc(), whose first argument
 * says what to do. That number for `call`; 0 when it can't be reached so, or not on this machine.
 */
unsigned int syscall_by_socketcall(int call, enum machine machine);
unsigned int syscall_by_ipc(int call, enum machine machine);

#endif
