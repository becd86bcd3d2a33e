#include "config/units.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define DIGITS_MAX 15 /* of a whole number: below 2^50, so that sums of products fit */
#define FRACTION_MAX 6

/* Reads digits from *text and moves it behind them; -1 when there are none or too many. */
static int64_t read_digits(const char **text)
{
	size_t count = strspn(*text, DIGITS);
	int64_t value = 0;

	if (count == 0 || count > DIGITS_MAX)
		return -1;
	for (size_t i = 0; i < count; i++)
		value = 10 * value + (*(*text)++ - '0');
	return value;
}

/* Reads "1", "1.5" from *text in parts of `unit`, at most `max` of them; -1 when it's none. */
static int64_t read_decimal(const char **text, int64_t unit, int64_t max)
{
	int64_t whole = read_digits(text), part = 0, scale = 1;

	if (whole < 0 || whole > max / unit)
		return -1;
	if (**text == '.') {
		const char *start = ++*text;

		part = read_digits(text);
		if (part < 0 || *text - start > FRACTION_MAX)
			return -1;
		for (; start < *text; start++)
			scale *= 10;
	}
	/* unit <= 2^40 and part < 10^6: fits. */
	whole = whole * unit + part * unit / scale;
	return whole <= max ? whole : -1;
}

/* Milliseconds in the unit that *text starts with, and moves behind it; 0 when it is none. */
static int64_t read_time_unit(const char **text)
{
	switch (*(*text)++) {
	case 's':
		return 1000;
	case 'm':
		return 60000;
	case 'h':
		return 3600000;
	}
	return 0;
}

int duration_parse_ms(const char *text, int64_t *ms, struct err *err)
{
	int64_t sum = 0, last_unit = INT64_MAX;
	const char *p = text;

	if (!strcmp(text, "0")) {
		*ms = 0;
		return 0;
	}
	do {
		int64_t count = read_digits(&p);
		int64_t unit = count < 0 ? 0 : read_time_unit(&p);

		/* 1h30m, but not 30m1h or 5m5m: that is rather a slip. */
		if (unit == 0 || unit >= last_unit)
			return err_set(err, -EINVAL,
				       "not a duration; use a number with s, m or h, such as 90s");
		if (count > UNITS_DURATION_MAX_MS / unit ||
		    sum + count * unit > UNITS_DURATION_MAX_MS)
			return err_set(err, -EINVAL, "too long; use at most 8784h (a year)");
		sum += count * unit;
		last_unit = unit;
	} while (*p);
	*ms = sum;
	return 0;
}

/* The factor of "", "b", "k", "kb", "kib", "m" ...; 0 when it is none. */
static int64_t size_unit(const char *text)
{
	static const char letters[] = "kmgt";
	const char *letter;

	if (!*text || !strcasecmp(text, "b"))
		return 1;
	letter = strchr(letters, *text | 0x20);
	if (!letter || (text[1] && strcasecmp(text + 1, "b") && strcasecmp(text + 1, "ib")))
		return 0;
	return INT64_C(1) << (10 * (letter - letters + 1));
}

int size_parse(const char *text, int64_t *bytes, struct err *err)
{
	int64_t unit = size_unit(text + strspn(text, DIGITS "."));
	const char *p = text;
	int64_t value = unit ? read_decimal(&p, unit, UNITS_SIZE_MAX) : -1;

	if (value < 0 || size_unit(p) != unit)
		return err_set(err, -EINVAL,
			       "not a size; use a number with K, M or G, such as 64M");
	*bytes = value;
	return 0;
}

int percent_parse(const char *text, int *percent, struct err *err)
{
	const char *p = text;
	int64_t value = read_digits(&p);

	if (value < 0 || value > 100 || (*p && strcmp(p, "%")))
		return err_set(err, -EINVAL, "not a percentage; use 0%% to 100%%");
	*percent = (int)value;
	return 0;
}

int cpus_parse(const char *text, int64_t *milli, struct err *err)
{
	const char *p = text;
	int64_t value = read_decimal(&p, 1000, UNITS_CPUS_MAX_MILLI);

	if (value < UNITS_CPUS_MIN_MILLI || *p)
		return err_set(err, -EINVAL,
			       "not a number of processors; use one such as 0.5 (at least 0.01)");
	*milli = value;
	return 0;
}

int number_parse(const char *text, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	const char *p = text;
	int64_t value = read_digits(&p);

	if (value < min || value > max || value < 0 || *p)
		return err_set(err, -EINVAL, "not a number; use a whole number from %lld to %lld",
			       (long long)min, (long long)max);
	*out = value;
	return 0;
}
