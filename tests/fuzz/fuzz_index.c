/* A layer's index that flash has damaged, as if its checksum were right all the same. */
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct index_entry *entry)
{
	if (strlen(entry->path) >= PATH_MAX || entry->path[0] == '/' || entry->size < 0 ||
	    entry->kind >= INDEX_KINDS || (entry->kind == INDEX_LINK && !*entry->target))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
		check(&entry);
	if (rc < 0 && !err.text[0])
		abort();
	free(copy);
	return 0;
}
