/* Content-Range, HTTP dates and Retry-After: what is accepted is in order, and says the same when it is written again. */
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

/* The first line is the field's, what follows is the server's date. */
static void check_retry_after(const char *text, size_t size)
{
	BUF_CLEANUP struct buf fields = BUF_INIT;
	struct http_message message = { .fields_count = 2 };
	const char *end = memchr(text, '\n', size);
	size_t first = end ? (size_t)(end - text) : size, rest = end ? first + 1 : size;

	buf_append(&fields, "Retry-After\0Date", 17);
	message.fields[0] = (struct http_field){ .name = 0, .value = 17 };
	buf_append(&fields, text, first);
	buf_append(&fields, "", 1);
	message.fields[1] = (struct http_field){ .name = 12, .value = (uint32_t)fields.size };
	buf_append(&fields, text + rest, size - rest);
	message.text = fields;

	int64_t seconds = http_retry_after_s(&message, 86400);

	if (seconds < 0 || seconds > 86400)
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
	check_retry_after(text, size);
	return 0;
}
