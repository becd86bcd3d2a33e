#include "net/http_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/time.h"

/* Digits, at least one, at the front of the text; moves it on. */
static int take_number(const char **text, const char *end, int64_t *number)
{
	const char *p = *text;
	int64_t value = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -EINVAL;
	if (p == *text)
		return -EINVAL;
	*text = p;
	*number = value;
	return 0;
}

static int take_char(const char **text, const char *end, char c)
{
	if (*text == end || **text != c)
		return -EINVAL;
	(*text)++;
	return 0;
}

int http_range_parse(struct http_range *range, const char *text, size_t size)
{
	static const char unit[] = "bytes ";
	const size_t unit_size = sizeof(unit) - 1;
	const char *p = text + unit_size, *end = text + size;
	struct http_range found = { .total = -1 };

	if (size > HTTP_RANGE_MAX || size < unit_size || memcmp(text, unit, unit_size) ||
	    take_number(&p, end, &found.first) < 0 || take_char(&p, end, '-') < 0 ||
	    take_number(&p, end, &found.last) < 0 || take_char(&p, end, '/') < 0)
		return -EINVAL;
	if (take_char(&p, end, '*') < 0 && take_number(&p, end, &found.total) < 0)
		return -EINVAL;
	if (p != end || found.first > found.last || (found.total >= 0 && found.last >= found.total))
		return -EINVAL;
	*range = found;
	return 0;
}

/* 1 to 12, or 0. */
static int month_number(const char *name)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int month = 0;

	for (int i = 0; i < 12; i++)
		if (!memcmp(names + (size_t)i * 3, name, 3))
			month = i + 1;
	return month;
}

int http_date_parse(int64_t *unix_s, const char *text, size_t size)
{
	static const char form[] = "Aaa, 00 Aaa 0000 00:00:00 GMT";
	char rfc3339[HTTP_DATE_MAX];
	int64_t ns;

	if (size != sizeof(form) - 1)
		return -EINVAL;
	for (size_t i = 0; i < size; i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9' :
		    form[i] != 'A' && form[i] != 'a' && form[i] != text[i])
			return -EINVAL;
	int month = month_number(text + 8);

	if (!month)
		return -EINVAL;
	snprintf(rfc3339, sizeof(rfc3339), "%.4s-%02d-%.2sT%.8sZ", text + 12, month, text + 5,
		 text + 17);
	if (time_parse(rfc3339, &ns) < 0)
		return -EINVAL;
	*unix_s = ns / NS_PER_S;
	return 0;
}

static int64_t seconds_until(const char *then, const char *now)
{
	int64_t then_s, now_s;

	if (!now || http_date_parse(&then_s, then, strlen(then)) < 0 ||
	    http_date_parse(&now_s, now, strlen(now)) < 0 || then_s < now_s)
		return 0;
	return then_s - now_s;
}

int64_t http_retry_after_s(const struct http_message *message, int64_t most_s)
{
	const char *text = http_header(message, "Retry-After");
	int64_t seconds;

	if (!text)
		return 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || text[digits])
		seconds = seconds_until(text, http_header(message, "Date"));
	else if (take_number(&(const char *){ text }, text + digits, &seconds) < 0)
		seconds = most_s;
	return seconds < most_s ? seconds : most_s;
}
