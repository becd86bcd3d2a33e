/* A URL, or a Location as seen from one (up to the first NUL the base, behind it the reference). */
#include <stdlib.h>
#include <string.h>

#include "net/url.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* What was accepted has to be fit for a request, and to mean the same when it is written and read again. */
static void check(const struct url *url)
{
	char authority[URL_AUTHORITY_SIZE];
	struct url again;

	if (!*url->host || !url->port || url->target[0] != '/')
		abort();
	for (const char *c = url->target; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || *c == '#')
			abort();
	url_authority(url, authority);
	if (url_from_authority(&again, url->https, authority, url->target, NULL) < 0 ||
	    !url_same_origin(url, &again))
		abort();
	url_release(&again);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *text = (const char *)data;
	size_t first = size ? strnlen(text, size) : 0;
	struct url base, url;

	if (url_parse(&base, text, first, NULL) < 0)
		return 0;
	check(&base);
	if (first < size && url_resolve(&url, &base, text + first + 1, size - first - 1, NULL) == 0) {
		check(&url);
		url_release(&url);
	}
	url_release(&base);
	return 0;
}
