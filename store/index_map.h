/*
 * index_map - which entries of an index still count, and which paths a layer may have.
 *
 * An index is a log (index.h). This reads it through once and knows then for each entry, by its place
 * in the log, whether a later one has taken its place. 16 bytes of memory and more for each path;
 * paths are told apart by their XXH64 alone.
 */
#ifndef STORE_INDEX_MAP_H
#define STORE_INDEX_MAP_H

#include <stdbool.h>

#include "store/index.h"

#define INDEX_MAP_PATHS_MAX (4 << 20)

struct index_map {
	struct index_slot *slots;
	size_t capacity, used;
	bool has_gone; /* is there any INDEX_GONE at all? */
};

/* -EBADMSG as index_read(), -EFBIG: more than INDEX_MAP_PATHS_MAX paths. Release it in any case. */
int index_map_init(struct index_map *map, const void *data, size_t size, struct err *err);
void index_map_release(struct index_map *map);

/* `number`: of the entry in the log, the first one is 1. */
bool index_map_counts(const struct index_map *map, const struct index_entry *entry, uint32_t number);
/* Did anything happen to that path after the entry `number`? */
bool index_map_changed_after(const struct index_map *map, const char *path, uint32_t number);
/* Something is there: an entry, or a directory on the way to one. */
bool index_map_has(const struct index_map *map, const char *path);

#endif
