/*
 * app_storage - the keys of an app's section about what the container writes to besides volumes
 * and binds: its writable layer, and file systems in memory.
 */
#ifndef CONFIG_APP_STORAGE_H
#define CONFIG_APP_STORAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APP_STORAGE_MIN 65536 /* bytes; less is a slip of the pen */
#define APP_WRITABLE_RAM (16 << 20) /* writable = tmpfs */
#define APP_SHM_SIZE (64 << 20)	    /* what `docker run` gives to /dev/shm */

enum writable_kind { WRITABLE_FLASH, WRITABLE_TMPFS, WRITABLE_NONE };

/* tmpfs = /path[:options] */
struct app_tmpfs {
	char *path;    /* as path_clean() has it */
	char *options; /* as mount(8)'s -o; "" */
};

struct app_storage {
	bool read_only;
	struct app_tmpfs *tmpfs;
	size_t tmpfs_count;
	int64_t shm_bytes; /* 0: the default */
	enum writable_kind writable;
	int64_t ram_bytes;   /* of WRITABLE_TMPFS */
	int64_t quota_bytes; /* writable_size, of WRITABLE_FLASH; 0: no limit */
};

void app_storage_release(struct app_storage *storage);

/* The keys that are given, into the JSON form (config/app_config.h). */
void app_storage_put(json_t *object, const struct app_storage *storage);

/* The root can't be written to: read_only = yes, or writable = none. */
bool app_storage_is_read_only(const struct app_storage *storage);

/* The tmpfs at this path, or NULL. */
const struct app_tmpfs *app_storage_tmpfs(const struct app_storage *storage, const char *path);

#endif
