/*
 * fetch_retry - asking again when a link or a registry fails in the middle of a pull.
 *
 *	fetch_retry_init(&retry)
 *	do
 *		ret = one attempt				fetch_retry_goes_on() at its first byte
 *	while (ret < 0 && fetch_retry_wait(&retry, &attempt, err))
 *	fetch_retry_done(&retry)				when it worked
 *
 * The wait is 1 s after the first failure and doubles up to 60 s, give or take a quarter, so that a fleet does not come
 * back all at once; none after an attempt that brought much. A registry that names a time is
 * heeded. The agent is told what is waited for, and when it goes on (report.h).
 *
 * It never goes on for ever: after some failures in a row the job gives up, and the agent starts another one later. That
 * lets pulls from other registries have their turn; so it waits long only where a part of a layer would be lost.
 */
#ifndef AGENT_HELPER_FETCH_RETRY_H
#define AGENT_HELPER_FETCH_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

#define FETCH_RETRY_FIRST_MS 1000
#define FETCH_RETRY_MOST_MS 60000
#define FETCH_RETRY_LITTLE 4096	   /* bytes; an attempt that brings less is one more failure in a row */
#define FETCH_RETRY_MUCH 65536	   /* bytes, after which the next attempt is made at once */
#define FETCH_RETRY_TRIES 10	   /* in a row, within a layer */
#define FETCH_RETRY_TRIES_FIRST 3  /* where there is nothing to lose */
#define FETCH_RETRY_AFTER_S 300	   /* the longest Retry-After that is waited for here, within a layer */
#define FETCH_RETRY_AFTER_FIRST_S 10

struct fetch_retry {
	int64_t first_ms, most_ms;
	int failures;	 /* in a row */
	bool is_waiting; /* as far as the agent knows */
};

/* One that failed. */
struct fetch_attempt {
	int code;		/* see net/failure.h */
	int64_t retry_after_s;	/* the registry's wish; 0: none */
	int64_t received;	/* bytes that are new */
	int64_t offset, size;	/* how far that got in a blob; size 0: it is no blob */
};

void fetch_retry_init(struct fetch_retry *retry);

/* Counts the failure. How long to wait, or -1: trying again is of no use, or enough was tried. */
int64_t fetch_retry_delay_ms(struct fetch_retry *retry, const struct fetch_attempt *attempt,
			     uint32_t random);

/* The same, told to the agent, and waited. False: `err`, the reason of the failure, stands. */
bool fetch_retry_wait(struct fetch_retry *retry, const struct fetch_attempt *attempt, struct err *err);

void fetch_retry_goes_on(struct fetch_retry *retry);
void fetch_retry_done(struct fetch_retry *retry);

#endif
