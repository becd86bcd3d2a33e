/* Any bytes as the index.json of a layout: what is found has a digest and a size, what isn't a reason. */
#include <stdlib.h>
#include <string.h>

#include "config/layout_index.h"
#include "config/manifest.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct digest digest = DIGEST_NONE, again;
	struct err err = ERR_INIT;
	int64_t bytes = -1;

	if (layout_index_find(data, size, "v1", &digest, &bytes, &err) < 0) {
		if (!err.text[0])
			abort();
	} else if (digest_parse(&again, digest.text) < 0 || bytes < 0 || bytes > (int64_t)MANIFEST_SIZE_MAX) {
		abort();
	}
	return 0;
}
