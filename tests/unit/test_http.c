#include <errno.h>
#include <stdlib.h>

#include "net/http.h"
#include "tests/unit/test.h"

/* What came out of parsing one message, body pieces put together. */
struct outcome {
	int result; /* HTTP_DONE, HTTP_MORE or an error */
	int heads;
	size_t used;
	struct buf body;
	struct err err;
};

static struct http_parser parser;
static struct outcome outcome;

static void begin(enum http_kind kind)
{
	http_parser_release(&parser);
	http_parser_init(&parser, kind);
	buf_release(&outcome.body);
	outcome = (struct outcome){ 0 };
}

/* Feeds `size` bytes in pieces of `step` bytes until the message is over. */
static void feed(const char *data, size_t size, size_t piece)
{
	size_t given = piece < size ? piece : size;
	struct http_step step;

	for (;;) {
		/* A copy of its own, so that ASan sees every read past the end. */
		char *exact = xmalloc(given - outcome.used + 1);

		memcpy(exact, data + outcome.used, given - outcome.used);
		exact = xrealloc(exact, given - outcome.used > 0 ? given - outcome.used : 1);
		outcome.result = http_parse(&parser, exact, given - outcome.used, &step, &outcome.err);
		if (outcome.result == HTTP_BODY)
			buf_append(&outcome.body, step.body, step.body_size);
		free(exact);
		outcome.used += step.used;
		if (outcome.result == HTTP_HEAD)
			outcome.heads++;
		if (outcome.result < 0 || outcome.result == HTTP_DONE)
			return;
		if (outcome.result == HTTP_MORE && given == size)
			return;
		if (outcome.result == HTTP_MORE)
			given = given + piece < size ? given + piece : size;
	}
}

static int parse(enum http_kind kind, const char *text)
{
	begin(kind);
	feed(text, strlen(text), strlen(text));
	int whole = outcome.result;

	begin(kind);
	feed(text, strlen(text), 1);
	CHECK_INT(outcome.result, whole); /* the cut of the input changes nothing */
	return outcome.result;
}

#define response(text) parse(HTTP_RESPONSE, "HTTP/1.1 " text)
#define request(text) parse(HTTP_REQUEST, text)

static void parses_a_response_by_length(void)
{
	CHECK_INT(response("200 OK\r\nContent-Length: 5\r\nDocker-Content-Digest:\t sha256:ab \t\r\n"
			   "\r\nhello"), HTTP_DONE);
	CHECK_INT(outcome.heads, 1);
	CHECK_INT(parser.message.status, 200);
	CHECK_TEXT(parser.message.reason, "OK");
	CHECK_INT(parser.message.content_length, 5);
	CHECK_TEXT(http_header(&parser.message, "docker-content-digest"), "sha256:ab");
	CHECK_TEXT(http_header(&parser.message, "Docker-Content"), NULL);
	CHECK_TEXT(buf_text(&outcome.body), "hello");
	CHECK(parser.message.keep_alive);
}

static void parses_a_request(void)
{
	const char text[] = "\r\nPOST /v1.41/containers/create?name=a HTTP/1.1\r\nHost: d\r\n"
			    "Transfer-Encoding: Chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0A \r\n0123456789\r\n"
			    "0\r\nTrailer: t\r\n\r\nGET / HTTP/1.1\r\n";

	CHECK_INT(request(text), HTTP_DONE);
	CHECK_TEXT(parser.message.method, "POST");
	CHECK_TEXT(parser.message.target, "/v1.41/containers/create?name=a");
	CHECK_TEXT(buf_text(&outcome.body), "abc0123456789");
	CHECK_TEXT(text + outcome.used, "GET / HTTP/1.1\r\n"); /* left for the next message */
}

/* The body's own lines must not move the head, which is pointed into: whatever its length, and whatever the trailers'. */
static void the_head_outlives_a_chunked_body(void)
{
	struct buf text = BUF_INIT;

	for (int pad = 0; pad < 300; pad++) {
		const char *target, *host;

		buf_clear(&text);
		buf_append_format(&text, "POST /%0*d HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n", pad + 1, 0);
		begin(HTTP_REQUEST);
		feed(text.data, text.size, text.size);
		CHECK_INT(outcome.heads, 1);
		target = parser.message.target;
		host = http_header(&parser.message, "Host");
		buf_append_text(&text, "3\r\nabc\r\n0\r\nTrailer: ");
		for (int i = 0; i < 100; i++)
			buf_append_text(&text, "0123456789");
		buf_append_text(&text, "\r\n\r\n");
		feed(text.data, text.size, text.size);
		CHECK_INT(outcome.result, HTTP_DONE);
		CHECK_TEXT(buf_text(&outcome.body), "abc");
		CHECK_TEXT(parser.message.method, "POST");
		CHECK_INT(strlen(target), (size_t)pad + 2);
		CHECK_TEXT(host, "d");
	}
	buf_release(&text);
}

static void messages_follow_each_other(void)
{
	begin(HTTP_REQUEST);
	feed("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 28, 28);
	CHECK_INT(outcome.result, HTTP_DONE);
	http_parser_reset(&parser);
	outcome.used = 0;
	feed("GET /b HTTP/1.0\r\n\r\n", 19, 19);
	CHECK_INT(outcome.result, HTTP_DONE);
	CHECK_TEXT(parser.message.target, "/b");
	CHECK_INT(parser.message.fields_count, 0);
	CHECK(!parser.message.keep_alive);
}

static void some_responses_have_no_body(void)
{
	begin(HTTP_RESPONSE);
	parser.head_request = true;
	feed("HTTP/1.1 200 OK\r\nContent-Length: 527\r\n\r\n", 40, 40);
	CHECK_INT(outcome.result, HTTP_DONE);
	CHECK_INT(parser.message.content_length, 527);
	CHECK_INT(response("204 No Content\r\n\r\n"), HTTP_DONE);
	CHECK_INT(response("304\r\nContent-Length: 9\r\n\r\n"), HTTP_DONE);
	CHECK_TEXT(parser.message.reason, "");
	CHECK_INT(response("100 Continue\r\nX: y\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
		  HTTP_DONE);
	CHECK_INT(parser.message.status, 404);
	CHECK_TEXT(http_header(&parser.message, "X"), NULL);
	CHECK_INT(outcome.heads, 1);
}

static void a_head_request_stays_one_over_an_interim_response(void)
{
	const char text[] = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";

	begin(HTTP_RESPONSE);
	parser.head_request = true;
	feed(text, strlen(text), 7);
	CHECK_INT(outcome.result, HTTP_DONE);
}

static void the_end_of_input_may_end_a_body(void)
{
	CHECK_INT(response("200 OK\r\n\r\nall of it"), HTTP_MORE);
	CHECK_INT(http_parse_end(&parser, &outcome.err), HTTP_DONE);
	CHECK_TEXT(buf_text(&outcome.body), "all of it");
	CHECK(!parser.message.keep_alive);
	CHECK_INT(response("200 OK\r\nContent-Length: 5\r\n\r\nfour"), HTTP_MORE);
	CHECK_INT(http_parse_end(&parser, &outcome.err), -EPIPE);
	CHECK_INT(response("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"), HTTP_MORE);
	CHECK_INT(http_parse_end(&parser, &outcome.err), -EPIPE);
	CHECK_INT(response("200 OK\r\nContent-Le"), HTTP_MORE);
	CHECK_INT(http_parse_end(&parser, &outcome.err), -EPIPE);
	begin(HTTP_RESPONSE);
	CHECK_INT(http_parse_end(&parser, &outcome.err), -ENODATA);
}

static void upgrades_leave_the_rest_alone(void)
{
	CHECK_INT(response("101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw"), HTTP_DONE);
	CHECK(parser.message.upgrade);
	CHECK_INT(outcome.used, strlen("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"));
	CHECK_INT(request("POST /a HTTP/1.1\r\nHost: d\r\nConnection: keep-alive, Upgrade\r\n"
			  "Upgrade: tcp\r\n\r\nraw"), HTTP_DONE);
	CHECK(parser.message.upgrade);
	CHECK_INT(request("POST /a HTTP/1.1\r\nHost: d\r\nUpgrade: tcp\r\n\r\n"), HTTP_DONE);
	CHECK(!parser.message.upgrade);
}

static void smuggling_is_refused(void)
{
	CHECK_INT(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), -EPROTO);
	CHECK_INT(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n"),
		  -EPROTO);
	CHECK_INT(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\n"), -EPROTO);
	CHECK_INT(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\n"), -EPROTO);
	CHECK_INT(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"), -EPROTO);
	CHECK_INT(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
		  -EPROTO);
	CHECK_INT(request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), -ENOTSUP);
	CHECK_INT(request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
			  "Transfer-Encoding: identity\r\n\r\n"), -ENOTSUP);
	CHECK_INT(request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET / HTTP/1.1\nHost: a\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET / HTTP/1.1\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET  HTTP/1.1\r\nHost: a\r\n\r\n"), -EPROTO);
	CHECK_INT(request("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), -EPROTO);
	CHECK_INT(request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), -EPROTO);
	CHECK_INT(request("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), -ENOTSUP);
	CHECK_INT(response("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"), -EPROTO);
	CHECK_INT(response("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n"), -EPROTO);
	CHECK_INT(response("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n"), -EPROTO);
	CHECK_INT(response("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 4\r\nabc\r\n"), -EPROTO);
	CHECK_INT(response("200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), -EPROTO);
	CHECK_INT(response("20 OK\r\n\r\n"), -EPROTO);
	CHECK_INT(response("2000 OK\r\n\r\n"), -EPROTO);
	CHECK_INT(response("099 OK\r\n\r\n"), -EPROTO);
}

static void nul_bytes_are_refused(void)
{
	const char text[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";

	begin(HTTP_REQUEST);
	feed(text, sizeof(text) - 1, 5);
	CHECK_INT(outcome.result, -EPROTO);
	struct http_step step;

	CHECK_INT(http_parse(&parser, "GET", 3, &step, &outcome.err), -EPROTO); /* keeps failing */
	CHECK_INT(http_parse_end(&parser, &outcome.err), -EPROTO);
}

static void limits_hold(void)
{
	struct buf text = BUF_INIT;

	buf_append_text(&text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	for (int i = 0; i < HTTP_LINE_MAX; i++)
		buf_append_text(&text, "y");
	CHECK_INT(parse(HTTP_REQUEST, buf_text(&text)), -EMSGSIZE);
	CHECK_HAS(outcome.err.text, "line");
	buf_clear(&text);
	buf_append_text(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		buf_append_format(&text, "X-%d: y\r\n", i);
	CHECK_INT(parse(HTTP_REQUEST, buf_text(&text)), -EMSGSIZE);
	CHECK_HAS(outcome.err.text, "fields");
	buf_clear(&text);
	buf_append_text(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < HTTP_HEAD_MAX / 1000 + 1; i++)
		buf_append_format(&text, "X: %01000d\r\n", i);
	CHECK_INT(parse(HTTP_REQUEST, buf_text(&text)), -EMSGSIZE);
	CHECK_HAS(outcome.err.text, "head");
	buf_clear(&text);
	buf_append_text(&text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
	for (int i = 0; i < HTTP_LINE_MAX / 100; i++)
		buf_append_format(&text, "X: %0100d\r\n", i);
	CHECK_INT(parse(HTTP_RESPONSE, buf_text(&text)), -EMSGSIZE);
	buf_clear(&text);
	for (int i = 0; i <= HTTP_INTERIM_MAX; i++)
		buf_append_text(&text, "HTTP/1.1 100 Continue\r\n\r\n");
	CHECK_INT(parse(HTTP_RESPONSE, buf_text(&text)), -EPROTO);
	buf_release(&text);
}

static void bodies_are_limited(void)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nabcdef",
	};

	for (size_t i = 0; i < 3; i++) {
		for (uint64_t max = 5; max <= 6; max++) {
			begin(HTTP_RESPONSE);
			parser.body_max = max;
			feed(texts[i], strlen(texts[i]), 1);
			CHECK_INT(outcome.result == -EFBIG, max == 5);
			CHECK(outcome.body.size <= max);
		}
	}
}

static void lists_are_searched(void)
{
	response("200 OK\r\nConnection: foo ,Close\r\nConnection: bar\r\nContent-Length: 0\r\n\r\n");
	CHECK(http_header_has(&parser.message, "connection", "close"));
	CHECK(http_header_has(&parser.message, "connection", "bar"));
	CHECK(!http_header_has(&parser.message, "connection", "clos"));
	CHECK_TEXT(http_header_nth(&parser.message, "Connection", 1), "bar");
	CHECK(!parser.message.keep_alive);
}

static void written_fields_can_not_end_the_line(void)
{
	struct buf out = BUF_INIT;

	CHECK_INT(http_append_header(&out, "Host", "a\r\nEvil: b"), -EINVAL);
	CHECK_INT(http_append_header(&out, "Ho:st", "a"), -EINVAL);
	CHECK_INT(http_append_header(&out, "Host", "a b"), 0);
	CHECK_TEXT(buf_text(&out), "Host: a b\r\n");
	CHECK_TEXT(http_status_text(404), "Not Found");
	CHECK_TEXT(http_status_text(299), "");
	buf_release(&out);
}

int main(void)
{
	RUN(parses_a_response_by_length);
	RUN(parses_a_request);
	RUN(the_head_outlives_a_chunked_body);
	RUN(messages_follow_each_other);
	RUN(some_responses_have_no_body);
	RUN(a_head_request_stays_one_over_an_interim_response);
	RUN(the_end_of_input_may_end_a_body);
	RUN(upgrades_leave_the_rest_alone);
	RUN(smuggling_is_refused);
	RUN(nul_bytes_are_refused);
	RUN(limits_hold);
	RUN(bodies_are_limited);
	RUN(lists_are_searched);
	RUN(written_fields_can_not_end_the_line);
	http_parser_release(&parser);
	buf_release(&outcome.body);
	return test_end();
}
