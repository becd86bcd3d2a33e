/*
 * writable - what containers write to: volumes, which stay until the user removes them, and a
 * writable layer per container (overlayfs' upper and work directory), which ends with the container.
 */
#ifndef STORE_WRITABLE_H
#define STORE_WRITABLE_H

#include <limits.h>
#include <stdint.h>

#include "lib/err.h"
#include "store/store.h"

#define VOLUME_NAME_MAX 255

/*
 * Makes the volume where missing (root, 0755) and gives its absolute path. Names as docker has them:
 * a letter or digit, then letters, digits, '_', '.', '-'. 1: it is new; 0: it was there.
 */
int volume_open(struct store *store, const char *name, char path[static PATH_MAX],
		struct err *err);

/* The same with data and all. -ENOENT: there is none. */
int volume_remove(struct store *store, const char *name, struct err *err);

/* The names, NULL-terminated, sorted; free_strings(). */
int volume_list(const struct store *store, char ***names, struct err *err);

/* Absolute paths of a container's directories. */
struct container_dir {
	char upper[PATH_MAX];
	char work[PATH_MAX];
};

/*
 * Makes containers/<id>/{upper,work} where missing. `id`: letters and digits. Not more than
 * `quota_bytes` can be written there (store/quota.h); 0: no limit.
 */
int container_dir_open(struct store *store, const char *id, int64_t quota_bytes,
		       struct container_dir *dir, struct err *err);

/* Removing one that isn't there is success. */
int container_dir_remove(struct store *store, const char *id, struct err *err);

#endif
