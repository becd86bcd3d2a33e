/*
 * loop - the agent's single-threaded event loop over epoll: descriptors, timers, children, signals.
 *
 * Callbacks run one at a time and must not block. A callback may remove or free any watch, timer
 * or child, its own as well: removed ones are never called again, even when their event was
 * already fetched.
 *
 *	struct loop loop;
 *	loop_init(&loop, &err);
 *	watch_start(&loop, &watch, fd, EPOLLIN, on_readable, self);
 *	timer_start(&loop, &timer, 1000, on_timeout, self);
 *	loop_run(&loop);		-- until loop_stop()
 */
#ifndef AGENT_LOOP_H
#define AGENT_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/list.h"

#define LOOP_EVENTS_MAX 32

struct loop {
	int epoll_fd;
	int signal_fd;
	sigset_t signals;
	struct list timers; /* sorted, the next one first */
	struct list children;
	bool stopping;
	void (*on_signal)(int signal, void *data);
	void *signal_data;
	struct epoll_event ready[LOOP_EVENTS_MAX]; /* the batch at hand */
	int ready_count;
};

/* Embedded in its owner; all zero is "not started". */
struct watch {
	struct loop *loop; /* NULL: not started */
	int fd;		   /* borrowed */
	void (*callback)(struct watch *watch, uint32_t events);
	void *data;
};

struct timer {
	struct loop *loop; /* NULL: not running */
	struct list node;
	int64_t at_ms; /* time_monotonic_ms() */
	void (*callback)(struct timer *timer);
	void *data;
};

struct child {
	struct loop *loop; /* NULL: not waited for */
	struct list node;
	pid_t pid;
	void (*callback)(struct child *child, int status); /* status as waitpid(2) gives it; called once */
	void *data;
};

int loop_init(struct loop *loop, struct err *err);
void loop_release(struct loop *loop);

/* SIGTERM, SIGINT and SIGHUP go to this callback; SIGCHLD is handled inside; SIGPIPE is ignored. */
void loop_on_signal(struct loop *loop, void (*callback)(int signal, void *data), void *data);

void loop_run(struct loop *loop);
void loop_stop(struct loop *loop); /* after the callback at hand */

/* The signal mask the process had before loop_init() belongs to children: call between fork and exec. */
void loop_reset_signals(void);

/* The descriptor must be pollable; failure (out of kernel memory) ends the process. */
void watch_start(struct loop *loop, struct watch *watch, int fd, uint32_t events,
		 void (*callback)(struct watch *watch, uint32_t events), void *data);
void watch_change(struct watch *watch, uint32_t events);
/* Does not close the descriptor; call it before closing. Harmless when not started. */
void watch_stop(struct watch *watch);

/* Starting a running timer moves it. The timer is stopped before its callback is called. */
void timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms,
		 void (*callback)(struct timer *timer), void *data);
void timer_stop(struct timer *timer);
bool timer_is_running(const struct timer *timer);

void child_start(struct loop *loop, struct child *child, pid_t pid,
		 void (*callback)(struct child *child, int status), void *data);
/* Forget it: the child is still reaped when it ends, silently. */
void child_stop(struct child *child);

#endif
