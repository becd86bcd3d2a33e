/*
 * log - one line per event on stderr, for whatever supervises the agent.
 *
 * Lines carry an RFC 3339 time stamp when stderr is not a terminal, and a sd-daemon(3) priority
 * prefix ("<4>") when the environment names a journal (JOURNAL_STREAM). Control characters are
 * replaced, so that foreign text cannot forge a line.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level); /* what is less important isn't written; default INFO */

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
