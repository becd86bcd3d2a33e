/*
 * budget - what all apps may use together, and what the agent's helpers may, which bring an update
 * while the apps work: two cgroups.
 *
 *	<cgroup_parent>/ID		the containers; [agent] memory and cpus hold for all of them
 *	<cgroup_parent>-helpers		fetch, decode, unpack, relink, sweep, fsck-store: pull_memory
 *					and pull_cpus, and in any case a small share of the processor
 *					beside apps that are busy
 *
 * The agent and the shims are in neither: who has to act when memory is short must not be short of
 * it. Out of memory as a whole, the kernel takes a helper first; its work is begun again.
 *
 * A kernel that lacks what is asked for is told about once for each config; everything runs then as
 * without these keys.
 */
#ifndef AGENT_BUDGET_H
#define AGENT_BUDGET_H

#include <stdbool.h>

#include "agent/loop.h"
#include "agent/run/cgroup.h"
#include "config/agent_config.h"

struct budget {
	struct loop *loop;
	const struct agent_config *config;
	struct cgroup helpers;
	bool has_helpers;
	bool was_told[2]; /* that the limits of the one, the other, do not hold */
	struct timer retry;
};

/*
 * At the start, and when the config is another one; it is borrowed until the next time. A budget
 * below what runs is refused by the kernel: so the cgroup is asked again every few seconds, until
 * what was allowed more, or uses more, has ended.
 */
void budget_apply(struct budget *budget, struct loop *loop, const struct agent_config *config);

/* In a helper, before it is executed. */
void budget_enter(const struct budget *budget);

#endif
