/* Proxies' URLs and no_proxy lists, and the way through a proxy against a scripted one. */
#include <errno.h>
#include <stdio.h>

#include "config/proxy.h"
#include "net/client.h"
#include "net/failure.h"
#include "tests/unit/http_server.h"
#include "tests/unit/test.h"

#define OK(body_size, body) "HTTP/1.1 200 OK\r\nContent-Length: " body_size "\r\n\r\n" body

static struct err err;

static int parse(struct proxy *proxy, const char *text)
{
	err = ERR_INIT;
	return proxy_parse(proxy, text, strlen(text), &err);
}

static void urls_are_read(void)
{
	struct proxy proxy;

	CHECK_INT(parse(&proxy, "http://gw.local:3128"), 0);
	CHECK_TEXT(proxy.address, "gw.local:3128");
	CHECK_TEXT(proxy.user, "");
	CHECK_INT(parse(&proxy, "gw:8080/"), 0);
	CHECK_TEXT(proxy.address, "gw:8080");
	CHECK_INT(parse(&proxy, "HTTP://me:p%40ss:w@rd@[::1]:3128/"), 0);
	CHECK_TEXT(proxy.address, "[::1]:3128");
	CHECK_TEXT(proxy.user, "me");
	CHECK_TEXT(proxy.password, "p@ss:w@rd");
	CHECK_INT(parse(&proxy, "http://me@gw:1"), 0);
	CHECK_TEXT(proxy.password, "");
}

static void other_urls_are_refused_without_being_shown(void)
{
	static const char *const bad[] = {
		"", "http://", "http://gw", "http://gw:0", "http://gw:99999", "http://[::1]", "http://gw:3128/path",
		"https://u:geheim@gw:1", "socks5://gw:1", "http://:geheim@gw:1", "http://u%:geheim@gw:1",
		"http://u:geheim%0a@gw:1", "http://u%3ax:geheim@gw:1", "http://u:geheim@:1", "http://g w:1",
	};
	struct proxy proxy;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(parse(&proxy, bad[i]), -EINVAL);
		CHECK(!strstr(err.text, "geheim"));
		CHECK_HAS(err.text, "http://HOST:PORT");
		CHECK_TEXT(proxy.password, "");
	}
}

static bool exempt(const char *list, const char *host, uint16_t port)
{
	return proxy_is_exempt(list, strlen(list), host, port);
}

static void exceptions(void)
{
	CHECK(exempt("*", "a.b", 443));
	CHECK(exempt("x, .Example.com", "example.com", 443));
	CHECK(exempt("example.com y", "a.b.example.com", 443));
	CHECK(!exempt("example.com", "badexample.com", 443));
	CHECK(!exempt("example.com", "example.com.evil", 443));
	CHECK(exempt("a.b:5000", "a.b", 5000));
	CHECK(!exempt("a.b:5000", "a.b", 443));
	CHECK(exempt("10.1.2.3", "10.1.2.3", 1));
	CHECK(exempt("10.0.0.0/9", "10.127.2.3", 1));
	CHECK(!exempt("10.0.0.0/9", "10.128.0.1", 1));
	CHECK(exempt("0.0.0.0/0", "1.2.3.4", 1));
	CHECK(!exempt("0.0.0.0/0", "::1", 1));
	CHECK(!exempt("10.0.0.0/33,10.0.0.0/,10.0.0.0/x", "10.0.0.0", 1));
	CHECK(exempt("fd00::/8", "fd12::1", 1));
	CHECK(exempt("[fd12::1]:5000", "fd12::1", 5000));
	CHECK(!exempt("[fd12::1]:5000", "fd12::1", 5001));
	CHECK(exempt("fd12:0::1", "fd12::1", 5001));
	CHECK(!exempt("2.3.4", "1.2.3.4", 1));
	CHECK(!exempt(", ,,.,/,[,:,[:", "a.b", 1));
	CHECK(!exempt("", "a.b", 1));
}

static void this_machine_needs_no_proxy(void)
{
	struct proxy_rules rules = { .exempt = ".intern" };

	REQUIRE(parse(&rules.https, "gw:1") == 0);
	CHECK(proxy_choose(&rules, true, "fleet.example.com", 443) == &rules.https);
	CHECK(!proxy_choose(&rules, false, "fleet.example.com", 80));
	CHECK(!proxy_choose(&rules, true, "a.intern", 443));
	CHECK(!proxy_choose(&rules, true, "localhost", 443));
	CHECK(!proxy_choose(&rules, true, "127.9.9.9", 443));
	CHECK(!proxy_choose(&rules, true, "::1", 443));
	rules.for_loopback = true;
	CHECK(proxy_choose(&rules, true, "::1", 443) == &rules.https);
}

/* Asks for `text` by way of a proxy at this port of this machine. */
static int get(int port, const char *text, struct buf *body)
{
	struct proxy_rules rules = { .exempt = NULL };
	const struct client_settings settings = {
		.trust = { "", 0, "ca =" },
		.proxies = &rules,
		.allow_plain = true,
		.connect_ms = 1000,
		.head_ms = 2000,
		.stall_ms = 20000,
	};
	struct client client;
	struct url url;

	err = ERR_INIT;
	snprintf(rules.http.address, sizeof(rules.http.address), "127.0.0.1:%d", port);
	strcpy(rules.http.user, "me");
	strcpy(rules.http.password, "geheim");
	rules.https = rules.http;
	client_init(&client, &settings);
	if (url_parse(&url, text, strlen(text), &err) < 0)
		abort();
	const struct client_request request = { .method = "GET", .url = &url, .authorization = "Bearer token" };
	int ret = client_send(&client, &request, &err);

	if (ret == 0)
		ret = client_read_all(&client, body, 1000, &err);
	url_release(&url);
	client_release(&client);
	return ret;
}

static void plain_http_names_the_whole_url(void)
{
	static const struct answer answers[] = {
		{ .text = "HTTP/1.1 307 T\r\nLocation: http://cdn.example/b?c\r\nContent-Length: 0\r\n\r\n", .close = true },
		{ .text = OK("3", "one") },
	};
	struct buf body BUF_CLEANUP = BUF_INIT;
	struct server server;

	server_start(&server, answers, 2);
	CHECK_INT(get(server.port, "http://fleet.example.com:5000/v2/", &body), 0);
	CHECK_TEXT(buf_text(&body), "one");
	char *requests = server_stop(&server);

	CHECK_HAS(requests, "GET http://fleet.example.com:5000/v2/ HTTP/1.1\r\nProxy-Authorization: Basic "
			    "bWU6Z2VoZWlt\r\nHost: fleet.example.com:5000\r\n");
	CHECK_HAS(requests, "GET http://cdn.example/b?c HTTP/1.1\r\nProxy-Authorization: Basic bWU6Z2VoZWlt\r\nHost: "
			    "cdn.example\r\n");
	CHECK(!strstr(strstr(requests, "cdn.example"), "Bearer"));
	free(requests);
}

static void https_goes_by_connect(void)
{
	static const struct answer answers[] = { { .text = "HTTP/1.0 200 Connection established\r\n\r\n", .close = true } };
	struct buf body BUF_CLEANUP = BUF_INIT;
	struct server server;

	server_start(&server, answers, 1);
	CHECK(get(server.port, "https://fleet.example.com/v2/", &body) < 0); /* there is no TLS behind it */
	CHECK_HAS(err.text, "fleet.example.com:443 ");
	char *requests = server_stop(&server);

	CHECK_HAS(requests, "CONNECT fleet.example.com:443 HTTP/1.1\r\nHost: fleet.example.com:443\r\n");
	CHECK_HAS(requests, "Proxy-Authorization: Basic bWU6Z2VoZWlt\r\n");
	CHECK(!strstr(requests, "Bearer"));
	free(requests);
}

static void a_proxy_that_refuses_is_named(void)
{
	static const struct {
		struct answer answer;
		const char *url;
		int code;
		const char *text;
	} cases[] = {
		{ { .text = "HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n" }, "https://a.b/", -EHOSTUNREACH,
		  "refuses user 'me' or the password (407" },
		{ { .text = "HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n" }, "http://a.b/", -EHOSTUNREACH,
		  "refuses user 'me' or the password (407" },
		{ { .text = "HTTP/1.0 401 Unauthorized\r\n\r\n" }, "https://a.b/", -EHOSTUNREACH,
		  "refuses user 'me' or the password (401" },
		{ { .text = "HTTP/1.1 403 Filtered\r\n\r\n" }, "https://a.b/", -EHOSTUNREACH,
		  "does not connect to a.b:443: 403 Filtered" },
		{ { .text = "SSH-2.0-x\r\n" }, "https://a.b/", -EPROTO, "proxy: 127.0.0.1:" },
		{ { .text = "HTTP/1.1 200 OK\r\n\r\nearly" }, "https://a.b/", FAILURE_SERVER, "more than an answer" },
		{ { .text = "", .close = true }, "https://a.b/", -EPIPE, "instead of an answer" },
		{ { .hang = true }, "https://a.b/", -ETIMEDOUT, "the proxy's answer" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf body BUF_CLEANUP = BUF_INIT;
		struct server server;

		server_start(&server, &cases[i].answer, 1);
		CHECK_INT(get(server.port, cases[i].url, &body), cases[i].code);
		CHECK_HAS(err.text, cases[i].text);
		CHECK_HAS(err.text, "proxy");
		CHECK(!strstr(err.text, "geheim"));
		free(server_stop(&server));
	}
}

int main(void)
{
	RUN(urls_are_read);
	RUN(other_urls_are_refused_without_being_shown);
	RUN(exceptions);
	RUN(this_machine_needs_no_proxy);
	RUN(plain_http_names_the_whole_url);
	RUN(https_goes_by_connect);
	RUN(a_proxy_that_refuses_is_named);
	return test_end();
}
