/*
 * console - a pseudo-terminal of the container's own devpts for its process.
 *
 * The slave becomes the process's controlling terminal; the master goes over a unix socket to
 * whoever shows it (runc's --console-socket protocol: one message with one descriptor).
 */
#ifndef AGENT_RUN_CONSOLE_H
#define AGENT_RUN_CONSOLE_H

#include "agent/run/bundle.h"

struct console {
	int master;
	int slave;
};

/* `root`: the container's root. The slave belongs to `uid`. */
int console_open(struct console *console, int root, struct err *err);
void console_close(struct console *console);
void console_resize(int fd, unsigned short rows, unsigned short columns);

/* Shows the slave as /dev/console; before pivot_root. */
int console_bind(const struct console *console, int root, struct err *err);

/* Gives the master away over `sock` and closes it. */
int console_send(struct console *console, int sock, struct err *err);
/* Receives it on the other end; negative on failure. */
int console_receive(int sock, struct err *err);

/* The slave as stdin, stdout and stderr. */
int console_attach(struct console *console, uid_t uid, struct err *err);
/* What is stdin now as the controlling terminal; the process must lead its session. */
int console_control(struct err *err);

/* Connects to the socket of --console-socket. */
int console_connect(const char *path, struct err *err);

#endif
