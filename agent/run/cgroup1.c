/* cgroup v1: kernel Documentation/admin-guide/cgroup-v1. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"

#define FREEZE_TRIES 200 /* of 5 ms */

/* Where v1 has no limit the file holds the largest page count: anything near 2^63. */
#define UNLIMITED_FROM (INT64_C(1) << 60)

static bool has_state(const struct cgroup *cgroup, const char *state)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char path[CGROUP_FILE_MAX];

	cgroup_file(cgroup, CGROUP_FREEZER, "freezer.state", path);
	return fd_read_file(AT_FDCWD, path, &text, 32) == 0 &&
	       !strncmp(buf_text(&text), state, strlen(state));
}

bool cgroup1_is_frozen(const struct cgroup *cgroup)
{
	return cgroup->mounts[CGROUP_FREEZER][0] &&
	       (has_state(cgroup, "FROZEN") || has_state(cgroup, "FREEZING"));
}

int cgroup1_freeze(const struct cgroup *cgroup, bool frozen, struct err *err)
{
	int rc;

	if (!cgroup->mounts[CGROUP_FREEZER][0])
		return cgroup_lacks("freezer", err);
	for (int i = 0; i < FREEZE_TRIES; i++) {
		/* Again and again: a fork at the wrong moment leaves the state at FREEZING. */
		rc = cgroup_write(cgroup, CGROUP_FREEZER, "freezer.state",
				  frozen ? "FROZEN" : "THAWED", err);
		if (rc < 0 || !frozen || has_state(cgroup, "FROZEN"))
			return rc;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	cgroup_write(cgroup, CGROUP_FREEZER, "freezer.state", "THAWED", NULL);
	return err_set(err, -ETIMEDOUT, "cgroup %s cannot be frozen", cgroup->path);
}

void cgroup1_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	usage->memory_bytes = cgroup_read_number(cgroup, CGROUP_MEMORY, "memory.usage_in_bytes");
	usage->memory_inactive_bytes =
		cgroup_read_key(cgroup, CGROUP_MEMORY, "memory.stat", "total_inactive_file");
	usage->memory_limit_bytes =
		cgroup_read_number(cgroup, CGROUP_MEMORY, "memory.limit_in_bytes");
	if (usage->memory_limit_bytes >= UNLIMITED_FROM)
		usage->memory_limit_bytes = -1;
	usage->cpu_ns = cgroup_read_number(cgroup, CGROUP_CPUACCT, "cpuacct.usage");
	usage->pids = cgroup_read_number(cgroup, CGROUP_PIDS, "pids.current");
	/* 4.13 and later */
}
