/* App records: durable files on flash that goes bad. What parses must survive a round trip. */
#include <stdlib.h>

#include "agent/app/update.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct record record, again;

	if (record_parse(&record, (const char *)data, size, NULL) < 0)
		return 0;
	json_t *json = record_to_json(&record);

	json_append(&text, json);
	if (record_parse(&again, text.data, text.size, NULL) < 0)
		abort();
	json_decref(json);
	record_release(&again);
	record_release(&record);
	return 0;
}
