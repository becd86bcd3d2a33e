/*
 * report - what a helper tells the agent: one JSON object a line on descriptor 3.
 *
 *	{"progress":{"layer":DIFF ID,"current":n,"total":n}}	{"status":TEXT, ...}	results of its own
 *	{"warning":TEXT} for the agent's log	{"sessions":TEXT} for the next fetch (agent/pull/fetch_sessions.h)
 *	{"waiting":TEXT}: nothing moves, and why	{"waiting":null}: it goes on
 *	last: {"done":true} or {"error":TEXT,"code":CODE[,"retry_after_s":n]}
 *
 * A helper that was started by hand has no descriptor 3: then the lines go to stderr.
 */
#ifndef AGENT_HELPER_REPORT_H
#define AGENT_HELPER_REPORT_H

#include <jansson.h>
#include <stdint.h>

#include "config/digest.h"

#define REPORT_FD 3
#define REPORT_PROGRESS_MS 200 /* between two lines about the same layer */

/* First thing in a helper's main(): makes sure that descriptor 3 is the report, ignores SIGPIPE, seeds JSON objects. */
void report_init(void);

/* Writes the object (takes the reference). When nobody reads any more the helper exits: its work is for no one. */
void report_line(json_t *line);

/* Progress of one layer, not more often than REPORT_PROGRESS_MS, but always when it is complete. */
struct report_progress {
	const struct digest *layer; /* diff ID */
	int64_t current;
	int64_t total;
	int64_t reported_ms; /* monotonic; 0: not yet */
};
void report_progress(struct report_progress *progress);

void report_waiting(const char *text); /* NULL: no more */
void report_done(void);
void report_error(const char *text, const char *code, int64_t retry_after_s);

#endif
