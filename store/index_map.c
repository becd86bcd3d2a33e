#include "store/index_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 1024

struct index_slot {
	uint64_t key; /* 0: free */
	uint32_t last; /* number of the latest entry; 0: only on the way to one */
	uint32_t gone; /* number of the latest INDEX_GONE; 0: none */
};

static uint64_t key_of(const char *path, size_t size)
{
	return xxh64_of(path, size) ?: 1;
}

static struct index_slot *find_slot(const struct index_map *map, uint64_t key)
{
	size_t at = key & (map->capacity - 1);

	while (map->slots[at].key && map->slots[at].key != key)
		at = (at + 1) & (map->capacity - 1);
	return &map->slots[at];
}

static void grow(struct index_map *map)
{
	struct index_map larger = {
		.capacity = map->capacity ? 2 * map->capacity : CAPACITY_FIRST,
		.used = map->used,
		.has_gone = map->has_gone,
	};

	larger.slots = xcalloc(larger.capacity, sizeof(*larger.slots));
	for (size_t i = 0; i < map->capacity; i++)
		if (map->slots[i].key)
			*find_slot(&larger, map->slots[i].key) = map->slots[i];
	free(map->slots);
	*map = larger;
}

/* *fresh: it was not there. */
static struct index_slot *add_slot(struct index_map *map, uint64_t key, bool *fresh)
{
	struct index_slot *slot;

	if (4 * (map->used + 1) > 3 * map->capacity)
		grow(map);
	slot = find_slot(map, key);
	*fresh = !slot->key;
	if (*fresh) {
		slot->key = key;
		map->used++;
	}
	return slot;
}

/* What is known already has its parents here too. */
static void add_parents(struct index_map *map, const char *path)
{
	bool fresh = true;
	const char *slash;
	size_t size = strlen(path);

	while (fresh && size && (slash = memrchr(path, '/', size))) {
		size = (size_t)(slash - path);
		add_slot(map, key_of(path, size), &fresh);
	}
}

static void add_entry(struct index_map *map, const struct index_entry *entry, uint32_t number)
{
	bool fresh;
	struct index_slot *slot = add_slot(map, key_of(entry->path, strlen(entry->path)), &fresh);

	if (entry->kind == INDEX_GONE) {
		slot->gone = number;
		map->has_gone = true;
	}
	if (entry->kind != INDEX_OPAQUE) /* it comes on top of its directory */
		slot->last = number;
	if (fresh)
		add_parents(map, entry->path);
}

int index_map_init(struct index_map *map, const void *data, size_t size, struct err *err)
{
	struct index_reader reader;
	struct index_entry entry;
	uint32_t number = 0;
	int rc;

	*map = (struct index_map){ 0 };
	grow(map);
	rc = index_read_begin(&reader, data, size, err);
	while (rc >= 0 && (rc = index_read(&reader, &entry, err)) > 0) {
		if (map->used > INDEX_MAP_PATHS_MAX)
			return err_set(err, -EFBIG, "the index has more than %d paths",
				       INDEX_MAP_PATHS_MAX);
		add_entry(map, &entry, ++number);
	}
	return rc;
}

void index_map_release(struct index_map *map)
{
	free(map->slots);
	map->slots = NULL;
}

static bool is_below_gone(const struct index_map *map, const char *path, uint32_t number)
{
	size_t size = strlen(path);
	const char *slash;

	while (map->has_gone && size && (slash = memrchr(path, '/', size))) {
		size = (size_t)(slash - path);
		if (find_slot(map, key_of(path, size))->gone > number)
			return true;
	}
	return false;
}

bool index_map_counts(const struct index_map *map, const struct index_entry *entry, uint32_t number)
{
	const struct index_slot *slot =
		find_slot(map, key_of(entry->path, strlen(entry->path)));

	if (entry->kind == INDEX_GONE || is_below_gone(map, entry->path, number))
		return false;
	return entry->kind == INDEX_OPAQUE ? slot->gone <= number : slot->last == number;
}

bool index_map_changed_after(const struct index_map *map, const char *path, uint32_t number)
{
	return find_slot(map, key_of(path, strlen(path)))->last > number ||
	       is_below_gone(map, path, number);
}

bool index_map_has(const struct index_map *map, const char *path)
{
	const struct index_slot *slot = find_slot(map, key_of(path, strlen(path)));

	return slot->key && (!slot->gone || slot->gone != slot->last);
}
