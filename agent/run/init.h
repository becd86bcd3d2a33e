/*
 * init - what the container's first process does between clone() and execve(): it builds the
 * container around itself.
 *
 * The order matters, and each step says why where it is not obvious: namespaces, then mounts seen
 * with the host's files still there, then pivot_root, then everything that takes rights away.
 */
#ifndef AGENT_RUN_INIT_H
#define AGENT_RUN_INIT_H

#include "agent/run/bundle.h"
#include "agent/run/cgroup.h"
#include "agent/run/confine.h"
#include "agent/run/ns.h"
#include "agent/run/state.h"

struct init {
	struct bundle *bundle;
	struct state *state;	      /* for hooks */
	const struct cgroup *cgroup;
	const struct cgroup_entry *entry; /* into it */
	const struct confine *confine;
	int report;		      /* to the runtime outside */
	int start;		      /* agent/run/start.h; -1: not waited for */
	int console;		      /* where the terminal's master goes, -1: no terminal */
};

_Noreturn void init_run(struct init *init);

#endif
