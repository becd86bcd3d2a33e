/*
 * exec_spawn - starts the process of an exec: `berth runtime exec` with pipes, or with a terminal
 * that the runtime makes inside the container and sends back over a socket (runc's
 * --console-socket).
 */
#ifndef AGENT_API_EXEC_SPAWN_H
#define AGENT_API_EXEC_SPAWN_H

#include "lib/err.h"

struct exec;

/* Sets exec->child.pid, and gives the relay its descriptors, now or when the terminal comes. */
int exec_spawn(struct exec *exec, struct err *err);

/* No terminal is waited for any more. */
void exec_spawn_release(struct exec *exec);

int exec_terminal_resize(int master, unsigned short rows, unsigned short columns);

#endif
