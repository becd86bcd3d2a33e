/* A layer's index that flash has damaged, as if its checksum were right all the same. */
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/index.h"
#include "store/index_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct index_entry *entry)
{
	if (strlen(entry->path) >= PATH_MAX || entry->path[0] == '/' || entry->size < 0 ||
	    entry->kind >= INDEX_KINDS || (entry->kind == INDEX_LINK && !*entry->target))
		abort();
}

/* Whoever checks the layer goes through it a second time, and asks for each entry. */
static void check_map(const uint8_t *copy, size_t size, uint32_t count)
{
	struct index_reader reader;
	struct index_entry entry;
	struct index_map map;
	uint32_t number = 0;

	if (index_map_init(&map, copy, size, NULL) == 0) {
		if (index_read_begin(&reader, copy, size, NULL) < 0)
			abort();
		while (index_read(&reader, &entry, NULL) > 0) {
			if (index_map_counts(&map, &entry, ++number) && entry.kind != INDEX_OPAQUE &&
			    !index_map_has(&map, entry.path))
				abort();
			if (entry.kind == INDEX_LINK)
				index_map_changed_after(&map, entry.target, number);
		}
		if (number != count)
			abort();
	}
	index_map_release(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t count = 0;
	uint8_t *copy = malloc(size + 1);
	struct index_reader reader;
	struct index_entry entry;
	struct err err = ERR_INIT;
	int rc;

	memcpy(copy, data, size);
	if (size >= INDEX_CHECKSUM_SIZE) {
		uint64_t sum = htole64(xxh64_of(copy, size - INDEX_CHECKSUM_SIZE));

		memcpy(copy + size - INDEX_CHECKSUM_SIZE, &sum, sizeof(sum));
	}
	rc = index_read_begin(&reader, copy, size, &err);
	while (rc >= 0 && (rc = index_read(&reader, &entry, &err)) > 0)
		check(&entry), count++;
	if (rc < 0 && !err.text[0])
		abort();
	if (rc == 0)
		check_map(copy, size, count);
	free(copy);
	return 0;
}
