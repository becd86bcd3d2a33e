#include "lib/time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t time_now_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t time_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC) / NS_PER_MS;
}

int64_t time_boot_ms(void)
{
	return read_clock(CLOCK_BOOTTIME) / NS_PER_MS;
}

static size_t format_seconds(char *text, int64_t ns)
{
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return strftime(text, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
}

void time_format(char text[static TIME_TEXT_MAX], int64_t ns)
{
	size_t used = format_seconds(text, ns);

	snprintf(text + used, TIME_TEXT_MAX - used, "Z");
}

void time_format_nano(char text[static TIME_TEXT_MAX], int64_t ns)
{
	size_t used = format_seconds(text, ns);

	snprintf(text + used, TIME_TEXT_MAX - used, ".%09dZ", (int)(ns % NS_PER_S));
}

/* The fraction's digits beyond the ninth are dropped. Returns the first character behind it. */
static const char *parse_fraction(const char *p, int64_t *ns)
{
	int64_t unit = NS_PER_S / 10;

	if (*p != '.')
		return p;
	for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
		*ns += (*p - '0') * unit;
	return p;
}

static int parse_offset(const char *p, int64_t *seconds)
{
	unsigned int hours, minutes;
	int used = 0;

	if (!strcmp(p, "Z") || !strcmp(p, "z"))
		return 0;
	if (*p != '+' && *p != '-')
		return -EINVAL;
	if (sscanf(p + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2 || p[1 + used] || used != 5)
		return -EINVAL;
	*seconds = (int64_t)(hours * 3600 + minutes * 60) * (*p == '-' ? -1 : 1);
	return 0;
}

int time_parse(const char *text, int64_t *ns)
{
	struct tm tm = { 0 };
	int64_t fraction = 0, offset = 0;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return -EINVAL;
	rest = parse_fraction(rest, &fraction);
	if (parse_offset(rest, &offset) < 0)
		return -EINVAL;
	/* Years from 2262 on do not fit. */
	int64_t seconds = (int64_t)timegm(&tm) - offset;

	if (__builtin_mul_overflow(seconds, NS_PER_S, &seconds) ||
	    __builtin_add_overflow(seconds, fraction, &seconds))
		return -EINVAL;
	*ns = seconds;
	return 0;
}
