/*
 * start - the gate between create and start: init listens on <root>/<id>/start.sock
 * (SOCK_SEQPACKET) until it is asked to go on.
 *
 * One connection that says "start" is answered by a struct failure (agent/run/report.h): ready,
 * right before execve(), which closes the connection; a second answer tells why execve() failed.
 * Connections that say nothing only wanted to know whether somebody listens (state.h).
 */
#ifndef AGENT_RUN_START_H
#define AGENT_RUN_START_H

#include <stdbool.h>

#include "agent/run/report.h"
#include "agent/run/state.h"

/* The runtime makes the socket outside, init inherits it. */
int start_listen(const struct state *state, struct err *err);

/* In init: blocks until it is to start. A connection to report to, or a negative code. */
int start_await(int listener, struct err *err);

/* From outside: returns when the application runs (0) or could not be executed. */
int start_request(const struct state *state, struct failure *failure);

/* True while init waits. */
bool start_is_awaited(const struct state *state);

#endif
