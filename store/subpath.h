/*
 * subpath - names of archive entries as paths below a root.
 */
#ifndef STORE_SUBPATH_H
#define STORE_SUBPATH_H

#include <limits.h>
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

#endif
