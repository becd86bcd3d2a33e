/*
 * listener - the descriptor through which somebody else decides about system calls of a container
 * (SCMP_ACT_NOTIFY), on its way there.
 *
 *	process in the container		runtime outside
 *	loads the filter			listener_deliver
 *	listener_hand_over: its number	->	  takes the descriptor (pidfd_getfd, Linux 5.6)
 *						  sends it to linux.seccomp.listenerPath
 *	closes it, goes on		<-
 *
 * The process can't send it itself: it sees no host path any more, and sendmsg() may be one of the
 * calls that wait for an answer.
 */
#ifndef AGENT_RUN_LISTENER_H
#define AGENT_RUN_LISTENER_H

#include "agent/run/report.h"
#include "agent/run/seccomp_profile.h"
#include "agent/run/state.h"

/* Takes `listener`. */
int listener_hand_over(int listener, int report, struct err *err);

/*
 * With the container process state of the runtime spec, as JSON. What the process reports instead of
 * a listener is in `failure`. `status`: of the container.
 */
int listener_deliver(const struct seccomp_profile *profile, const struct state *state,
		     enum state_status status, pid_t pid, int report, struct failure *failure);

#endif
