#include "agent/api/route.h"
#include "agent/api/target.h"
#include "tests/unit/test.h"

#include <errno.h>

static struct target target;
static struct err err;

static int parse(const char *text)
{
	target_release(&target);
	err = ERR_INIT;
	return target_parse(&target, text, strlen(text), &err);
}

static void path_without_version(void)
{
	REQUIRE(parse("/v1.41/containers/json?all=1") == 0);
	CHECK_TEXT(target.path, "/containers/json");
	CHECK_INT(target.version, 41);
	REQUIRE(parse("/_ping") == 0);
	CHECK_TEXT(target.path, "/_ping");
	CHECK_INT(target.version, API_VERSION_MAX);
	REQUIRE(parse("http://localhost/v1.24/info") == 0);
	CHECK_TEXT(target.path, "/info");
	CHECK_INT(target.version, 24);
	REQUIRE(parse("/v1.43") == 0);
	CHECK_TEXT(target.path, "/");
	REQUIRE(parse("/version") == 0);
	CHECK_TEXT(target.path, "/version");
	REQUIRE(parse("/v1.24x/info") == 0);
	CHECK_TEXT(target.path, "/v1.24x/info");
}

static void refuses_versions_it_does_not_speak(void)
{
	CHECK_INT(parse("/v1.44/info"), -EINVAL);
	CHECK_TEXT(err.text, "client version 1.44 is too new. Maximum supported API version is 1.43");
	CHECK_INT(parse("/v2.0/info"), -EINVAL);
	CHECK_INT(parse("/v1.23/info"), -EINVAL);
	CHECK_HAS(err.text, "client version 1.23 is too old. Minimum supported API version is 1.24");
	CHECK_INT(parse("/v1.99999999999999999999999999/info"), -EINVAL);
}

static void decodes_parameters(void)
{
	REQUIRE(parse("/x%20y?a=1+2&b=%7B%22k%22%3A%5B%5D%7D&c&=d&a=second#frag") == 0);
	CHECK_TEXT(target.path, "/x y");
	CHECK_TEXT(target_get(&target, "a"), "1 2");
	CHECK_TEXT(target_get(&target, "b"), "{\"k\":[]}");
	CHECK_TEXT(target_get(&target, "c"), "");
	CHECK(!target_get(&target, "d"));
	CHECK_INT(target.parameter_count, 5);
}

static void refuses_what_cannot_be_decoded(void)
{
	CHECK_INT(parse("/a%0"), -EINVAL);
	CHECK_INT(parse("/a%"), -EINVAL);
	CHECK_INT(parse("/a%00b"), -EINVAL);
	CHECK_INT(parse("/a?x=%zz"), -EINVAL);
	CHECK_INT(parse("/a?x%00=1"), -EINVAL);
	CHECK_INT(parse("/%c3%a4%E2%82%ac%f0%9f%98%80"), 0);
	CHECK_TEXT(target.path, "/\u00e4\u20ac\U0001f600");
	CHECK_INT(parse("/%c3"), -EINVAL);
	CHECK_INT(parse("/%c0%af"), -EINVAL);
	CHECK_INT(parse("/%e0%80%af"), -EINVAL);
	CHECK_INT(parse("/%ed%a0%80"), -EINVAL);
	CHECK_INT(parse("/%f4%90%80%80"), -EINVAL);
	CHECK_INT(parse("/?a=%ff"), -EINVAL);
	CHECK_INT(parse("nopath"), -EINVAL);
	CHECK_INT(parse("http://host?x"), -EINVAL);
	CHECK_INT(parse(""), -EINVAL);
	CHECK_INT(target_parse(&target, "/a\0b", 4, &err), -EINVAL);
}

static void limits_the_number_of_parameters(void)
{
	char text[2 + 2 * (TARGET_PARAMETERS_MAX + 1) + 1] = "/?";

	for (int i = 0; i < TARGET_PARAMETERS_MAX; i++)
		strcat(text, "a&");
	CHECK_INT(parse(text), 0);
	CHECK_INT(target.parameter_count, TARGET_PARAMETERS_MAX);
	strcat(text, "a&");
	CHECK_INT(parse(text), -EINVAL);
}

static void reads_flags_and_numbers_as_docker(void)
{
	int64_t number = 7;

	REQUIRE(parse("/?a=1&b=0&c=False&d=&e=none&f=true&n=-12&m=5x&o=99999999999999999999") == 0);
	CHECK(target_flag(&target, "a"));
	CHECK(!target_flag(&target, "b"));
	CHECK(!target_flag(&target, "c"));
	CHECK(!target_flag(&target, "d"));
	CHECK(!target_flag(&target, "e"));
	CHECK(target_flag(&target, "f"));
	CHECK(!target_flag(&target, "absent"));
	CHECK_INT(target_int(&target, "absent", &number, &err), 0);
	CHECK_INT(target_int(&target, "d", &number, &err), 0);
	CHECK_INT(number, 7);
	CHECK_INT(target_int(&target, "n", &number, &err), 1);
	CHECK_INT(number, -12);
	CHECK_INT(target_int(&target, "m", &number, &err), -EINVAL);
	CHECK_HAS(err.text, "m: \"5x\" is not a number");
	CHECK_INT(target_int(&target, "o", &number, &err), -EINVAL);
}

static void nothing(struct request *request)
{
	(void)request;
}

static const struct route table[] = {
	{ "GET", "/containers/json", .handler = nothing },
	{ "GET", "/containers/*/json", .handler = nothing },
	{ "POST", "/containers/*/stop", .handler = nothing },
	{ "GET", "/images/*/json", .instead = NULL },
	{ "DELETE", "/images/*", .instead = NULL },
	{ 0 },
};

static char name[ROUTE_NAME_MAX + 1];

static long found(const char *method, const char *path)
{
	const struct route *route = route_find(table, method, path, name);

	return route ? route - table : -1;
}

static void finds_routes(void)
{
	CHECK_INT(found("GET", "/containers/json"), 0);
	CHECK_TEXT(name, "");
	CHECK_INT(found("HEAD", "/containers/json"), 0);
	CHECK_INT(found("GET", "/containers/abc/json"), 1);
	CHECK_TEXT(name, "abc");
	CHECK_INT(found("POST", "/containers/abc/stop"), 2);
	CHECK_INT(found("GET", "/containers/abc/stop"), -1);
	CHECK_INT(found("GET", "/images/host:5000/repo/x:tag/json"), 3);
	CHECK_TEXT(name, "host:5000/repo/x:tag");
	CHECK_INT(found("DELETE", "/images/x"), 4);
	CHECK_INT(found("DELETE", "/images/"), -1);
	CHECK_INT(found("GET", "/images/json"), -1);
	CHECK_INT(found("GET", "/containers//json"), -1);
	CHECK_INT(found("GET", "/"), -1);
}

static void a_name_that_is_too_long_matches_nothing(void)
{
	char path[ROUTE_NAME_MAX + 32] = "/images/";

	memset(path + 8, 'a', ROUTE_NAME_MAX);
	CHECK_INT(found("DELETE", path), 4);
	CHECK_INT(strlen(name), ROUTE_NAME_MAX);
	strcat(path, "a");
	CHECK_INT(found("DELETE", path), -1);
}

int main(void)
{
	RUN(path_without_version);
	RUN(refuses_versions_it_does_not_speak);
	RUN(decodes_parameters);
	RUN(refuses_what_cannot_be_decoded);
	RUN(limits_the_number_of_parameters);
	RUN(reads_flags_and_numbers_as_docker);
	RUN(finds_routes);
	RUN(a_name_that_is_too_long_matches_nothing);
	target_release(&target);
	return test_end();
}
