/*
 * stream - a connection to the agent that has become the stdio of a process in a container (exec, attach),
 * copied to and from our own until the process has closed it.
 */
#ifndef AGENT_CLI_STREAM_H
#define AGENT_CLI_STREAM_H

#include <stdbool.h>

#include "agent/cli/cli.h"

#define STREAM_DETACHED 1

struct stream {
	bool has_input;		 /* our stdin goes there */
	bool has_terminal;	 /* it runs on a terminal: bytes as they are; our own gets raw when it is its input */
	const char *detach_keys; /* NULL: the default. Heard on a terminal only */
	const char *resize;	 /* the call that gets ?h=ROWS&w=COLUMNS */
	bool resize_first;	 /* it may have another size yet */
	const char *kill;	 /* the call that gets ?signal=N for our signals; NULL: they end us. Not on a terminal */
};

/* After daemon_upgrade() of cli->daemon. 0 at the end, STREAM_DETACHED, or negative with the reason. */
int stream_run(const struct stream *stream, struct cli *cli);

#endif
