/* Streams and the HTTP client against a scripted server. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "net/client.h"
#include "net/failure.h"
#include "tests/unit/http_server.h"
#include "tests/unit/test.h"

#define OK(body_size, body) "HTTP/1.1 200 OK\r\nContent-Length: " body_size "\r\n\r\n" body

static struct err err;
static struct client client;
static struct buf body;

static void begin(bool allow_plain)
{
	const struct client_settings settings = {
		.trust = { "", 0, "ca =" },
		.allow_plain = allow_plain,
		.connect_ms = 1000,
		.stall_ms = 20000,
	};

	client_init(&client, &settings);
	err = ERR_INIT;
}

static void end(void)
{
	client_release(&client);
	buf_release(&body);
}

/* Method and path at a port of this machine; the answer's body is in `body`. Returns a negative code or the status. */
static int get(const char *method, int port, const char *path, const char *authorization)
{
	struct url url;
	char text[200];

	snprintf(text, sizeof(text), "http://127.0.0.1:%d%s", port, path);
	if (url_parse(&url, text, strlen(text), &err) < 0)
		abort();
	const struct client_request request = { .method = method, .url = &url, .accept = "a/b",
						.authorization = authorization };
	int ret = client_send(&client, &request, &err);

	url_release(&url);
	if (ret < 0)
		return ret;
	buf_clear(&body);
	ret = client_read_all(&client, &body, 1000, &err);
	return ret < 0 ? ret : client_message(&client)->status;
}

static int count(const char *text, const char *part)
{
	int n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void one_connection_serves_many_requests(void)
{
	static const struct answer answers[] = {
		{ .text = OK("3", "one") },
		{ .text = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n" },
		{ .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\n" },
	};
	struct server server;

	server_start(&server, answers, 3);
	begin(true);
	CHECK_INT(get("GET", server.port, "/1", NULL), 200);
	CHECK_TEXT(buf_text(&body), "one");
	int fd = client.connections[0].stream.fd;

	CHECK_INT(get("HEAD", server.port, "/2", NULL), 404);
	CHECK_INT(get("GET", server.port, "/3", "Basic eA=="), 200);
	CHECK_TEXT(buf_text(&body), "three");
	CHECK_INT(client.connections[0].stream.fd, fd);
	CHECK(!stream_is_open(&client.connections[1].stream));
	end();
	char *requests = server_stop(&server);

	CHECK_HAS(requests, "GET /1 HTTP/1.1\r\nHost: 127.0.0.1:");
	CHECK_HAS(requests, "User-Agent: berth/");
	CHECK_HAS(requests, "Accept: a/b\r\n");
	CHECK_HAS(requests, "Authorization: Basic eA==\r\n");
	free(requests);
}

static void a_dead_connection_is_replaced(void)
{
	static const struct answer answers[] = {
		{ .text = OK("1", "a"), .close = true },
		{ .text = OK("1", "b") },
	};
	struct server server;

	server_start(&server, answers, 2);
	begin(true);
	CHECK_INT(get("GET", server.port, "/1", NULL), 200);
	usleep(20000);
	CHECK_INT(get("GET", server.port, "/2", NULL), 200);
	CHECK_TEXT(buf_text(&body), "b");
	end();
	free(server_stop(&server));
}

static void an_unread_body_does_not_disturb(void)
{
	static const struct answer answers[] = { { .text = OK("6", "unread") }, { .text = OK("1", "b") } };
	struct server server;
	struct url url;
	char text[64];

	server_start(&server, answers, 2);
	begin(true);
	snprintf(text, sizeof(text), "http://127.0.0.1:%d/", server.port);
	REQUIRE(url_parse(&url, text, strlen(text), &err) == 0);
	const struct client_request request = { .method = "GET", .url = &url };

	CHECK_INT(client_send(&client, &request, &err), 0);
	url_release(&url);
	CHECK_INT(get("GET", server.port, "/2", NULL), 200);
	CHECK_TEXT(buf_text(&body), "b");
	end();
	free(server_stop(&server));
}

static void unasked_bytes_end_the_connection(void)
{
	static const struct answer answers[] = {
		{ .text = OK("1", "a") OK("4", "evil") },
		{ .text = OK("1", "b") },
	};
	struct server server;

	server_start(&server, answers, 2);
	begin(true);
	CHECK_INT(get("GET", server.port, "/1", NULL), 200);
	CHECK_INT(get("GET", server.port, "/2", NULL), 200);
	CHECK_TEXT(buf_text(&body), "b");
	end();
	free(server_stop(&server));
}

static void authorization_stays_with_its_host(void)
{
	const struct answer there[] = { { .text = OK("4", "blob") } };
	struct server cdn, server;
	char redirect[200];

	server_start(&cdn, there, 1);
	snprintf(redirect, sizeof(redirect),
		 "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/blob?sig=1\r\n"
		 "Content-Length: 5\r\n\r\nmoved", cdn.port);
	const struct answer here[] = {
		{ .text = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n" },
		{ .text = redirect },
	};

	server_start(&server, here, 2);
	begin(true);
	CHECK_INT(get("GET", server.port, "/1", "Bearer geheim"), 200);
	CHECK_TEXT(buf_text(&body), "blob");
	end();
	char *requests = server_stop(&server);

	CHECK_HAS(requests, "GET /other ");
	CHECK_INT(count(requests, "Bearer geheim"), 2);
	free(requests);
	requests = server_stop(&cdn);
	CHECK_HAS(requests, "GET /blob?sig=1 ");
	CHECK_INT(count(requests, "Authorization"), 0);
	free(requests);
}

static void redirects_have_an_end(void)
{
	struct answer answers[10];
	struct server server;

	for (int i = 0; i < 10; i++)
		answers[i] = (struct answer){
			.text = "HTTP/1.1 301 M\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
		};
	server_start(&server, answers, 10);
	begin(true);
	CHECK_INT(get("GET", server.port, "/", NULL), FAILURE_SERVER);
	CHECK_HAS(err.text, "more than 5 redirects");
	end();
	char *requests = server_stop(&server);

	CHECK_INT(count(requests, "HTTP/1.1\r\n"), 6);
	free(requests);
}

static void bad_redirects_are_refused(void)
{
	static const struct answer answers[] = {
		{ .text = "HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n" },
		{ .text = "HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n" },
		{ .text = "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" },
	};
	struct server server;

	server_start(&server, answers, 3);
	begin(true);
	CHECK_INT(get("GET", server.port, "/", NULL), FAILURE_SERVER);
	CHECK_INT(get("GET", server.port, "/", NULL), FAILURE_SERVER);
	CHECK_HAS(err.text, "redirects wrongly");
	CHECK_INT(get("GET", server.port, "/", NULL), FAILURE_SERVER);
	end();
	free(server_stop(&server));
}

static void broken_answers_are_told(void)
{
	static const struct answer answers[] = {
		{ .text = "SSH-2.0-OpenSSH\r\n" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour", .close = true },
		{ .text = "", .close = true },
		{ .text = OK("2000", "") },
		{ .hang = true },
	};
	struct server server;

	server_start(&server, answers, 5);
	begin(true);
	CHECK_INT(get("GET", server.port, "/", NULL), -EPROTO);
	CHECK_HAS(err.text, "malformed HTTP response");
	CHECK_INT(get("GET", server.port, "/", NULL), -EPIPE);
	CHECK_HAS(err.text, "closed within");
	CHECK_INT(get("GET", server.port, "/", NULL), -ENODATA);
	CHECK_INT(get("GET", server.port, "/", NULL), -EFBIG);
	client.settings.stall_ms = 100; /* of the next connection */
	CHECK_INT(get("GET", server.port, "/", NULL), -ETIMEDOUT);
	CHECK_HAS(err.text, "no byte for 1 s while waiting for the answer");
	end();
	char *requests = server_stop(&server);

	CHECK_INT(count(requests, "GET"), 5); /* on a fresh connection nothing is tried twice */
	free(requests);
}

/* Each byte comes in time; all of them together do not. */
static void dripping_answers_are_broken_off(void)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: 0123456789\r\n\r\n";
	static char body_text[600];
	const struct answer answers[] = {
		{ .text = head, .drip_ms = 20 },
		{ .text = body_text, .drip_ms = 10 },
		{ .text = OK("3", "abc"), .drip_ms = 10 },
	};
	struct server server;

	memset(body_text, 'x', sizeof(body_text) - 1);
	memcpy(body_text, "HTTP/1.1 200 OK\r\n\r\n", 19);
	server_start(&server, answers, 3);
	begin(true);
	client.settings.head_ms = 100;
	CHECK_INT(get("GET", server.port, "/", NULL), -ETIMEDOUT);
	CHECK_HAS(err.text, "the answer took more than 1 s");
	client.settings.head_ms = 20000;
	client.settings.slow_ms = 200;
	CHECK_INT(get("GET", server.port, "/", NULL), -ETIMEDOUT);
	CHECK_HAS(err.text, " bytes in 1 s while waiting for the rest of the answer");
	client.settings.slow_ms = 20000;
	CHECK_INT(get("GET", server.port, "/", NULL), 200);
	CHECK_TEXT(buf_text(&body), "abc");
	end();
	free(server_stop(&server));
}

/* Also when there is always something to read. */
static void a_limit_holds_where_reads_need_not_wait(void)
{
	struct stream stream;
	char piece[2];
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || write(ends[1], "abcd", 4) != 4)
		abort();
	stream_adopt(&stream, ends[0], "peer:443", 20000);
	stream_limit(&stream, 20000);
	CHECK_INT((int)stream_read(&stream, piece, sizeof(piece), &err), 2);
	stream_limit(&stream, 1);
	poll(NULL, 0, 10);
	CHECK_INT((int)stream_read(&stream, piece, sizeof(piece), &err), -ETIMEDOUT);
	CHECK_HAS(err.text, "took more than 1 s");
	stream_close(&stream);
	close(ends[1]);
}

static void connecting_fails_clearly(void)
{
	struct stream stream;
	int port = 1;

	CHECK_INT(stream_connect(&stream, "127.0.0.1", (uint16_t)port, 500, 500, &err), -ECONNREFUSED);
	CHECK_TEXT(err.text, "127.0.0.1:1: connection refused (does the registry run there?)");
	stream_close(&stream);
	CHECK_INT(stream_connect(&stream, "::1", (uint16_t)port, 500, 500, &err) < 0, 1);
	CHECK_HAS(err.text, "[::1]:1: ");
	stream_close(&stream);
}

static void header_values_can_not_smuggle(void)
{
	static const struct answer answers[] = { { .text = OK("0", "") } };
	struct server server;

	server_start(&server, answers, 1);
	begin(true);
	CHECK_INT(get("GET", server.port, "/", "Basic x\r\nEvil: y"), -EINVAL);
	end();
	free(server_stop(&server));
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	RUN(one_connection_serves_many_requests);
	RUN(a_dead_connection_is_replaced);
	RUN(an_unread_body_does_not_disturb);
	RUN(unasked_bytes_end_the_connection);
	RUN(authorization_stays_with_its_host);
	RUN(redirects_have_an_end);
	RUN(bad_redirects_are_refused);
	RUN(broken_answers_are_told);
	RUN(dripping_answers_are_broken_off);
	RUN(a_limit_holds_where_reads_need_not_wait);
	RUN(connecting_fails_clearly);
	RUN(header_values_can_not_smuggle);
	return test_end();
}
