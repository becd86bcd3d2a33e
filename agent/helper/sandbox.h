/*
 * sandbox - what a helper gives up before it touches bytes from the network.
 */
#ifndef AGENT_HELPER_SANDBOX_H
#define AGENT_HELPER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

/* "Next to nobody": an ID of its own, so that no daemon that runs as nobody can signal or trace fetch. */
#define SANDBOX_FETCH_ID 65533

/*
 * For fetch, which needs sockets, the DNS and its four descriptors: a root directory of its own that
 * holds copies of /etc/resolv.conf and /etc/hosts (musl's resolver opens them at each lookup) and
 * cannot be written to, its own user, no capabilities, no new privileges, no new processes, no
 * core dump, and only the system calls of seccomp_lists.h. The root is a tmpfs in a private mount namespace, so nothing is left behind.
 *
 * Not run as root (by hand, in tests) there is nothing to drop and no right to mount: then only
 * the limits apply. As root everything has to work, or fetch ends.
 */
int sandbox_fetch(struct err *err);

/*
 * For fetch from files (fetch_layout.h): as above, but without a network, and of what *fd is open on only this: a
 * file, or a directory, which is then mounted read-only and without devices as the one thing in the
 * root, so that there is no way up from it; there CAP_DAC_READ_SEARCH is kept. *fd is exchanged for one in there.
 */
int sandbox_layout(int *fd, bool is_directory, struct err *err);

/* For decode, which needs nothing but its three descriptors: as fetch, and at most memory_max bytes of data. */
int sandbox_decode(size_t memory_max, struct err *err);

#endif
