/* cgroup v2: kernel Documentation/admin-guide/cgroup-v2.rst. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/run/cgroup_parts.h"
#include "agent/run/device_filter.h"
#include "lib/fd.h"

#define FREEZE_TRIES 400 /* of 5 ms */
#define DEFAULT_PERIOD_US 100000

/* v2 has one hierarchy; the controller only chooses the mount, which is the same for all. */
#define ROOT CGROUP_MEMORY

void cgroup2_delegate(const struct cgroup *cgroup, const char *path)
{
	static const char *const wanted[] = { "+memory", "+cpu", "+pids" };
	char file[CGROUP_FILE_MAX];

	snprintf(file, sizeof(file), "%s%s/cgroup.subtree_control", cgroup->mounts[ROOT], path);
	/*
	 * One by one, so that a missing one does not take the others along; limits check it later.
	 */
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		fd_write_file(AT_FDCWD, file, wanted[i]);
}

static bool has_controller(const struct cgroup *cgroup, const char *name)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char path[CGROUP_FILE_MAX], *save = NULL;

	cgroup_file(cgroup, ROOT, "cgroup.controllers", path);
	if (fd_read_file(AT_FDCWD, path, &text, 4096) < 0 || !text.size)
		return false;
	for (char *word = strtok_r(text.data, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save))
		if (!strcmp(word, name))
			return true;
	return false;
}

/* 0: there; 1: missing, and nothing but "no limit" was asked for. */
static int need(const struct cgroup *cgroup, const char *name, bool limited, struct err *err)
{
	if (has_controller(cgroup, name))
		return 0;
	return limited ? cgroup_lacks(name, err) : 1;
}

static int write_max(const struct cgroup *cgroup, const char *file, int64_t value, struct err *err)
{
	if (value < 0)
		return cgroup_write(cgroup, ROOT, file, "max", err);
	return cgroup_write_number(cgroup, ROOT, file, value, err);
}

/* OCI counts swap together with memory, v2 counts it alone. */
static int apply_swap(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		      struct err *err)
{
	int64_t swap = limits->memory_swap_bytes;
	int rc;

	if (!swap)
		return 0;
	if (swap > 0) {
		if (limits->memory_bytes <= 0 || swap < limits->memory_bytes)
			return err_set(err, -EINVAL,
				       "memory swap limit %" PRId64 " without, or below, a memory "
				       "limit: it is the sum of both", swap);
		swap -= limits->memory_bytes;
	}
	rc = write_max(cgroup, "memory.swap.max", swap, err);
	/* Kernels without swap lack the file; the limit on memory alone holds there. */
	return rc == -ENOENT ? 0 : rc;
}

static int apply_memory(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err)
{
	int rc;

	if (!limits->memory_bytes && !limits->memory_swap_bytes &&
	    !limits->memory_reservation_bytes)
		return 0;
	rc = need(cgroup, "memory", limits->memory_bytes > 0, err);
	if (rc)
		return rc < 0 ? rc : 0;
	if (limits->memory_bytes)
		rc = write_max(cgroup, "memory.max", limits->memory_bytes, err);
	if (!rc && limits->memory_reservation_bytes)
		rc = write_max(cgroup, "memory.low", limits->memory_reservation_bytes, err);
	return rc ?: apply_swap(cgroup, limits, err);
}

/* v1's 2..262144 onto v2's 1..10000, so that 1024 becomes 39, as runc and crun do it. */
static int64_t weight_of_shares(uint64_t shares)
{
	if (shares < 2)
		shares = 2;
	return (int64_t)(1 + ((shares - 2) * 9999) / 262142);
}

static int apply_cpu(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		     struct err *err)
{
	uint64_t period = limits->cpu_period_us ?: DEFAULT_PERIOD_US;
	char text[64];
	int rc;

	if (!limits->cpu_shares && !limits->cpu_quota_us)
		return 0;
	rc = need(cgroup, "cpu", limits->cpu_shares || limits->cpu_quota_us > 0, err);
	if (rc)
		return rc < 0 ? rc : 0;
	if (limits->cpu_shares)
		rc = cgroup_write_number(cgroup, ROOT, "cpu.weight",
					 weight_of_shares(limits->cpu_shares), err);
	if (rc < 0 || !limits->cpu_quota_us)
		return rc;
	if (limits->cpu_quota_us < 0)
		snprintf(text, sizeof(text), "max %" PRIu64, period);
	else
		snprintf(text, sizeof(text), "%" PRId64 " %" PRIu64, limits->cpu_quota_us, period);
	return cgroup_write(cgroup, ROOT, "cpu.max", text, err);
}

static int apply_pids(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		      struct err *err)
{
	int rc;

	if (!limits->pids)
		return 0;
	rc = need(cgroup, "pids", limits->pids > 0, err);
	if (rc)
		return rc < 0 ? rc : 0;
	return write_max(cgroup, "pids.max", limits->pids, err);
}

int cgroup2_apply(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err)
{
	char dir[CGROUP_FILE_MAX];
	int rc = apply_memory(cgroup, limits, err);

	if (!rc)
		rc = apply_cpu(cgroup, limits, err);
	if (!rc)
		rc = apply_pids(cgroup, limits, err);
	if (rc < 0 || !limits->device_count)
		return rc;
	cgroup_file(cgroup, ROOT, NULL, dir);
	return device_filter_attach(dir, limits->devices, limits->device_count, err);
}

int cgroup2_freeze(const struct cgroup *cgroup, bool frozen, struct err *err)
{
	int rc = cgroup_write(cgroup, ROOT, "cgroup.freeze", frozen ? "1" : "0", err);

	for (int i = 0; !rc && frozen && i < FREEZE_TRIES; i++) {
		if (cgroup_read_key(cgroup, ROOT, "cgroup.events", "frozen") == 1)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	if (rc < 0 || !frozen)
		return rc;
	cgroup_write(cgroup, ROOT, "cgroup.freeze", "0", NULL);
	return err_set(err, -ETIMEDOUT, "cgroup %s cannot be frozen", cgroup->path);
}

bool cgroup2_is_frozen(const struct cgroup *cgroup)
{
	return cgroup_read_number(cgroup, ROOT, "cgroup.freeze") == 1;
}

void cgroup2_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	int64_t cpu_us = cgroup_read_key(cgroup, ROOT, "cpu.stat", "usage_usec");

	usage->memory_bytes = cgroup_read_number(cgroup, ROOT, "memory.current");
	usage->memory_inactive_bytes =
		cgroup_read_key(cgroup, ROOT, "memory.stat", "inactive_file");
	usage->memory_limit_bytes = cgroup_read_number(cgroup, ROOT, "memory.max");
	usage->cpu_ns = cpu_us < 0 ? -1 : cpu_us * 1000;
	usage->pids = cgroup_read_number(cgroup, ROOT, "pids.current");
	usage->oom_kills = cgroup_read_key(cgroup, ROOT, "memory.events", "oom_kill");
}
