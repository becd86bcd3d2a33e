#include "tests/unit/test.h"

#include <errno.h>

#include "lib/signame.h"

static void names_and_numbers(void)
{
	static const struct {
		const char *text;
		int number;
	} cases[] = {
		{ "SIGTERM", 15 },   { "TERM", 15 },	{ "sigterm", 15 },  { "15", 15 },
		{ "KILL", 9 },	     { "SIGCLD", 17 },	{ "RTMIN", 34 },    { "SIGRTMIN+3", 37 },
		{ "SIGRTMAX", 64 },  { "RTMAX-1", 63 }, { "64", 64 },	    { "0", -EINVAL },
		{ "65", -EINVAL },   { "", -EINVAL },	{ "SIG", -EINVAL }, { "-9", -EINVAL },
		{ "9x", -EINVAL },   { "TERM ", -EINVAL }, { "RTMIN+31", -EINVAL },
		{ "RTMAX+1", -EINVAL }, { "RTMINX", -EINVAL }, { "RTMIN+", -EINVAL },
		{ "99999999999999999999", -EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (signal_parse(cases[i].text) != cases[i].number)
			test_fail(__FILE__, __LINE__, "\"%s\" is %d, not %d", cases[i].text,
				  signal_parse(cases[i].text), cases[i].number);
}

static void numbers_to_names(void)
{
	CHECK_TEXT(signal_name(15), "SIGTERM");
	CHECK_TEXT(signal_name(6), "SIGABRT");
	CHECK_TEXT(signal_name(40), NULL);
}

int main(void)
{
	RUN(names_and_numbers);
	RUN(numbers_to_names);
	return test_end();
}
