/*
 * test - the whole unit test harness. A test program lists its functions in main():
 *
 *	int main(void)
 *	{
 *		RUN(parses_a_tag);
 *		return test_end();
 *	}
 *
 * CHECK reports the place and the texts and lets the function go on; REQUIRE leaves it. The last
 * line is "N passed, N failed", counted in functions.
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int test_passed, test_failed;
static bool test_ok;

#define RUN(function) test_run(#function, function)

#define CHECK(condition) \
	((condition) ? true : test_fail(__FILE__, __LINE__, "%s", #condition))

#define CHECK_INT(actual, expected) \
	test_int(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))

#define CHECK_TEXT(actual, expected) test_text(__FILE__, __LINE__, #actual, actual, expected)

/* `part` must stand somewhere in `actual`. */
#define CHECK_HAS(actual, part) test_has(__FILE__, __LINE__, #actual, actual, part)

#define REQUIRE(condition) \
	do { \
		if (!CHECK(condition)) \
			return; \
	} while (0)

__attribute__((format(printf, 3, 4), unused)) static bool test_fail(const char *file, int line,
								     const char *format, ...)
{
	__builtin_va_list args;

	test_ok = false;
	fprintf(stderr, "%s:%d: ", file, line);
	__builtin_va_start(args, format);
	vfprintf(stderr, format, args);
	__builtin_va_end(args);
	fputc('\n', stderr);
	return false;
}

__attribute__((unused)) static bool test_int(const char *file, int line, const char *what,
					     long long actual, long long expected)
{
	if (actual == expected)
		return true;
	return test_fail(file, line, "%s is %lld, not %lld", what, actual, expected);
}

__attribute__((unused)) static bool test_text(const char *file, int line, const char *what,
					      const char *actual, const char *expected)
{
	if (actual && expected && !strcmp(actual, expected))
		return true;
	if (!actual && !expected)
		return true;
	return test_fail(file, line, "%s is \"%s\", not \"%s\"", what, actual ? actual : "(null)",
			 expected ? expected : "(null)");
}

__attribute__((unused)) static bool test_has(const char *file, int line, const char *what,
					     const char *actual, const char *part)
{
	if (actual && strstr(actual, part))
		return true;
	return test_fail(file, line, "%s is \"%s\", without \"%s\"", what,
			 actual ? actual : "(null)", part);
}

__attribute__((unused)) static void test_run(const char *name, void (*function)(void))
{
	test_ok = true;
	function();
	if (test_ok)
		test_passed++;
	else
		test_failed++;
	if (!test_ok)
		fprintf(stderr, "FAIL %s\n", name);
}

__attribute__((unused)) static int test_end(void)
{
	printf("%d passed, %d failed\n", test_passed, test_failed);
	return test_failed ? 1 : 0;
}

#endif
