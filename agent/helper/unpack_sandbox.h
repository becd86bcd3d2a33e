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
 * Its root is a tmpfs over /proc of a mount namespace of its own, read-only:
 *
 *	/stage		the stage, "nodev": a device node that an image brings can be made there but not opened
 *	/base/0, 1...	layers to look for unchanged files in, lowest first, read-only
 *
 * Not even the seven capabilities let it make these writable, as long as mount(2) is out of its reach.
 */
#ifndef AGENT_HELPER_UNPACK_SANDBOX_H
#define AGENT_HELPER_UNPACK_SANDBOX_H

#include <stddef.h>

#include "config/digest.h"
#include "lib/err.h"

#define SANDBOX_STAGE "/stage"
#define SANDBOX_BASE "/base"
#define SANDBOX_LAYERS "../../layers" /* of the store, seen from one of its stages */

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

/* What unpack gets to see. */
struct sandbox_view {
	int stage_fd;		   /* is closed */
	const struct digest *base; /* diff IDs */
	size_t base_count;	   /* BASE_LAYERS_MAX at most */
};

/*
 * Makes that the root, and the stage the working directory, and closes stage_fd and every other
 * descriptor past the report's. No network where the kernel has network namespaces, no new
 * privileges, at most memory_max bytes of data, and only the calls of seccomp_lists.h. On error: end.
 */
int sandbox_unpack(const struct sandbox_view *view, size_t memory_max, struct err *err);

/*
 * The same for relink, which makes links from one layer to another: the store is its root and working directory
 * (store_fd is closed), and of the capabilities it keeps DAC_OVERRIDE and FOWNER.
 */
int sandbox_relink(int store_fd, size_t memory_max, struct err *err);

/*
 * And for fsck-store, which reads all of it: the same root, read-only, and calls that only read. It keeps DAC_READ_SEARCH
 * and, for trusted.overlay.opaque, SYS_ADMIN, of which the filter leaves nothing else.
 */
int sandbox_fsck(int store_fd, size_t memory_max, struct err *err);

#endif
