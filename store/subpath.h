/*
 * subpath - names of archive entries as paths below a root.
 */
#ifndef STORE_SUBPATH_H
#define STORE_SUBPATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Cleans a name as Docker does before it unpacks: no leading, trailing or double '/', no ".", and
 * ".." taken back together with the component before it. The root itself is "". -EINVAL: an empty
 * name, or a relative one whose ".." lead out of the root (absolute ones stop at it);
 * -ENAMETOOLONG: it has PATH_MAX bytes or more.
 */
int subpath_clean(char out[static PATH_MAX], const char *name);

/* Splits a clean path: its last component, and the size of what is before the last '/' (0: the root). */
const char *subpath_split(const char *path, size_t *parent_size);

/* Is it as subpath_clean() leaves it, the root excepted, with names a file system takes? */
bool subpath_is_clean(const char *path);

/*
 * Opens the directory at a clean path of `size` bytes below the root without following symlinks,
 * component by component, so it needs no openat2. `flags`: O_PATH or O_RDONLY. A descriptor or a
 * negative errno value: -ENOTDIR or -ELOOP when something else is on the way.
 */
int subpath_open_dir(int root, const char *path, size_t size, int flags);

#endif
