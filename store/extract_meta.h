/* extract_meta - owner, mode, extended attributes and times of what extract has made. */
#ifndef STORE_EXTRACT_META_H
#define STORE_EXTRACT_META_H

#include <archive_entry.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "store/dirs.h"

/* For an open file or directory. `fresh`: just made with mode & 01777, owned by us. */
int extract_set_owner_mode(int fd, struct archive_entry *entry, bool fresh, bool set_gid_parent,
			   struct err *err);
int extract_set_xattrs(int fd, struct archive_entry *entry, struct err *err);
int extract_set_time(int fd, struct archive_entry *entry, struct err *err);

/* All of that for a name in a directory, which may be a symlink or device and was just made. */
int extract_set_meta_at(const struct dir *parent, const char *name, struct archive_entry *entry,
			struct err *err);

/* Does a regular file have the size and all that the functions above would give it? Never when the entry has no time. */
bool extract_has_meta(const struct stat *st, struct archive_entry *entry);
bool extract_has_xattrs(int fd, struct archive_entry *entry);

/* What the entry says, or now. */
struct timespec extract_mtime(struct archive_entry *entry);

/*
 * The same of a directory, as its file system keeps it: ext4's times end in 2446, with small inodes in 2038, and what is
 * past the end becomes the end.
 */
int extract_kept_mtime(int fd, struct archive_entry *entry, struct timespec *time, struct err *err);

#endif
