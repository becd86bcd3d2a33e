/* cgroup v1: kernel Documentation/admin-guide/cgroup-v1. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"

#define FREEZE_TRIES 200 /* of 5 ms */

/* Where v1 has no limit the file holds the largest page count: anything near 2^63. */
#define UNLIMITED_FROM (INT64_C(1) << 60)

/* Writes a limit when it was asked for; without its controller that is an error. */
static int limit(const struct cgroup *cgroup, enum cgroup_controller controller, const char *name,
		 const char *file, int64_t value, struct err *err)
{
	if (!value)
		return 0;
	if (!cgroup->mounts[controller][0])
		return value < 0 ? 0 : cgroup_lacks(name, err);
	return cgroup_write_number(cgroup, controller, file, value, err);
}

static bool has_file(const struct cgroup *cgroup, enum cgroup_controller controller,
		     const char *file)
{
	char path[CGROUP_FILE_MAX];

	cgroup_file(cgroup, controller, file, path);
	return access(path, F_OK) == 0;
}

static int apply_memory(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err)
{
	int rc = limit(cgroup, CGROUP_MEMORY, "memory", "memory.limit_in_bytes",
		       limits->memory_bytes, err);

	if (!rc)
		rc = limit(cgroup, CGROUP_MEMORY, "memory", "memory.soft_limit_in_bytes",
			   limits->memory_reservation_bytes, err);
	/* Kernels without swap accounting lack the file; the limit on memory alone holds there. */
	if (!rc && has_file(cgroup, CGROUP_MEMORY, "memory.memsw.limit_in_bytes"))
		rc = limit(cgroup, CGROUP_MEMORY, "memory", "memory.memsw.limit_in_bytes",
			   limits->memory_swap_bytes, err);
	return rc;
}

static int apply_cpu(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		     struct err *err)
{
	int rc = limit(cgroup, CGROUP_CPU, "cpu", "cpu.shares", (int64_t)limits->cpu_shares, err);

	if (!rc)
		rc = limit(cgroup, CGROUP_CPU, "cpu", "cpu.cfs_period_us",
			   (int64_t)limits->cpu_period_us, err);
	if (!rc)
		rc = limit(cgroup, CGROUP_CPU, "cpu", "cpu.cfs_quota_us", limits->cpu_quota_us,
			   err);
	return rc;
}

static void format_number(char text[static 12], int64_t number)
{
	if (number < 0)
		strcpy(text, "*");
	else
		snprintf(text, 12, "%d", (int)number);
}

static int apply_device(const struct cgroup *cgroup, const struct device_rule *rule,
			struct err *err)
{
	char major[12], minor[12], text[40];

	format_number(major, rule->major);
	format_number(minor, rule->minor);
	if (rule->type == 'a')
		strcpy(text, "a");
	else
		snprintf(text, sizeof(text), "%c %s:%s %s", rule->type, major, minor,
			 rule->access);
	return cgroup_write(cgroup, CGROUP_DEVICES, rule->allow ? "devices.allow" : "devices.deny",
			    text, err);
}

static int apply_devices(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			 struct err *err)
{
	int rc = 0;

	if (limits->device_count && !cgroup->mounts[CGROUP_DEVICES][0])
		return cgroup_lacks("devices", err);
	for (size_t i = 0; i < limits->device_count && !rc; i++)
		rc = apply_device(cgroup, &limits->devices[i], err);
	return rc;
}

int cgroup1_apply(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err)
{
	int rc = apply_memory(cgroup, limits, err);

	if (!rc)
		rc = apply_cpu(cgroup, limits, err);
	if (!rc && limits->pids < 0 && cgroup->mounts[CGROUP_PIDS][0])
		rc = cgroup_write(cgroup, CGROUP_PIDS, "pids.max", "max", err);
	else if (!rc)
		rc = limit(cgroup, CGROUP_PIDS, "pids", "pids.max", limits->pids, err);
	return rc ?: apply_devices(cgroup, limits, err);
}

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
	usage->oom_kills = cgroup_read_key(cgroup, CGROUP_MEMORY, "memory.oom_control", "oom_kill");
}
