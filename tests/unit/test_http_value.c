#include <errno.h>

#include "net/http_value.h"
#include "tests/unit/test.h"

static struct http_range range;

static int parse(const char *text)
{
	range = (struct http_range){ -9, -9, -9 };
	return http_range_parse(&range, text, strlen(text));
}

static void parses_a_range(void)
{
	CHECK_INT(parse("bytes 3-4/5"), 0);
	CHECK_INT(range.first, 3);
	CHECK_INT(range.last, 4);
	CHECK_INT(range.total, 5);
	CHECK_INT(parse("bytes 0-0/*"), 0);
	CHECK_INT(range.total, -1);
	CHECK_INT(parse("bytes 0-9223372036854775806/9223372036854775807"), 0);
	CHECK_INT(range.total, INT64_MAX);
}

static void refuses_what_is_no_range(void)
{
	static const char *const bad[] = {
		"", "bytes", "bytes ", "bytes */5", "bytes 3-4", "bytes 3-4/", "bytes 3-4/5 ", "bytes 4-3/5",
		"bytes 3-5/5", "bytes -4/5", "bytes 3-/5", "bytes +3-4/5", "bytes 3-4/-5", "bytes 3 -4/5",
		"items 3-4/5", "bytes=3-4/5", "bytes 0-9223372036854775808/*", "bytes 0-0/99999999999999999999",
		"bytes 0000000000000000000000000000000000000000000000000000000000000000-1/2",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK_INT(parse(bad[i]), -EINVAL) || !CHECK_INT(range.first, -9))
			fprintf(stderr, "\"%s\"\n", bad[i]);
}

static int64_t date(const char *text)
{
	int64_t seconds = -1;
	int ret = http_date_parse(&seconds, text, strlen(text));

	return ret < 0 ? ret : seconds;
}

static void parses_dates(void)
{
	CHECK_INT(date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
	CHECK_INT(date("Thu, 29 Feb 2024 23:59:59 GMT"), 1709251199);
	CHECK_INT(date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
	CHECK_INT(date(""), -EINVAL);
	CHECK_INT(date("Sun, 06 Nov 1994 08:49:37 CET"), -EINVAL);
	CHECK_INT(date("Sun, 6 Nov 1994 08:49:37 GMT"), -EINVAL);
	CHECK_INT(date("Sun, 06 nov 1994 08:49:37 GMT"), -EINVAL);
	CHECK_INT(date("Sun, 06 anF 1994 08:49:37 GMT"), -EINVAL);
	CHECK_INT(date("Sunday, 06-Nov-94 08:49:37 GMT"), -EINVAL);
	CHECK_INT(date("Sun, 06 Nov 1994 08:49:37 GMT "), -EINVAL);
	CHECK_INT(date("Sun, 06 Nov 1994 99:99:99 GMT"), -EINVAL);
}

static int64_t retry_after(const char *fields)
{
	struct http_parser parser;
	struct http_step step;
	struct buf text = BUF_INIT;
	int64_t seconds = -1;

	buf_append_format(&text, "HTTP/1.1 503 Later\r\n%s\r\n", fields);
	http_parser_init(&parser, HTTP_RESPONSE);
	if (CHECK_INT(http_parse(&parser, text.data, text.size, &step, NULL), HTTP_HEAD))
		seconds = http_retry_after_s(&parser.message, 1000);
	http_parser_release(&parser);
	buf_release(&text);
	return seconds;
}

static void retry_after_is_seconds_or_a_date(void)
{
	CHECK_INT(retry_after(""), 0);
	CHECK_INT(retry_after("Retry-After: 17\r\n"), 17);
	CHECK_INT(retry_after("Retry-After: 1001\r\n"), 1000);
	CHECK_INT(retry_after("Retry-After: 99999999999999999999\r\n"), 1000);
	CHECK_INT(retry_after("Retry-After: -1\r\n"), 0);
	CHECK_INT(retry_after("Retry-After: 1.5\r\n"), 0);
	CHECK_INT(retry_after("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 0);
	CHECK_INT(retry_after("Date: Sun, 06 Nov 1994 08:49:07 GMT\r\n"
			      "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 30);
	CHECK_INT(retry_after("Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
			      "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 0);
	CHECK_INT(retry_after("Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
			      "Retry-After: Sun, 06 Nov 2194 08:49:37 GMT\r\n"), 1000);
}

int main(void)
{
	RUN(parses_a_range);
	RUN(refuses_what_is_no_range);
	RUN(parses_dates);
	RUN(retry_after_is_seconds_or_a_date);
	return test_end();
}
