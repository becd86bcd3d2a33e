/*
 * units - numbers with units as people write them in agent.ini and on the command line.
 *
 * Each function reads the whole text and returns 0, or -EINVAL with the reason and the way out in
 * err ("not a size; use a number with K, M or G, such as 64M"). The text itself isn't repeated:
 * the caller knows where it stood and says so with err_context(). On error *out is unchanged.
 */
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include <stdint.h>

#include "lib/err.h"

#define UNITS_SIZE_MAX (INT64_C(1) << 50)		/* bytes: 1 PiB */
#define UNITS_DURATION_MAX_MS (INT64_C(366) * 86400000) /* a year */
#define UNITS_CPUS_MIN_MILLI 10 /* the kernel's least quota is 1 ms of a period of 100 ms */
#define UNITS_CPUS_MAX_MILLI 1024000			/* 1024 processors */

/* "90s", "5m", "2h", "1h30m", "0" -> milliseconds. A fraction is refused. */
int duration_parse_ms(const char *text, int64_t *ms, struct err *err);

/*
 * "64M", "1.5G", "4096" -> bytes; K, M, G (and T) are powers of 1024, in either case, and may be
 * written KB or KiB as well.
 */
int size_parse(const char *text, int64_t *bytes, struct err *err);

/* "20%" or "20" -> 20; 0 to 100. */
int percent_parse(const char *text, int *percent, struct err *err);

/* "0.5" -> 500 thousandths of a processor. */
int cpus_parse(const char *text, int64_t *milli, struct err *err);

/* A whole number between min and max, both included. */
int number_parse(const char *text, int64_t min, int64_t max, int64_t *out, struct err *err);

#endif
