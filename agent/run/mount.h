/*
 * mount - the mounts of config.json, inside the container's root and before pivot_root.
 *
 * Everything is mounted onto descriptors (/proc/self/fd/N of the host's proc) that
 * agent/run/path.h has found inside the root: no name is looked up twice. The host's files are
 * still in sight then, which bind mounts need, and nothing of the container's own /proc has to be
 * trusted.
 */
#ifndef AGENT_RUN_MOUNT_H
#define AGENT_RUN_MOUNT_H

#include <sys/stat.h>

#include "agent/run/bundle.h"
#include "lib/err.h"

/*
 * Mounts in their order. `cgroup` is the container's own, which a mount of type "cgroup" shows, and which the caller is in:
 * what is copied into a tmpfs counts as the container's memory. tmpfs that are to be read-only can still be written to until
 * mount_finish(): devices and the mount points of later mounts go into them.
 */
int mount_all(const struct bundle *bundle, int root, const struct cgroup *cgroup, struct err *err);
int mount_finish(const struct bundle *bundle, int root, struct err *err);

/* Mounts `source` (a file or directory) on an O_PATH descriptor. `flags`: MS_REC or 0. */
int mount_bind(const char *source, int target, unsigned long flags, struct err *err);

/*
 * Adds flags (MS_RDONLY, MS_NOSUID ...) to what is mounted at `path` below root, and takes
 * `cleared` away; the other flags stay. The path is looked up anew, for a descriptor from before
 * a mount stands for what is now below it: `expected` (NULL: whatever is there) says which file
 * or directory it has to lead to, so that a link changed meanwhile is an error instead of a mount
 * left writable.
 */
int mount_change(int root, const char *path, const struct stat *expected, unsigned long flags,
		 unsigned long cleared, struct err *err);

/* linux.maskedPaths and linux.readonlyPaths; those that do not exist are left out. */
int mount_mask(int root, char *const *paths, struct err *err);
int mount_read_only(int root, char *const *paths, struct err *err);

#endif
