#include "agent/budget.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"

#define PERIOD_US 100000
#define HELPERS_SHARES 64 /* of the 1024 that all apps together have */
#define HELPERS_OOM_SCORE "500"
#define RETRY_MS 5000

enum { APPS, HELPERS };

/* 0 in the config is "no limit" here: it may have been another before. */
static struct cgroup_limits limits_of(int64_t memory_bytes, int64_t cpus_milli)
{
	return (struct cgroup_limits){
		.memory_bytes = memory_bytes ?: -1,
		.cpu_quota_us = cpus_milli ? cpus_milli * PERIOD_US / 1000 : -1,
		.cpu_period_us = cpus_milli ? PERIOD_US : 0,
	};
}

static void tell(struct budget *budget, int which, const struct err *err)
{
	static const char *const texts[] = {
		[APPS] = "[agent] memory and cpus do not hold for the apps",
		[HELPERS] = "pulls are not held back beside busy apps",
	};

	if (!budget->was_told[which])
		log_warn("%s: %s", texts[which], err->text);
	budget->was_told[which] = true;
}

/* 0, or why not; nothing to do is 0. */
static int limit_apps(struct budget *budget, struct err *err)
{
	const struct agent_config *config = budget->config;
	const struct cgroup_limits limits = limits_of(config->memory_bytes, config->cpus_milli);
	bool is_limited = config->memory_bytes || config->cpus_milli;
	struct cgroup_usage usage;
	struct cgroup apps;
	int rc = cgroup_init(&apps, config->cgroup_parent, is_limited ? err : NULL);

	/* Without limits there is something to do only where an agent before this one had some. */
	if (!is_limited && (rc < 0 || cgroup_read_usage(&apps, &usage) < 0))
		return 0;
	return rc ?: cgroup_update(&apps, &limits, err);
}

static void try_apps(struct timer *timer)
{
	struct budget *budget = timer->data;
	struct err err = ERR_INIT;
	int rc = limit_apps(budget, &err);

	if (rc < 0)
		tell(budget, APPS, &err);
	else if (budget->was_told[APPS])
		log_info("[agent] memory and cpus hold for the apps now");
	/* Containers that may have more (v1), or memory that is in use: that can change. */
	if (rc == -EINVAL || rc == -EBUSY)
		timer_start(budget->loop, timer, RETRY_MS, try_apps, budget);
}

static void limit_helpers(struct budget *budget)
{
	const struct agent_config *config = budget->config;
	const char *parent = strcmp(config->cgroup_parent, "/") ? config->cgroup_parent : "/berth";
	FREE_CLEANUP char *path = xasprintf("%s-helpers", parent);
	struct cgroup_limits limits = limits_of(config->pull_memory_bytes, config->pull_cpus_milli);
	struct cgroup_usage usage;
	struct err err = ERR_INIT;
	int rc = cgroup_init(&budget->helpers, path, &err);

	limits.memory_swap_bytes = limits.memory_bytes;
	limits.cpu_shares = HELPERS_SHARES;
	if (!rc)
		rc = cgroup_update(&budget->helpers, &limits, &err);
	if (rc < 0)
		tell(budget, HELPERS, &err);
	/* Some of the limits may hold all the same. */
	budget->has_helpers = budget->helpers.mode != CGROUP_NONE &&
			      cgroup_read_usage(&budget->helpers, &usage) == 0;
}

void budget_apply(struct budget *budget, struct loop *loop, const struct agent_config *config)
{
	budget->loop = loop;
	budget->config = config;
	budget->was_told[APPS] = budget->was_told[HELPERS] = false;
	limit_helpers(budget);
	timer_stop(&budget->retry);
	budget->retry.data = budget;
	try_apps(&budget->retry);
}

void budget_enter(const struct budget *budget)
{
	/* Both may fail, in a container of somebody else for one: then it works as it is. */
	fd_write_file(AT_FDCWD, "/proc/self/oom_score_adj", HELPERS_OOM_SCORE);
	if (budget->has_helpers)
		cgroup_enter(&budget->helpers, NULL);
}
