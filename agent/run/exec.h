/* exec - one more process in a container that runs, in all of its namespaces and its cgroup. */
#ifndef AGENT_RUN_EXEC_H
#define AGENT_RUN_EXEC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/run/report.h"

#define EXEC_GROUPS_MAX 32

struct exec {
	const char *root;	    /* of the states */
	const char *id;
	const char *process_file; /* JSON of a process object; NULL: as the container's own, but: */
	char *const *args;	    /* the command */
	const char *user;	    /* NULL: the same */
	const char *cwd;	    /* NULL: the same */
	char *const *env;	    /* added to its own; NULL: none */
	gid_t groups[EXEC_GROUPS_MAX]; /* added to its own */
	size_t group_count;
	uint64_t capabilities;	       /* bits, added to its own */
	bool no_new_privileges;	       /* even if it has none of that */
	const char *apparmor_profile;  /* NULL: the same */
	const char *selinux_label;     /* NULL: the same */
	const char *cgroup;	       /* one below the container's, that is there; NULL: its own */
	int preserve_fds;	       /* so many from 3 on are the command's */
	bool ignore_paused;	       /* it waits until the container goes on, instead of failing */
	bool terminal;
	unsigned short rows, columns; /* of the terminal; 0: not known */
	bool detach;
	const char *pid_file;	    /* NULL: none */
	const char *console_socket; /* NULL: a terminal is shown by this process */
};

/* The exit code of the command (0 at once when detached), or negative with the reason. */
int exec_in_container(const struct exec *exec, struct failure *failure);

#endif
