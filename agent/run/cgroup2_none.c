/* What stands in for cgroup2.c in a berth without CONFIG_CGROUP_V2: no container starts on such a host. */
#include <errno.h>

#include "agent/run/cgroup_parts.h"

void cgroup2_delegate(const struct cgroup *cgroup, const char *path, unsigned int asked)
{
	(void)cgroup, (void)path, (void)asked;
}

int cgroup2_apply(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err)
{
	(void)cgroup, (void)limits;
	return err_set(err, -ENOTSUP,
		       "cgroup v2: this berth was built without it (CONFIG_CGROUP_V2); boot with v1");
}

int cgroup2_freeze(const struct cgroup *cgroup, bool frozen, struct err *err)
{
	(void)cgroup, (void)frozen;
	return err_set(err, -ENOTSUP, "cgroup v2: this berth was built without it");
}

void cgroup2_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	(void)cgroup, (void)usage;
}

int cgroup2_change_devices(const struct cgroup *cgroup, const struct device_rule *rules, size_t count,
			   struct err *err)
{
	(void)cgroup, (void)rules, (void)count;
	return err_set(err, -ENOTSUP, "cgroup v2: this berth was built without it");
}

bool cgroup2_is_frozen(const struct cgroup *cgroup)
{
	(void)cgroup;
	return false;
}
