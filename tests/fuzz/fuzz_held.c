/* The list of files that are to be linked: unpack may have been taken over when it wrote it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/held.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *path)
{
	if (!*path || *path == '/' || strlen(path) >= PATH_MAX || strstr(path, "//") ||
	    !strcmp(path, "..") || !strncmp(path, "../", 3) || strstr(path, "/../"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	for (int64_t rest = (int64_t)size; rest > 0;) {
		struct held_record record;
		int64_t before = held_parse_last(&record, copy, (size_t)rest);

		if (before < 0)
			break;
		if (before >= rest || record.number >= BASE_LAYERS_MAX)
			abort();
		check_path(record.path);
		check_path(record.from);
		rest = before;
	}
	free(copy);
	return 0;
}
