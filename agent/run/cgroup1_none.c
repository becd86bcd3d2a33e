/* What stands in for cgroup1.c in a berth without CONFIG_CGROUP_V1: no container starts on such a host. */
#include <errno.h>

#include "agent/run/cgroup_parts.h"

int cgroup1_apply(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err)
{
	(void)cgroup, (void)limits;
	return err_set(err, -ENOTSUP,
		       "cgroup v1: this berth was built without it (CONFIG_CGROUP_V1); boot with v2");
}

void cgroup1_prepare(const struct cgroup *cgroup, enum cgroup_controller controller)
{
	(void)cgroup, (void)controller;
}

int cgroup1_change_devices(const struct cgroup *cgroup, const struct device_rule *rules, size_t count,
			   struct err *err)
{
	(void)cgroup, (void)rules, (void)count;
	return err_set(err, -ENOTSUP, "cgroup v1: this berth was built without it");
}

bool cgroup1_is_frozen(const struct cgroup *cgroup)
{
	(void)cgroup;
	return false;
}

int cgroup1_freeze(const struct cgroup *cgroup, bool frozen, struct err *err)
{
	(void)cgroup, (void)frozen;
	return err_set(err, -ENOTSUP, "cgroup v1: this berth was built without it");
}

void cgroup1_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	(void)cgroup, (void)usage;
}
