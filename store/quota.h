/*
 * quota - a limit for all that is written below a directory: a project quota of the file system
 * (ext4, f2fs and xfs have them). What is made in the directory belongs to its project, and so on
 * down, so the directory must be new when it gets one. statfs(2) there shows the limit.
 *
 * Nothing is kept in files: the directory's inode has the project's ID, the file system the limit.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include <stdint.h>

#include "lib/err.h"

#define QUOTA_FILE_BYTES 4096 /* one inode is allowed for each so many bytes, */
#define QUOTA_FILES_MIN 1024  /* and so many at least */

/*
 * A project of its own for the directory, which nobody else on the file system uses, unless it has
 * one already; with this limit. -ENOSYS: the file system or kernel can't, and the reason says what
 * to do.
 */
int quota_limit(int dirfd, int64_t bytes, struct err *err);

/*
 * Before the directory is removed: the file system forgets the limit. What of the project is still
 * there counts for nobody, and its ID isn't given again before it is gone.
 */
void quota_lift(int parent, const char *name);

#endif
