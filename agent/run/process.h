/*
 * process - the last steps before the application: the calling process, already in its namespaces
 * and its root, takes on limits, user, capabilities and working directory, and executes the
 * program.
 */
#ifndef AGENT_RUN_PROCESS_H
#define AGENT_RUN_PROCESS_H

#include <limits.h>

#include "agent/run/bundle.h"
#include "agent/run/report.h"

/*
 * Closes all descriptors but 0 to 2, those that the application gets and `kept` (-1: none), which
 * no path can lead through: sockets, namespaces, a terminal. Before anything is looked up in the
 * container: what it calls a program may be a link to /proc/self/fd/7/../../bin/sh.
 */
void process_shut_out(const struct process *process, const int *kept, size_t count);

/*
 * Looks up process.user.username in the present root, if there is one, and fills uid, gid and
 * groups; sets HOME when env has none. Before process_become() and before anything is given to
 * the user.
 */
int process_resolve_user(struct process *process, struct err *err);

/*
 * process.oomScoreAdj for another process, from outside: the runtime's own may be that of an agent
 * which the kernel shall spare.
 */
int process_set_oom_score(const struct process *process, pid_t pid, struct err *err);

/*
 * No way back: afterwards the caller is what the application will be, but for `kept`, a mask of
 * capabilities that are still permitted and effective (confine_needs()).
 */
int process_become(const struct process *process, uint64_t kept, struct err *err);

/*
 * The file that args[0] means, by the PATH of process.env, into `program`. Fails with
 * EXIT_NOT_FOUND or EXIT_CANNOT_RUN.
 */
int process_find_program(const struct process *process, char program[static PATH_MAX],
			 struct failure *failure);

/*
 * What the agent had ignored or blocked is not the business of what is executed. Before confine_enter(), as
 * process_execute() comes after it.
 */
void process_reset_signals(void);

/*
 * Returns only when execve() failed. Closes no descriptor: all above 2 must be close-on-exec;
 * process->preserve_fds of them are opened to the application.
 */
int process_execute(const struct process *process, const char *program, struct failure *failure);

#endif
