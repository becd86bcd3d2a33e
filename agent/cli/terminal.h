/*
 * terminal - the user's terminal while a command in a container has it: raw mode, put back at the
 * end whatever happens, its size, and signals that are meant for the command.
 */
#ifndef AGENT_CLI_TERMINAL_H
#define AGENT_CLI_TERMINAL_H

#include <signal.h>
#include <stdbool.h>

/* Keys go through as they are, until terminal_restore(), exit() or a deadly signal. */
int terminal_raw(int fd);
void terminal_restore(void);

/* 0 rows and columns when it has no size. */
void terminal_size(int fd, unsigned short *rows, unsigned short *columns);

/*
 * From now on SIGWINCH, and with `forward` what usually ends a program as well, is blocked but for ppoll() with this
 * mask, which it interrupts. terminal_next_signal() gives each that came once, then 0. May be called again.
 */
void terminal_watch_signals(bool forward, sigset_t *while_waiting);
int terminal_next_signal(void);

#endif
