#include "lib/human.h"

#include <stdio.h>

#include "lib/time.h"

void human_size(char text[static HUMAN_TEXT_MAX], uint64_t bytes, int digits)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	unsigned int unit = 0;

	/* 999.9 would be printed as 1e+03 with three digits: it belongs to the next unit. */
	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(*units)) {
		if (value < 1000 && digits > 3)
			break;
		value /= 1000;
		unit++;
	}
	snprintf(text, HUMAN_TEXT_MAX, "%.*g%s", digits, value, units[unit]);
}

/* The rungs of go-units' HumanDuration; the number before a unit is rounded down. */
void human_duration(char text[static HUMAN_TEXT_MAX], int64_t ns)
{
	int64_t seconds = ns / NS_PER_S;
	int64_t minutes = seconds / 60;
	int64_t hours = (seconds + 1800) / 3600;

	if (seconds < 1)
		snprintf(text, HUMAN_TEXT_MAX, "Less than a second");
	else if (seconds == 1)
		snprintf(text, HUMAN_TEXT_MAX, "1 second");
	else if (seconds < 60)
		snprintf(text, HUMAN_TEXT_MAX, "%d seconds", (int)seconds);
	else if (minutes == 1)
		snprintf(text, HUMAN_TEXT_MAX, "About a minute");
	else if (minutes < 60)
		snprintf(text, HUMAN_TEXT_MAX, "%d minutes", (int)minutes);
	else if (hours == 1)
		snprintf(text, HUMAN_TEXT_MAX, "About an hour");
	else if (hours < 48)
		snprintf(text, HUMAN_TEXT_MAX, "%d hours", (int)hours);
	else if (hours < 24 * 7 * 2)
		snprintf(text, HUMAN_TEXT_MAX, "%d days", (int)(hours / 24));
	else if (hours < 24 * 30 * 2)
		snprintf(text, HUMAN_TEXT_MAX, "%d weeks", (int)(hours / 24 / 7));
	else if (hours < 24 * 365 * 2)
		snprintf(text, HUMAN_TEXT_MAX, "%d months", (int)(hours / 24 / 30));
	else
		snprintf(text, HUMAN_TEXT_MAX, "%lld years", (long long)(hours / 24 / 365));
}
