/* The first line of what an application answers to a health probe. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "agent/helper/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int status = probe_parse_status((const char *)data, size);

	if (status >= 0 ? status < 100 || status > 999 : status != -EAGAIN && status != -EPROTO)
		abort();
	return 0;
}
