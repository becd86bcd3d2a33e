#include <errno.h>

#include "net/challenge.h"
#include "tests/unit/test.h"

static struct challenge found[CHALLENGES_MAX];

static int parse(const char *text)
{
	memset(found, 'x', sizeof(found));
	return challenge_parse(found, CHALLENGES_MAX, text, strlen(text));
}

static void parses_a_token_challenge(void)
{
	REQUIRE(parse("Bearer realm=\"https://auth.example/token\",service=\"fleet\","
		      "scope=\"repository:a/b:pull,push\"") == 1);
	CHECK_INT(found[0].scheme, CHALLENGE_BEARER);
	CHECK_TEXT(found[0].realm, "https://auth.example/token");
	CHECK_TEXT(found[0].service, "fleet");
	CHECK_TEXT(found[0].scope, "repository:a/b:pull,push");
}

static void spelling_varies(void)
{
	REQUIRE(parse(" ,bearer  REALM = \"https://a/\" , error=invalid_token, Service=s ,,") == 1);
	CHECK_TEXT(found[0].realm, "https://a/");
	CHECK_TEXT(found[0].service, "s");
	CHECK_TEXT(found[0].scope, "");
	REQUIRE(parse("Basic realm=\"a \\\"quoted\\\" \\\\ realm\"") == 1);
	CHECK_INT(found[0].scheme, CHALLENGE_BASIC);
	CHECK_TEXT(found[0].realm, "a \"quoted\" \\ realm");
	CHECK_INT(parse("Basic"), 1);
	CHECK_INT(parse(""), 0);
}

static void several_challenges_in_one_field(void)
{
	REQUIRE(parse("Negotiate YII/a+b==, Digest realm=\"d\", nonce=\"n\", Basic realm=\"b\", "
		      "Bearer realm=\"https://a/\"") == 2);
	CHECK_INT(found[0].scheme, CHALLENGE_BASIC);
	CHECK_TEXT(found[0].realm, "b"); /* not the Digest's */
	CHECK_INT(found[1].scheme, CHALLENGE_BEARER);
	CHECK_INT(parse("Basic, Basic, Basic, Basic, Basic, Basic"), CHALLENGES_MAX);
}

static void broken_ones_are_refused(void)
{
	static const char *const bad[] = {
		"Bearer realm=\"open",     "Bearer realm=\"a\\",
		"=\"x\"",		   "\"Bearer\"",	 "Bearer realm=\"a\001b\"",
		"Bearer realm=\"a\" \"b\"", "realm=\"x\"",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK_INT(parse(bad[i]), -EINVAL))
			fprintf(stderr, "accepted: %s\n", bad[i]);
	char huge[CHALLENGE_VALUE_MAX + 64] = "Bearer realm=\"";

	memset(huge + 14, 'a', CHALLENGE_VALUE_MAX + 1);
	CHECK_INT(parse(huge), -EINVAL);
	huge[14 + CHALLENGE_VALUE_MAX] = '"';
	CHECK_INT(parse(huge), 1);
	CHECK_INT(strlen(found[0].realm), CHALLENGE_VALUE_MAX);
}

int main(void)
{
	RUN(parses_a_token_challenge);
	RUN(spelling_varies);
	RUN(several_challenges_in_one_field);
	RUN(broken_ones_are_refused);
	return test_end();
}
