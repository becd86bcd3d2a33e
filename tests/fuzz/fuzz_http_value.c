/* Content-Range and HTTP dates: what is accepted is in order, and says the same when it is written again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_value.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_range(const struct http_range *range)
{
	struct http_range again;
	char text[HTTP_RANGE_MAX + 1];
	int length = range->total < 0 ?
			     snprintf(text, sizeof(text), "bytes %" PRId64 "-%" PRId64 "/*", range->first,
				      range->last) :
			     snprintf(text, sizeof(text), "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
				      range->first, range->last, range->total);

	if (range->first < 0 || range->first > range->last || (range->total >= 0 && range->last >= range->total))
		abort();
	if (length > HTTP_RANGE_MAX)
		abort();
	if (http_range_parse(&again, text, (size_t)length) < 0 || again.first != range->first ||
	    again.last != range->last || again.total != range->total)
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *text = (const char *)data;
	struct http_range range;
	int64_t unix_s = 0;

	if (http_range_parse(&range, text, size) == 0)
		check_range(&range);
	/* The years 0 to 2262. */
	if (http_date_parse(&unix_s, text, size) == 0 &&
	    (unix_s < INT64_C(-63000000000) || unix_s > INT64_C(9300000000)))
		abort();
	return 0;
}
