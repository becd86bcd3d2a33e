/*
 * seccomp_lists - which system calls each helper makes once it is in its sandbox (seccomp.h).
 *
 * What matters is what is not on them: new processes and programs, signals to others, ptrace and
 * other processes' memory, mount, namespaces, user IDs, keyrings, bpf, io_uring, perf. Memory can't be
 * made executable. Reasons for single lines are in the .c. Under a sanitizer some more are there,
 * which its runtime and glibc make.
 */
#ifndef AGENT_HELPER_SECCOMP_LISTS_H
#define AGENT_HELPER_SECCOMP_LISTS_H

#include "agent/helper/seccomp.h"

struct seccomp_list seccomp_list_decode(void); /* its descriptors, memory, the time */
struct seccomp_list seccomp_list_fetch(void);  /* and internet sockets, files to read, waiting */
struct seccomp_list seccomp_list_layout(void); /* as decode, and files to read */
struct seccomp_list seccomp_list_forward(void); /* as decode, and internet sockets, epoll; no files */
struct seccomp_list seccomp_list_fsck(void);   /* as decode, and files and directories to read */
struct seccomp_list seccomp_list_unpack(void); /* and files in every way; no sockets */

#endif
