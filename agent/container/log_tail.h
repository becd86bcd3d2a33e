/*
 * log_tail - the last words of a container, for the agent's own log: few, short and printable.
 *
 * Read from its log ring in one pass, 50 us for a full one, which ends also if it goes on writing. Blank lines don't count.
 */
#ifndef AGENT_CONTAINER_LOG_TAIL_H
#define AGENT_CONTAINER_LOG_TAIL_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_TAIL_LINES 5
#define LOG_TAIL_BYTES 200 /* of a line; the rest is cut off */

struct log_tail_line {
	int stream;
	bool is_open; /* no newline yet: the next record of its stream goes on with it */
	size_t size;
	char text[LOG_TAIL_BYTES + 1];
};

struct log_tail {
	size_t count;
	struct log_tail_line lines[LOG_TAIL_LINES]; /* oldest first */
};

/* `dir`: the bundle directory. 0, also when there is no log, or a negative code; what was read until then is there. */
int log_tail_read(struct log_tail *tail, const char *dir);

#endif
