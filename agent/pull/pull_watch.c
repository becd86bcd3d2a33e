#include <errno.h>

#include "agent/agent.h"
#include "agent/pull/pull_parts.h"

static void stalled(struct timer *timer)
{
	struct pull *pull = timer->data;

	if (!pull->result.err.code)
		err_set(&pull->result.err, -ETIMEDOUT, "nothing has moved for %lld min: its helpers were stopped",
			(long long)(pull->stall_ms / 60000));
	pull_stop_helpers(pull);
}

void pull_watch(struct pull *pull, int64_t stall_ms)
{
	pull->stall_ms = stall_ms;
	timer_start(&pull->agent->loop, &pull->stall, stall_ms, stalled, pull);
}

void pull_moves(struct pull *pull)
{
	if (timer_is_running(&pull->stall))
		pull_watch(pull, pull->stall_ms);
}

void pull_watch_end(struct pull *pull)
{
	timer_stop(&pull->stall);
}
