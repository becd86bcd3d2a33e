/* config.json of an OCI bundle. */
#include <stdint.h>

#include "agent/run/bundle.h"
#include "agent/run/seccomp_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seccomp_filter filter;
	struct bundle bundle;
	struct err err = ERR_INIT;

	if (bundle_parse(&bundle, "/bundle", (const char *)data, size, &err) == 0 && bundle.has_seccomp &&
	    seccomp_filter_build(&filter, &bundle.seccomp, &err) == 0)
		seccomp_filter_release(&filter);
	bundle_release(&bundle);
	return 0;
}
