/* Numbers with units, command lines, paths. */
#include <errno.h>
#include <stdlib.h>

#include "config/path.h"
#include "config/units.h"
#include "config/words.h"
#include "lib/json.h"
#include "tests/unit/test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct number_case {
	const char *text;
	int64_t value; /* -1: an error */
};

static void durations(void)
{
	static const struct number_case cases[] = {
		{ "0", 0 },	    { "1s", 1000 },	   { "90s", 90000 },
		{ "5m", 300000 },   { "2h", 7200000 },	   { "1h30m", 5400000 },
		{ "1h1s", 3601000 }, { "8784h", UNITS_DURATION_MAX_MS },
		{ "8785h", -1 },    { "8784h1s", -1 },	   { "", -1 },
		{ "5", -1 },	    { "m", -1 },	   { "5 m", -1 },
		{ " 5m", -1 },	    { "5m ", -1 },	   { "-5m", -1 },
		{ "+5m", -1 },	    { "5ms", -1 },	   { "1.5h", -1 },
		{ "30m1h", -1 },    { "5m5m", -1 },	   { "5d", -1 },
		{ "0x5s", -1 },	    { "999999999999999h", -1 }, { "9999999999999999999999s", -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_INIT;
		int64_t ms = -1;

		CHECK_INT(duration_parse_ms(cases[i].text, &ms, &err),
			  cases[i].value < 0 ? -EINVAL : 0);
		if (!CHECK_INT(ms, cases[i].value))
			test_fail(__FILE__, __LINE__, "that was \"%s\"", cases[i].text);
		CHECK(cases[i].value >= 0 || strstr(err.text, "use "));
	}
}

static void sizes(void)
{
	static const struct number_case cases[] = {
		{ "0", 0 },	     { "4096", 4096 },	   { "64M", 64 << 20 },
		{ "64m", 64 << 20 }, { "64MB", 64 << 20 }, { "64MiB", 64 << 20 },
		{ "32K", 32768 },    { "1G", 1 << 30 },	   { "1.5G", 3 << 29 },
		{ "0.5K", 512 },     { "100b", 100 },	   { "1T", INT64_C(1) << 40 },
		{ "1024T", UNITS_SIZE_MAX }, { "1025T", -1 }, { "1024.1T", -1 },
		{ "64Q", -1 },	     { "", -1 },	   { "M", -1 },
		{ "-1M", -1 },	     { "1 M", -1 },	   { "1M ", -1 },
		{ "1.M", -1 },	     { ".5M", -1 },	   { "1.5.5M", -1 },
		{ "1MM", -1 },	     { "1iB", -1 },	   { "1e3", -1 },
		{ "0x10", -1 },	     { "inf", -1 },	   { "99999999999999999999", -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_INIT;
		int64_t bytes = -1;

		CHECK_INT(size_parse(cases[i].text, &bytes, &err),
			  cases[i].value < 0 ? -EINVAL : 0);
		if (!CHECK_INT(bytes, cases[i].value))
			test_fail(__FILE__, __LINE__, "that was \"%s\"", cases[i].text);
	}
}

static void percentages_and_processors(void)
{
	int64_t milli = 7, number = 7;
	int percent = 7;

	CHECK_INT(percent_parse("20%", &percent, NULL), 0);
	CHECK_INT(percent, 20);
	CHECK_INT(percent_parse("100", &percent, NULL), 0);
	CHECK_INT(percent_parse("101%", &percent, NULL), -EINVAL);
	CHECK_INT(percent_parse("%", &percent, NULL), -EINVAL);
	CHECK_INT(percent_parse("5%%", &percent, NULL), -EINVAL);
	CHECK_INT(percent, 100);

	CHECK_INT(cpus_parse("0.5", &milli, NULL), 0);
	CHECK_INT(milli, 500);
	CHECK_INT(cpus_parse("2", &milli, NULL), 0);
	CHECK_INT(milli, 2000);
	CHECK_INT(cpus_parse("0.01", &milli, NULL), 0);
	CHECK_INT(milli, 10);
	CHECK_INT(cpus_parse("0", &milli, NULL), -EINVAL);
	CHECK_INT(cpus_parse("0.009", &milli, NULL), -EINVAL);
	CHECK_INT(cpus_parse("1025", &milli, NULL), -EINVAL);
	CHECK_INT(cpus_parse("half", &milli, NULL), -EINVAL);
	CHECK_INT(milli, 10);

	CHECK_INT(number_parse("64", 1, 64, &number, NULL), 0);
	CHECK_INT(number, 64);
	CHECK_INT(number_parse("65", 1, 64, &number, NULL), -EINVAL);
	CHECK_INT(number_parse("0", 1, 64, &number, NULL), -EINVAL);
	CHECK_INT(number_parse("", 0, 64, &number, NULL), -EINVAL);
	CHECK_INT(number_parse("1x", 0, 64, &number, NULL), -EINVAL);
	CHECK_INT(number, 64);
}

/* Splits, compares with the words in `expected` (each followed by '|'), joins, splits again. */
static void check_words(const char *text, const char *expected)
{
	char **words = NULL, **again = NULL, *joined;
	struct buf list = BUF_INIT;

	REQUIRE(words_split(text, &words, NULL) == 0);
	for (char **word = words; *word; word++)
		buf_append_format(&list, "%s|", *word);
	CHECK_TEXT(buf_text(&list), expected);
	joined = words_join(words);
	buf_clear(&list);
	if (CHECK(words_split(joined, &again, NULL) == 0))
		for (char **word = again; *word; word++)
			buf_append_format(&list, "%s|", *word);
	CHECK_TEXT(buf_text(&list), expected);
	free(joined);
	free_strings(words);
	free_strings(again);
	buf_release(&list);
}

static void command_lines(void)
{
	check_words("/bin/sensord --fast", "/bin/sensord|--fast|");
	check_words("  a \t b  ", "a|b|");
	check_words("sh -c 'echo \"$HOME\"  x'", "sh|-c|echo \"$HOME\"  x|");
	check_words("a \"b c\" d", "a|b c|d|");
	check_words("a\"b\"'c'd", "abcd|");
	check_words("a '' \"\"", "a|||");
	check_words("a\\ b \\'", "a b|'|");
	check_words("\"a\\\"b\\\\c\\n\\$\"", "a\"b\\c\\n$|");
	check_words("'it'\\''s'", "it's|");
	check_words("caf\xc3\xa9 *.c ~ $x", "caf\xc3\xa9|*.c|~|$x|");
}

static void command_lines_that_are_none(void)
{
	static const char *const wrong[] = { "", "   ", "a 'b", "a \"b", "a\\", "\"a\\" };
	struct buf many = BUF_INIT;
	char **words = NULL;

	for (size_t i = 0; i < COUNT(wrong); i++)
		CHECK_INT(words_split(wrong[i], &words, NULL), -EINVAL);
	for (int i = 0; i < WORDS_MAX; i++)
		buf_append_text(&many, "x ");
	CHECK_INT(words_split(buf_text(&many), &words, NULL), 0);
	CHECK_INT(count_strings(words), WORDS_MAX);
	free_strings(words);
	buf_append_text(&many, "y");
	CHECK_INT(words_split(buf_text(&many), &words, NULL), -EINVAL);
	buf_release(&many);
}

static void nearest_words(void)
{
	static const char *const known[] = { "memory", "image", "volume", "health_interval" };

	CHECK_TEXT(words_nearest("memroy", known, 4, sizeof(*known)), "memory");
	CHECK_TEXT(words_nearest("Image", known, 4, sizeof(*known)), "image");
	CHECK_TEXT(words_nearest("volumes", known, 4, sizeof(*known)), "volume");
	CHECK_TEXT(words_nearest("health-interval", known, 4, sizeof(*known)), "health_interval");
	CHECK(!words_nearest("favourite_colour", known, 4, sizeof(*known)));
	CHECK(!words_nearest("a_word_that_is_so_long_that_it_cannot_be_any_of_them", known, 4,
			     sizeof(*known)));
}

static void paths(void)
{
	static const struct {
		const char *text;
		const char *clean; /* NULL: an error */
	} cases[] = {
		{ "/", "/" },	       { "/a/b", "/a/b" },     { "//a///b//", "/a/b" },
		{ "/./a/./b/.", "/a/b" }, { "/.", "/" },       { "/a..b/...", "/a..b/..." },
		{ "", NULL },	       { "a/b", NULL },	       { "/a/../b", NULL },
		{ "/..", NULL },       { "/a/..", NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *clean = NULL;

		CHECK_INT(path_clean(cases[i].text, &clean, NULL), cases[i].clean ? 0 : -EINVAL);
		CHECK_TEXT(clean, cases[i].clean);
		free(clean);
	}
}

int main(void)
{
	RUN(durations);
	RUN(sizes);
	RUN(percentages_and_processors);
	RUN(command_lines);
	RUN(command_lines_that_are_none);
	RUN(nearest_words);
	RUN(paths);
	return test_end();
}
