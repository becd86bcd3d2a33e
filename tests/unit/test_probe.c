#include "tests/unit/test.h"

#include <errno.h>

#include "agent/helper/probe.h"

static int parse(const char *text)
{
	return probe_parse_status(text, strlen(text));
}

static void status_lines(void)
{
	CHECK_INT(parse("HTTP/1.1 200 OK\r\n"), 200);
	CHECK_INT(parse("HTTP/1.0 404 Not Found\n"), 404);
	CHECK_INT(parse("HTTP/1.1 204\r\nServer: x\r\n"), 204);
	CHECK_INT(parse("HTTP/1.1 204\n"), 204);
	CHECK_INT(parse("HTTP/1.1 099 Low\r\n"), -EPROTO);
	CHECK_INT(parse("HTTP/1.1 2000\r\n"), -EPROTO);
	CHECK_INT(parse("HTTP/1.1 20x\r\n"), -EPROTO);
	CHECK_INT(parse("HTTP/1.1\r\n"), -EPROTO);
	CHECK_INT(parse("HTTP/2 200\r\n"), -EPROTO);
	CHECK_INT(parse("SSH-2.0-OpenSSH\r\n"), -EPROTO);
	CHECK_INT(parse("\n"), -EPROTO);
}

static void a_part_is_waited_for_up_to_the_limit(void)
{
	static const char line[] = "HTTP/1.1 200 OK\r\n";
	char longest[PROBE_LINE_MAX];

	for (size_t size = 0; size < sizeof(line) - 1; size++)
		CHECK_INT(probe_parse_status(line, size), -EAGAIN);
	CHECK_INT(parse("SSH-2.0"), -EPROTO);
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, line, sizeof(line) - 3);
	CHECK_INT(probe_parse_status(longest, sizeof(longest) - 1), -EAGAIN);
	CHECK_INT(probe_parse_status(longest, sizeof(longest)), -EPROTO);
}

int main(void)
{
	RUN(status_lines);
	RUN(a_part_is_waited_for_up_to_the_limit);
	return test_end();
}
