/* Blobs that come in one go, in parts, again, or wrongly, from a scripted server. */
#include <errno.h>
#include <stdio.h>

#include "net/failure.h"
#include "net/registry.h"
#include "tests/unit/http_server.h"
#include "tests/unit/test.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define HELLO_WITH_ETAG "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\nhello"
#define CUT_AFTER(bytes) "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n" bytes
#define CHUNKED_HELLO "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
#define PART(range, size, bytes) \
	"HTTP/1.1 206 P\r\nContent-Length: " size "\r\nContent-Range: bytes " range "\r\n\r\n" bytes

static struct err err;
static struct server server;
static struct reference reference;
static struct registry registry;
static struct digest digest;
static struct registry_blob blob;
static struct buf text;

static void begin(const struct answer *answers, size_t count, int64_t size, int64_t offset)
{
	const struct registry_settings settings = { .trust = { "", 0, "ca =" } };
	char name[64];

	server_start(&server, answers, count);
	snprintf(name, sizeof(name), "127.0.0.1:%d/app:v1", server.port);
	if (reference_parse(&reference, name, &err) < 0)
		abort();
	err = ERR_INIT;
	digest_of(&digest, "hello", 5);
	blob = (struct registry_blob){ .digest = &digest, .size = size, .offset = offset };
	registry_open(&registry, &settings, &reference);
}

/* The requests, to be freed. */
static char *end(void)
{
	registry_close(&registry);
	buf_release(&text);
	return server_stop(&server);
}

static int keep(const char *data, size_t count, void *arg)
{
	buf_append(arg, data, count);
	return 0;
}

static int reject(const char *data, size_t count, void *arg)
{
	(void)data, (void)count, (void)arg;
	return -ECANCELED;
}

static int get(void)
{
	return registry_get_blob(&registry, &blob, keep, &text, &err);
}

/* What one answer to one request for a blob of this size, of which `offset` bytes are known, leads to. */
static int answer_gives(const char *answer, int64_t size, int64_t offset)
{
	const struct answer answers[] = { { .text = answer, .close = true } };

	begin(answers, 1, size, offset);
	int ret = get();

	free(end());
	return ret;
}

static void comes_whole(void)
{
	static const struct answer answers[] = { { .text = HELLO } };

	begin(answers, 1, 5, 0);
	CHECK_INT(get(), 0);
	CHECK_TEXT(buf_text(&text), "hello");
	CHECK_INT(blob.offset, 5);
	char *requests = end();

	CHECK(!strstr(requests, "Range"));
	free(requests);
}

static void has_its_size(void)
{
	CHECK_INT(answer_gives(HELLO, 6, 0), FAILURE_DIGEST);
	CHECK_HAS(err.text, "shorter than the 6 bytes");
	CHECK_INT(answer_gives(HELLO, 4, 0), FAILURE_DIGEST);
	CHECK_HAS(err.text, "longer than the 4 bytes");
	CHECK_INT(answer_gives("HTTP/1.1 200 OK\r\n\r\nhello", 4, 0), FAILURE_DIGEST);
	CHECK_HAS(err.text, "longer than the 4 bytes");
	CHECK_INT(answer_gives(CHUNKED_HELLO, 6, 5), FAILURE_DIGEST);
	CHECK_HAS(err.text, "shorter than the 6 bytes");
}

static void what_ends_early_may_go_on(void)
{
	CHECK_INT(answer_gives(CUT_AFTER("he"), 5, 0), -EPIPE);
	CHECK_INT(blob.offset, 2);
	CHECK_INT(answer_gives("HTTP/1.1 200 OK\r\n\r\nhell", 5, 0), -EPIPE);
	CHECK_HAS(err.text, "ended its answer within blob");
	CHECK_INT(blob.offset, 4);
	CHECK_INT(answer_gives(CHUNKED_HELLO, 6, 0), -EPIPE);
	CHECK_INT(blob.offset, 5);
	CHECK_INT(answer_gives(PART("1-2/5", "2", "el"), 5, 1), -EPIPE);
	CHECK_HAS(err.text, "in pieces");
	CHECK_INT(blob.offset, 3);
}

static void goes_on_where_it_was_cut(void)
{
	static const struct answer answers[] = {
		{ .text = CUT_AFTER("he"), .close = true },
		{ .text = PART("2-4/5", "3", "l"), .close = true },
		{ .text = PART("3-4/*", "2", "lo") },
	};

	begin(answers, 3, 5, 0);
	CHECK_INT(get(), -EPIPE);
	CHECK_INT(get(), -EPIPE);
	CHECK_INT(get(), 0);
	CHECK_TEXT(buf_text(&text), "hello");
	char *requests = end();

	CHECK_HAS(requests, "Range: bytes=2-\r\nIf-Range: \"a\"\r\n");
	CHECK_HAS(requests, "Range: bytes=3-\r\n\r\n"); /* that answer had no ETag */
	free(requests);
}

static void known_bytes_are_skipped(void)
{
	static const struct answer answers[] = {
		{ .text = CUT_AFTER("he"), .close = true },
		{ .text = CUT_AFTER("hell"), .close = true },
		{ .text = CUT_AFTER("h"), .close = true },
		{ .text = HELLO_WITH_ETAG },
	};

	begin(answers, 4, 5, 0);
	CHECK_INT(get(), -EPIPE);
	CHECK_INT(get(), -EPIPE);
	CHECK_TEXT(buf_text(&text), "hell");
	CHECK_INT(get(), -EPIPE);
	CHECK_INT(blob.offset, 4);
	CHECK_INT(get(), 0);
	CHECK_TEXT(buf_text(&text), "hello");
	char *requests = end();

	/* The ETag was given up when it led to everything. */
	CHECK_HAS(requests, "Range: bytes=2-\r\nIf-Range: \"a\"\r\n");
	CHECK_HAS(requests, "Range: bytes=4-\r\n\r\n");
	free(requests);
}

static void wrong_ranges_are_refused(void)
{
	CHECK_INT(answer_gives(PART("2-4/5", "3", "llo"), 5, 3), -ESPIPE);
	CHECK_HAS(err.text, "does not resume blob sha256:");
	CHECK_INT(answer_gives(PART("30-31/5", "2", "lo"), 5, 3), -ESPIPE);
	CHECK_INT(answer_gives(PART("3-4/6", "2", "lo"), 5, 3), -ESPIPE);
	CHECK_INT(answer_gives(PART("3-5/*", "3", "lo!"), 5, 3), -ESPIPE);
	CHECK_INT(answer_gives(PART("3-4/5", "3", "lo!"), 5, 3), -ESPIPE);
	CHECK_INT(answer_gives(PART("", "2", "lo"), 5, 3), -ESPIPE);
	CHECK_INT(answer_gives("HTTP/1.1 206 P\r\nContent-Length: 2\r\n\r\nlo", 5, 3), -ESPIPE);
	CHECK_INT(answer_gives("HTTP/1.1 204 None\r\n\r\n", 5, 3), -ESPIPE);
	CHECK_INT(answer_gives("HTTP/1.1 416 Range\r\nContent-Length: 0\r\n\r\n", 5, 3), -ESPIPE);
	CHECK_INT(blob.offset, 3);
}

static void without_ranges_it_goes_on_too(void)
{
	static const struct answer answers[] = { { .text = HELLO } };

	begin(answers, 1, 5, 3);
	blob.is_unranged = true;
	CHECK_INT(get(), 0);
	CHECK_TEXT(buf_text(&text), "lo");
	char *requests = end();

	CHECK(!strstr(requests, "Range"));
	free(requests);
}

static void etags_stay_with_their_host(void)
{
	static const struct answer there[] = { { .text = CUT_AFTER("he"), .close = true } };
	static const struct answer elsewhere[] = { { .text = PART("2-4/5", "3", "llo") } };
	struct server first, second;
	char redirects[2][160];

	server_start(&first, there, 1);
	server_start(&second, elsewhere, 1);
	snprintf(redirects[0], sizeof(redirects[0]),
		 "HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:%d/x\r\nContent-Length: 0\r\n\r\n", first.port);
	snprintf(redirects[1], sizeof(redirects[1]),
		 "HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:%d/x\r\nContent-Length: 0\r\n\r\n", second.port);
	const struct answer answers[] = { { .text = redirects[0] }, { .text = redirects[1] } };

	begin(answers, 2, 5, 0);
	CHECK_INT(get(), -EPIPE);
	CHECK_INT(get(), 0);
	CHECK_TEXT(buf_text(&text), "hello");
	char *requests = end();

	CHECK(!strstr(requests, "If-Range"));
	free(requests);
	free(server_stop(&first));
	requests = server_stop(&second);
	CHECK_HAS(requests, "Range: bytes=2-\r\n\r\n");
	free(requests);
}

static void weak_etags_are_none(void)
{
	static const struct answer answers[] = {
		{ .text = "HTTP/1.1 200 OK\r\nETag: W/\"a\"\r\nContent-Length: 5\r\n\r\nhe", .close = true },
		{ .text = PART("2-4/5", "3", "llo") },
	};

	begin(answers, 2, 5, 0);
	CHECK_INT(get(), -EPIPE);
	CHECK_INT(get(), 0);
	char *requests = end();

	CHECK(!strstr(requests, "If-Range"));
	free(requests);
}

static void a_sink_may_refuse(void)
{
	static const struct answer answers[] = { { .text = HELLO } };

	begin(answers, 1, 5, 0);
	CHECK_INT(registry_get_blob(&registry, &blob, reject, NULL, &err), -ECANCELED);
	CHECK_INT(blob.offset, 0);
	free(end());
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	RUN(comes_whole);
	RUN(has_its_size);
	RUN(what_ends_early_may_go_on);
	RUN(goes_on_where_it_was_cut);
	RUN(known_bytes_are_skipped);
	RUN(wrong_ranges_are_refused);
	RUN(without_ranges_it_goes_on_too);
	RUN(etags_stay_with_their_host);
	RUN(weak_etags_are_none);
	RUN(a_sink_may_refuse);
	return test_end();
}
