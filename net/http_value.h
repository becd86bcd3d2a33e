/*
 * http_value - what stands in single header fields of answers, without I/O.
 *
 * Parsers take text and length, and return 0 or -EINVAL; nothing is set then.
 */
#ifndef NET_HTTP_VALUE_H
#define NET_HTTP_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "net/http.h"

#define HTTP_DATE_MAX 64
#define HTTP_RANGE_MAX 64 /* bytes of a Content-Range */

/* "bytes 100-199/200": both ends belong to it. The total may be "*", not known: -1. */
struct http_range {
	int64_t first, last, total;
};

/* Content-Range of a 206 (RFC 9110, 14.4). first <= last < total, always. */
int http_range_parse(struct http_range *range, const char *text, size_t size);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7; not its obsolete forms) as Unix time. */
int http_date_parse(int64_t *unix_s, const char *text, size_t size);

/*
 * Retry-After of an answer in seconds, at most `most_s`; 0 when there is none. A date counts from the answer's own
 * Date: this machine's clock may be years behind.
 */
int64_t http_retry_after_s(const struct http_message *message, int64_t most_s);

#endif
