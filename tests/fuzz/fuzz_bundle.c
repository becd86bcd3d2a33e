/* config.json of an OCI bundle. */
#include <stdint.h>

#include "agent/run/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle bundle;
	struct err err = ERR_INIT;

	bundle_parse(&bundle, "/bundle", (const char *)data, size, &err);
	bundle_release(&bundle);
	return 0;
}
