#include <errno.h>
#include <stdlib.h>

#include "net/url.h"
#include "tests/unit/test.h"

static struct err err;

static int parse(struct url *url, const char *text)
{
	return url_parse(url, text, strlen(text), &err);
}

static void parses_urls(void)
{
	struct url url;

	REQUIRE(parse(&url, "https://Registry.Example/v2/a?b=c#d") == 0);
	CHECK(url.https);
	CHECK_TEXT(url.host, "registry.example");
	CHECK_INT(url.port, 443);
	CHECK_TEXT(url.target, "/v2/a?b=c");
	url_release(&url);
	REQUIRE(parse(&url, "HTTP://10.0.0.1:5000") == 0);
	CHECK(!url.https);
	CHECK_INT(url.port, 5000);
	CHECK_TEXT(url.target, "/");
	url_release(&url);
	REQUIRE(parse(&url, "http://[FD00::1]:80?x") == 0);
	CHECK_TEXT(url.host, "fd00::1");
	CHECK_TEXT(url.target, "/?x");
	char text[URL_AUTHORITY_SIZE];

	url_authority(&url, text);
	CHECK_TEXT(text, "[fd00::1]");
	url_release(&url);
}

static void refuses_what_is_no_url(void)
{
	static const char *const bad[] = {
		"", "/v2/", "ftp://a/", "https:/a", "https://", "https:///x", "https://:80/",
		"https://a:/", "https://a:0/", "https://a:65536/", "https://a:80x/", "https://a:-1/",
		"https://[::1/", "https://[a]/", "https://[::1]x/", "https://::1/", "https://a b/",
		"https://a/\r\nX: y", "https://a/\x7f", "https://a/\xc3\xbc", "https://user:pass@a/",
		"https://a%2eb/", "https://a\"b/",
	};
	struct url url;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int ret = parse(&url, bad[i]);

		if (!CHECK(ret == -EINVAL))
			fprintf(stderr, "accepted: %s\n", bad[i]);
		CHECK(url.target == NULL);
	}
	/* A password in an URL isn't repeated in the error. */
	parse(&url, "https://user:geheim@a/");
	CHECK(!strstr(err.text, "geheim"));
	char *huge = xmalloc(URL_MAX + 2);

	memset(huge, 'a', URL_MAX + 1);
	memcpy(huge, "https://a/", 10);
	CHECK_INT(url_parse(&url, huge, URL_MAX + 1, &err), -EINVAL);
	CHECK_INT(url_parse(&url, huge, URL_MAX, &err), 0);
	url_release(&url);
	free(huge);
}

static void references_are_resolved(void)
{
	static const struct {
		const char *text;
		const char *host;
		int port;
		const char *target;
	} cases[] = {
		{ "https://cdn.example:8443/x", "cdn.example", 8443, "/x" },
		{ "//cdn.example/x?y", "cdn.example", 80, "/x?y" },
		{ "/abs?z", "a.example", 5000, "/abs?z" },
		{ "rel", "a.example", 5000, "/v2/b/rel" },
		{ "?q=1", "a.example", 5000, "/v2/b/c?q=1" },
		{ "#frag", "a.example", 5000, "/v2/b/c?old" },
		{ "", "a.example", 5000, "/v2/b/c?old" },
	};
	struct url base, url;

	REQUIRE(parse(&base, "http://a.example:5000/v2/b/c?old") == 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!CHECK_INT(url_resolve(&url, &base, cases[i].text, strlen(cases[i].text), &err), 0))
			continue;
		CHECK_TEXT(url.host, cases[i].host);
		CHECK_INT(url.port, cases[i].port);
		CHECK_TEXT(url.target, cases[i].target);
		url_release(&url);
	}
	CHECK_INT(url_resolve(&url, &base, "javascript:x", 12, &err), -EINVAL);
	CHECK_INT(url_resolve(&url, &base, "//user@b/", 9, &err), -EINVAL);
	CHECK_INT(url_resolve(&url, &base, "/a b", 4, &err), -EINVAL);
	url_release(&base);
}

static bool same(const char *first, const char *second)
{
	struct url a, b;

	if (parse(&a, first) < 0 || parse(&b, second) < 0)
		return test_fail(__FILE__, __LINE__, "%s", err.text);
	bool result = url_same_origin(&a, &b);

	url_release(&a);
	url_release(&b);
	return result;
}

static void origins_are_scheme_host_and_port(void)
{
	CHECK(same("https://a/x", "https://A:443/y"));
	CHECK(!same("https://a/", "http://a/"));
	CHECK(!same("https://a/", "https://a:444/"));
	CHECK(!same("https://a.example/", "https://b.a.example/"));
}

static void authorities_name_registries(void)
{
	struct url url;
	char text[URL_AUTHORITY_SIZE];

	REQUIRE(url_from_authority(&url, true, "fleet.example:5000", "/v2/", &err) == 0);
	CHECK_INT(url.port, 5000);
	url_authority(&url, text);
	CHECK_TEXT(text, "fleet.example:5000");
	url_release(&url);
	CHECK_INT(url_from_authority(&url, true, "a/b", "/v2/", &err), -EINVAL);
	CHECK_INT(url_from_authority(&url, true, "", "/v2/", &err), -EINVAL);
}

int main(void)
{
	RUN(parses_urls);
	RUN(refuses_what_is_no_url);
	RUN(references_are_resolved);
	RUN(origins_are_scheme_host_and_port);
	RUN(authorities_name_registries);
	return test_end();
}
