/* docker's config.json, which users copy from anywhere. */
#include "agent/pull/fetch_settings.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *found = NULL;

	if (credentials_parse((const char *)data, size, "a.example:5000", &found, NULL) > 0)
		json_decref(found);
	return 0;
}
