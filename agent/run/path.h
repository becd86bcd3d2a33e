/*
 * path - paths inside a container's root, resolved as the container would: no link, no "..",
 * nothing that changes meanwhile leads out of it.
 *
 * The root may hold volumes in which another container changes links at this very moment (the
 * class of CVE-2019-19921), so a path is never checked first and used later: it is walked
 * component by component with O_PATH | O_NOFOLLOW, links are read and walked as text, and what
 * comes out is a descriptor. openat2(RESOLVE_IN_ROOT) does the same, but needs Linux 5.6 and
 * can't make what is missing; one way for all kernels is one way to test.
 */
#ifndef AGENT_RUN_PATH_H
#define AGENT_RUN_PATH_H

#include "lib/err.h"

enum path_flags {
	PATH_MAKE_DIR = 1,  /* make missing directories, the last one too */
	PATH_MAKE_FILE = 2, /* make missing directories, and an empty file as the last */
	PATH_NO_LINKS = 4,  /* -ELOOP when a link is on the way: for /proc and its like */
	PATH_NOT_ROOT = 8,  /* -EBUSY when it leads to the root itself: what is mounted there is never seen */
};

/* An O_PATH descriptor of `path` below `root`, or a negative code (-ENOENT and so on). */
int path_open(int root, const char *path, int flags, struct err *err);

/*
 * The directory that `path` is (to be) in, made where missing; *name is set to its last component.
 */
int path_open_parent(int root, const char *path, const char **name, struct err *err);

/* "/proc/self/fd/N": names what a descriptor stands for to calls that take a path only. */
#define PATH_OF_FD_MAX 32
const char *path_of_fd(char text[static PATH_OF_FD_MAX], int fd);

#endif
