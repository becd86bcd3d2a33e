/*
 * unpack_sandbox - what unpack gives up before it reads the first byte from the network.
 *
 * It has to be root with some capabilities, because it makes files of any owner, devices and
 * whiteouts. What is left of root is held in a root directory of its own:
 *
 *	CHOWN, FOWNER, FSETID, DAC_OVERRIDE	owners, modes and times of what it made
 *	SETFCAP					security.capability
 *	MKNOD					devices and whiteouts (char 0/0)
 *	SYS_ADMIN				trusted.overlay.opaque; no other capability sets trusted.*.
 *						The filter (seccomp_lists.h) keeps the rest of it away
 *
 * The stage is bind-mounted over /proc of a mount namespace of its own and entered, "nodev": a
 * device node that an image brings can be made there but not opened.
 */
#ifndef AGENT_HELPER_UNPACK_SANDBOX_H
#define AGENT_HELPER_UNPACK_SANDBOX_H

#include <stddef.h>

#include "lib/err.h"

/* A sanitizer's shadow memory is larger than any bound: then there is none. */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

/*
 * Makes the stage the root and working directory, and closes stage_fd and every other descriptor
 * past the report's. No network where the kernel has network namespaces, no new privileges, at most
 * memory_max bytes of data, and only the calls of seccomp_lists.h. On error: end.
 */
int sandbox_unpack(int stage_fd, size_t memory_max, struct err *err);

#endif
