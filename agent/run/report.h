/*
 * report - how the process that becomes the container tells the runtime outside that it is ready,
 * or why it can't be: a socketpair, one message each way.
 *
 *	parent				child
 *	report_open
 *	clone				  does what needs no cgroup
 *	  puts it into its cgroup	report_await_go
 *	report_send_go
 *	report_receive			report_send: ready (exit_code 0) or what went wrong
 *
 * When the parent has something to do half way, the last two lines happen twice.
 *
 * A child that dies without a word is reported as such.
 */
#ifndef AGENT_RUN_REPORT_H
#define AGENT_RUN_REPORT_H

#include <sys/types.h>

#include "lib/err.h"

/* Exit codes as docker run has them. */
#define EXIT_RUNTIME 125    /* the container could not be made */
#define EXIT_CANNOT_RUN 126 /* the program is there, but can't be executed */
#define EXIT_NOT_FOUND 127

struct failure {
	int exit_code; /* 0: none */
	struct err err;
};

/*
 * Sets the exit code to EXIT_RUNTIME unless a more telling one is there; returns the error's code.
 */
int failure_of(struct failure *failure);

/* sockets[0] for the parent, [1] for the child; close-on-exec. */
int report_open(int sockets[static 2], struct err *err);
/* The child is told its pid as the parent sees it. */
int report_send_go(int sock, pid_t pid);
/* That pid; negative when the parent is gone. */
pid_t report_await_go(int sock);
/* NULL: ready. Negative when the parent is gone. */
int report_send(int sock, const struct failure *failure);
/*
 * A number ahead of that, by write(), which seccomp filters let through; -EPIPE when the parent is
 * gone. What comes instead of one is a failure.
 */
int report_send_number(int sock, int number);
int report_receive_number(int sock, int *number, struct failure *failure);
/* 0: ready; negative: what the child said is in `failure`. */
int report_receive(int sock, struct failure *failure);
/*
 * After "ready" the socket is closed by execve(): 0, unless the child tells why that failed.
 */
int report_receive_end(int sock, struct failure *failure);

#endif
