/*
 * log_follow - reads a container's log ring (agent/container/logring.h) and goes on when there is more. A reader of files:
 * the container and its shim are not asked for anything.
 *
 *	log_follow_open(&log, dir, lines, err)		the bundle directory; -1: all lines
 *	log_follow_watch(&log, loop, dir, on_change, data, err)	only for who wants to follow
 *	ended = log_follow_has_ended(&log);		first: what was written before the end must be read
 *	while (log_follow_next(&log, &record) > 0)
 *	log_follow_release(&log)
 *
 * Following goes by inotify on the directory, which also tells that the container has ended: then its "exit" file
 * appears.
 */
#ifndef AGENT_API_LOG_FOLLOW_H
#define AGENT_API_LOG_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/container/logring.h"
#include "agent/loop.h"
#include "lib/err.h"

struct log_follow {
	int dirfd; /* -1: the container never ran, its log is empty */
	struct logring_reader reader;
	int inotify;
	struct watch watch;
	void (*on_change)(void *data);
	void *data;
};

/* Release it also after an error. */
int log_follow_open(struct log_follow *log, const char *dir, int64_t lines, struct err *err);
int log_follow_watch(struct log_follow *log, struct loop *loop, const char *dir,
		     void (*on_change)(void *data), void *data, struct err *err);

/* As logring_reader_next(). */
int log_follow_next(struct log_follow *log, struct logring_record *record);
bool log_follow_has_ended(const struct log_follow *log);
void log_follow_release(struct log_follow *log);

#endif
