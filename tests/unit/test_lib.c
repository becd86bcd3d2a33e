/* The base: err, buf, base64, time, glob, json. */
#include <errno.h>
#include <stdlib.h>

#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/glob.h"
#include "lib/json.h"
#include "lib/time.h"
#include "lib/utf8.h"
#include "test.h"

static void an_error_is_one_printable_line(void)
{
	struct err err = ERR_INIT;

	CHECK_INT(err_set(&err, -EINVAL, "bad\nname \x1b[31m%d", 7), -EINVAL);
	CHECK_TEXT(err.text, "bad?name ?[31m7");
	CHECK_INT(err_context(&err, "pull %s", "a:b"), -EINVAL);
	CHECK_TEXT(err.text, "pull a:b: bad?name ?[31m7");
	err_set(&err, -EINVAL, "%.2s \xc3\xa9 \xff\xed\xa0\x80 %s", "a\xc3\xa9", "\xf0\x9f\x8d\xb0");
	CHECK_TEXT(err.text, "a? \xc3\xa9 ???? \xf0\x9f\x8d\xb0");
	CHECK_INT(err_set(NULL, -ENOMEM, "nobody listens"), -ENOMEM);
}

static void a_long_error_is_cut(void)
{
	struct err err = ERR_INIT;
	char text[2 * ERR_TEXT_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, -EIO, "%s", text);
	CHECK_INT(strlen(err.text), ERR_TEXT_MAX - 1);
	err_context(&err, "ab");
	CHECK_INT(strlen(err.text), ERR_TEXT_MAX - 1);
	CHECK(!strncmp(err.text, "ab: xxx", 7));
	err_context(&err, "%s", text);
	CHECK_INT(strlen(err.text), ERR_TEXT_MAX - 1);
	errno = ENOENT;
	CHECK_INT(err_sys(&err, "open x"), -ENOENT);
	CHECK_TEXT(err.text, "open x: No such file or directory");
}

static void a_buf_grows_and_shrinks(void)
{
	BUF_CLEANUP struct buf buf = BUF_INIT;
	char *stolen;

	CHECK_TEXT(buf_text(&buf), "");
	buf_append(&buf, NULL, 0);
	for (int i = 0; i < 100; i++)
		buf_append_format(&buf, "%d,", i);
	CHECK_INT(buf.size, 290);
	buf_consume(&buf, 4);
	CHECK(!strncmp(buf_text(&buf), "2,3,", 4));
	buf_consume(&buf, buf.size);
	CHECK_TEXT(buf_text(&buf), "");
	buf_append_text(&buf, "left");
	stolen = buf_steal(&buf);
	CHECK_TEXT(stolen, "left");
	CHECK_INT(buf.size, 0);
	free(stolen);
}

static void base64_as_in_rfc_4648(void)
{
	static const char *const pairs[][2] = {
		{ "", "" },	      { "f", "Zg==" },	      { "fo", "Zm8=" },	   { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		BUF_CLEANUP struct buf coded = BUF_INIT;
		BUF_CLEANUP struct buf plain = BUF_INIT;

		base64_encode(&coded, pairs[i][0], strlen(pairs[i][0]));
		CHECK_TEXT(buf_text(&coded), pairs[i][1]);
		CHECK_INT(base64_decode(&plain, pairs[i][1]), 0);
		CHECK_TEXT(buf_text(&plain), pairs[i][0]);
	}
}

static void base64_takes_urls_and_no_rubbish(void)
{
	BUF_CLEANUP struct buf plain = BUF_INIT;

	CHECK_INT(base64_decode(&plain, "-_8"), 0);
	CHECK_INT(plain.size, 2);
	CHECK_INT((unsigned char)plain.data[0], 0xfb);
	CHECK_INT(base64_decode(&plain, "Zg==x"), -EINVAL);
	CHECK_INT(base64_decode(&plain, "Z g="), -EINVAL);
}

static void time_there_and_back(void)
{
	char text[TIME_TEXT_MAX];
	int64_t ns = 0;

	CHECK_INT(time_parse("2026-01-01T00:00:00Z", &ns), 0);
	CHECK_INT(ns, 1767225600LL * NS_PER_S);
	time_format(text, ns);
	CHECK_TEXT(text, "2026-01-01T00:00:00Z");
	CHECK_INT(time_parse("2026-01-01T02:30:00.123456789123+02:30", &ns), 0);
	time_format_nano(text, ns);
	CHECK_TEXT(text, "2026-01-01T00:00:00.123456789Z");
	CHECK_INT(time_parse("2026-01-01", &ns), -EINVAL);
	CHECK_INT(time_parse("2026-01-01T00:00:00", &ns), -EINVAL);
	CHECK_INT(time_parse("2026-01-01T00:00:00+1:0", &ns), -EINVAL);
	CHECK_INT(time_parse("2026-01-01T00:00:00Zx", &ns), -EINVAL);
	CHECK_INT(time_parse("2994-01-01T00:00:00Z", &ns), -EINVAL);
}

static void knows_utf8(void)
{
	static const char *const wrong[] = {
		"\x80",	     "\xc3",	       "a\xc3(",	   "\xc0\x80",	  "\xc1\xbf",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xe2\x82",
	};

	CHECK(utf8_is_valid(""));
	CHECK(utf8_is_valid("a\xc3\xa9\xe2\x82\xac\xed\x9f\xbf\xf0\x9f\x8d\xb0\xf4\x8f\xbf\xbf"));
	CHECK_INT(utf8_length("\xe2\x82\xac"), 3);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CHECK(!utf8_is_valid(wrong[i]));
}

static int parse(const char *text, struct err *err)
{
	JSON_CLEANUP json_t *json = NULL;

	return json_parse(&json, text, strlen(text), "x", err);
}

static void makes_text_printable(void)
{
	static const struct {
		const char *text, *printable;
	} cases[] = {
		{ "a\xc3\xa9\xe2\x82\xac\xc2\xa0", "a\xc3\xa9\xe2\x82\xac\xc2\xa0" },
		{ "a\nb\x1b[31m\x7f\t", "a?b?[31m??" },
		{ "\xc2\x9b" "31m\xc2\x80\xc2\x9f", "??31m????" }, /* ESC [ in one character */
		{ "\x9b" "31m\xe2\x82", "?31m??" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = xstrdup(cases[i].text);

		utf8_make_printable(text);
		CHECK_TEXT(text, cases[i].printable);
		free(text);
	}
}

static void globs_are_those_of_docker(void)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "busybox", "busybox", true },
		{ "busybox", "busybox:1", false },
		{ "busy*", "busybox:1.36", true },
		{ "*:1.*", "busybox:1.36", true },
		{ "*box", "busybox:1.36", false },
		{ "b*b*x", "busybox", true },
		{ "b**x", "busybox", true },
		{ "*aab", "aaaab", true },
		{ "*", "team/app", false },
		{ "*/app", "team/app", true },
		{ "*/app", "host/team/app", false },
		{ "*/a*b", "team/xa/ab", false },
		{ "team?app", "team/app", false },
		{ "?", "", false },
		{ "v?", "v1", true },
		{ "v[0-9]", "v7", true },
		{ "v[0-9]", "va", false },
		{ "v[^0-9]", "va", true },
		{ "v[^0-9]", "v7", false },
		{ "v[^0-9]", "v/", false },
		{ "v[abx-z]*", "vy1", true },
		{ "v[\\]]", "v]", true },
		{ "v[\\^a]", "v^", true },
		{ "a\\*", "a*", true },
		{ "a\\*", "ab", false },
		/* Malformed ones. */
		{ "v[", "v[", false },
		{ "v[]", "v]", false },
		{ "v[]a]", "v]", false },
		{ "v[^]", "va", false },
		{ "v[a", "va", false },
		{ "v[a-", "va", false },
		{ "v[a-]", "va", false },
		{ "v[-a]", "va", false },
		{ "v[\\", "v\\", false },
		{ "v\\", "v\\", false },
		{ "*\\", "v", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (glob_match(cases[i].pattern, cases[i].text) != cases[i].matches)
			test_fail(__FILE__, __LINE__, "%s and %s: not %d", cases[i].pattern, cases[i].text,
				  cases[i].matches);
}

static void json_is_bounded(void)
{
	struct err err = ERR_INIT;
	char deep[4 * JSON_DEPTH_MAX];

	CHECK_INT(parse("{\"a\":1}", &err), 0);
	CHECK_INT(parse("{\"a\":1,\"a\":2}", &err), -EINVAL);
	CHECK_INT(parse("{} x", &err), -EINVAL);
	CHECK_INT(parse("[1]", &err), -EINVAL);
	CHECK_TEXT(err.text, "x: not a JSON object");
	CHECK_INT(parse("{\"a\":\"\\u0000\"}", &err), -EINVAL);
	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"a\":", 5);
	deep[sizeof(deep) - 1] = '\0';
	CHECK_INT(parse(deep, &err), -EINVAL);
	CHECK_HAS(err.text, "nested more than");
	CHECK_INT(parse("{\"[[[[\":\"\\\"{{{\"}", &err), 0);

	struct buf wide = BUF_INIT;

	buf_append_text(&wide, "{\"a\":\",,,,[[\",\"b\":[0"); /* the object, a, b and the 0 */
	for (int i = 4; i < JSON_VALUES_MAX; i++)
		buf_append_text(&wide, ",0");
	buf_append_text(&wide, "]}");
	CHECK_INT(parse(buf_text(&wide), &err), 0);
	wide.size -= 2;
	buf_append_text(&wide, ",0]}");
	CHECK_INT(parse(buf_text(&wide), &err), -EINVAL);
	CHECK_HAS(err.text, "more than 20000 values");
	buf_release(&wide);
}

static void getters_tell_absent_from_wrong(void)
{
	JSON_CLEANUP json_t *json = NULL;
	struct err err = ERR_INIT;
	static const char source[] = "{\"s\":1,\"n\":null,\"l\":[\"a\",\"b\"],\"m\":[1]}";
	const char *text = "unchanged";
	int64_t number = 5;
	char **strings = NULL;

	REQUIRE(json_parse(&json, source, strlen(source), "x", &err) == 0);
	CHECK_INT(json_get_string(json, "s", &text, &err), -EINVAL);
	CHECK_TEXT(err.text, "\"s\" is not a string");
	CHECK_INT(json_get_string(json, "n", &text, &err), 0);
	CHECK_INT(json_get_string(json, "z", &text, &err), 0);
	CHECK_TEXT(text, "unchanged");
	CHECK_INT(json_get_int(json, "s", &number, &err), 1);
	CHECK_INT(number, 1);
	CHECK_INT(json_get_strings(json, "m", &strings, &err), -EINVAL);
	REQUIRE(json_get_strings(json, "l", &strings, &err) == 1);
	CHECK_INT(count_strings(strings), 2);
	CHECK_TEXT(strings[1], "b");
	free_strings(strings);
}

int main(void)
{
	RUN(an_error_is_one_printable_line);
	RUN(a_long_error_is_cut);
	RUN(a_buf_grows_and_shrinks);
	RUN(base64_as_in_rfc_4648);
	RUN(base64_takes_urls_and_no_rubbish);
	RUN(time_there_and_back);
	RUN(knows_utf8);
	RUN(makes_text_printable);
	RUN(globs_are_those_of_docker);
	RUN(json_is_bounded);
	RUN(getters_tell_absent_from_wrong);
	return test_end();
}
