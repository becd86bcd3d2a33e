#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/time.h"
#include "lib/utf8.h"

#define LINE_MAX_BYTES 1024

static enum log_level highest = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error: ", 3 },
	[LOG_LEVEL_WARN] = { "warning: ", 4 },
	[LOG_LEVEL_INFO] = { "", 6 },
	[LOG_LEVEL_DEBUG] = { "debug: ", 7 },
};

void log_set_level(enum log_level level)
{
	highest = level;
}

static int put_prefix(char *line, size_t size, enum log_level level)
{
	char now[TIME_TEXT_MAX];

	if (getenv("JOURNAL_STREAM"))
		return snprintf(line, size, "<%d>", levels[level].priority);
	if (isatty(STDERR_FILENO))
		return snprintf(line, size, "%s", levels[level].name);
	time_format(now, time_now_ns());
	return snprintf(line, size, "%s %s", now, levels[level].name);
}

__attribute__((format(printf, 2, 0))) static void put_line(enum log_level level,
							    const char *format, va_list args)
{
	char line[LINE_MAX_BYTES + 1];
	int used, more;

	if (level > highest)
		return;
	used = put_prefix(line, LINE_MAX_BYTES, level);
	more = vsnprintf(line + used, (size_t)(LINE_MAX_BYTES - used), format, args);
	if (more > LINE_MAX_BYTES - used - 1)
		more = LINE_MAX_BYTES - used - 1;
	used += more;
	utf8_make_printable(line);
	line[used++] = '\n';
	/* One write, so that lines of several processes do not mix. Nobody to tell if it fails. */
	(void)!fd_write_full(STDERR_FILENO, line, (size_t)used);
}

#define DEFINE_LOG(name, level) \
	void name(const char *format, ...) \
	{ \
		va_list args; \
\
		va_start(args, format); \
		put_line(level, format, args); \
		va_end(args); \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warn, LOG_LEVEL_WARN)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
