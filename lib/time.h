/* time - clocks and their text forms. Wall clock times are nanoseconds since 1970 in UTC. */
#ifndef LIB_TIME_H
#define LIB_TIME_H

#include <stdint.h>

#define TIME_TEXT_MAX 40
#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL

int64_t time_now_ns(void);	     /* wall clock */
int64_t time_monotonic_ms(void);     /* CLOCK_MONOTONIC: for time-outs */
int64_t time_boot_ms(void);	     /* CLOCK_BOOTTIME: since boot, counts suspend */

/* RFC 3339, seconds: "2026-01-01T00:00:00Z"; the other one with nine digits of a second, as Docker has it. */
void time_format(char text[static TIME_TEXT_MAX], int64_t ns);
void time_format_nano(char text[static TIME_TEXT_MAX], int64_t ns);

/* Reads RFC 3339 with or without a fraction, "Z" or an offset, up to the year 2262. 0 or -EINVAL. */
int time_parse(const char *text, int64_t *ns);

#endif
