#include "agent/api/mux.h"
#include "tests/unit/test.h"

#include <errno.h>

static const char stream[] = "\1\0\0\0\0\0\0\5hello"
			     "\2\0\0\0\0\0\0\0"
			     "\2\0\0\0\0\0\0\3err"
			     "\1\0\0\0\0\0\0\1!";

static char out[64], error[64];

/* Feeds the stream in pieces of `piece` bytes. */
static int feed(const char *data, size_t size, size_t piece)
{
	struct mux mux = { 0 };
	struct mux_step step;
	int rc = 0;

	out[0] = error[0] = '\0';
	for (size_t at = 0; at < size && rc >= 0; at += piece) {
		const char *rest = data + at;
		size_t left = size - at < piece ? size - at : piece;

		while ((rc = mux_parse(&mux, rest, left, &step)) > 0) {
			strncat(step.stream == MUX_STDOUT ? out : error, step.data, step.size);
			rest += step.used;
			left -= step.used;
		}
	}
	return rc;
}

static void takes_streams_apart_however_they_are_cut(void)
{
	for (size_t piece = 1; piece <= sizeof(stream); piece++) {
		CHECK_INT(feed(stream, sizeof(stream) - 1, piece), 0);
		CHECK_TEXT(out, "hello!");
		CHECK_TEXT(error, "err");
	}
}

static void refuses_what_is_no_such_stream(void)
{
	CHECK_INT(feed("HTTP/1.1 200 OK", 15, 15), -EPROTO);
	CHECK_INT(feed("\4\0\0\0\0\0\0\1x", 9, 9), -EPROTO);
	CHECK_INT(feed("\1\0\1\0\0\0\0\1x", 9, 2), -EPROTO);
}

static void headers_are_big_endian(void)
{
	unsigned char header[MUX_HEADER];

	mux_header(header, MUX_STDERR, 0x01020304);
	CHECK(!memcmp(header, "\2\0\0\0\1\2\3\4", MUX_HEADER));
}

int main(void)
{
	RUN(takes_streams_apart_however_they_are_cut);
	RUN(refuses_what_is_no_such_stream);
	RUN(headers_are_big_endian);
	return test_end();
}
