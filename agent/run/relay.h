/*
 * relay - `run` and `exec` in the foreground: signals go to the container's process, its terminal
 * to ours, its exit code to our caller.
 *
 *	relay_prepare();		before the process is made, so that no signal is lost
 *	...
 *	code = relay_run(pid, master);
 */
#ifndef AGENT_RUN_RELAY_H
#define AGENT_RUN_RELAY_H

#include <sys/types.h>

#include "lib/err.h"

void relay_prepare(void);

/*
 * `pid` is a child of the caller, `console` the master of its terminal (taken) or -1. Returns the
 * exit code, 128 + n for one that was killed by signal n.
 */
int relay_run(pid_t pid, int console, struct err *err);

#endif
