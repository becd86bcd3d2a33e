/*
 * create - makes a container from a bundle, up to the point where its init waits to be started.
 *
 * Everything is undone when a step fails: process, cgroup, state.
 */
#ifndef AGENT_RUN_CREATE_H
#define AGENT_RUN_CREATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/run/report.h"
#include "agent/run/state.h"

struct create {
	const char *root;	    /* of the states */
	const char *id;
	const char *bundle;	    /* directory */
	const char *pid_file;	    /* NULL: none */
	const char *console_socket; /* NULL: none */
	int listen_fds;		    /* so many from 3 on are sockets that it listens at: sd_listen_fds(3) */
	int preserve_fds;	    /* and so many behind them are the application's, too */
	bool no_pivot;		    /* enter the root without pivot_root */
	bool no_new_keyring;	    /* keep the caller's session keyring */
	bool start;		    /* at once, for `run`: nobody will ask for it */
	bool keep_console;	    /* the terminal's master is wanted here instead, for `run` */
};

struct created {
	pid_t pid; /* a child of the caller */
	int console; /* master, -1: none */
	struct state state;
	struct cgroup cgroup;
};

/* Release what was created also after an error. */
void created_release(struct created *created);

int create_container(const struct create *create, struct created *created, struct failure *failure);

/* A pid file is there whole or not at all. */
int write_pid_file(const char *path, pid_t pid, struct err *err);

#endif
