/*
 * dirs - the directories of a tree that is being written, open and at hand.
 *
 * Files arrive grouped by directory, so a few open descriptors save a path walk per file. The cache
 * also is what makes paths safe and times right:
 *
 * - A path is walked one component at a time from the root, O_NOFOLLOW. A symlink on the way is read
 *   and walked in its turn, with "/" and ".." meaning the root at most (what openat2's RESOLVE_IN_ROOT
 *   does). Doing it here works on kernels before 5.6 too, with one code path to test, and costs no
 *   more, since the directory is nearly always open already. It has no race, because whoever
 *   unpacks is alone in the tree.
 * - Writing into a directory changes its mtime. So a directory has its mtime set once more when it
 *   leaves the cache: to what its own entry said, or else to what it was when it was opened. No list
 *   of all directories has to be kept until the end.
 */
#ifndef STORE_DIRS_H
#define STORE_DIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/err.h"

#define DIRS_MAX 32	  /* open descriptors */
#define DIRS_LINKS_MAX 40 /* symlinks in one path, as the kernel has it */

struct dir {
	char *path; /* below the root, without symlinks; NULL: the slot is free */
	int fd;
	bool set_gid;	       /* what is made in it gets its group */
	bool touched;	       /* mtime has to be set */
	struct timespec mtime; /* what it shall be */
	uint64_t used;
};

struct dirs {
	struct dir slots[DIRS_MAX]; /* the first one is the root, for good */
	uint64_t clock;
};

/* Takes root_fd, an open directory, also on failure. */
int dirs_open(struct dirs *dirs, int root_fd, struct err *err);

/* Sets the mtimes that are due and closes everything. An error means that some could not be set. */
int dirs_close(struct dirs *dirs, struct err *err);

/*
 * The directory at a clean path of `size` bytes; valid until the next call. What is missing on the
 * way is made when `make` is set (root, 0755), else -ENOENT. -ENOTDIR: something else is there;
 * -ELOOP: too many symlinks.
 */
int dirs_get(struct dirs *dirs, const char *path, size_t size, bool make, struct dir **out,
	     struct err *err);

/* The same for a name in a directory, which must not be a symlink. `dir` stays valid. */
int dirs_child(struct dirs *dirs, struct dir *dir, const char *name, struct dir **out,
	       struct err *err);

/* Something in `dir` is about to be made or removed. */
static inline void dir_touch(struct dir *dir)
{
	dir->touched = true;
}

/* A directory or symlink is about to be replaced: closes all but the root and what `keep` is, which stays valid. */
int dirs_forget(struct dirs *dirs, const struct dir *keep, struct err *err);

#endif
