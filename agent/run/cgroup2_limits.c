/* linux.resources on cgroup v2: kernel Documentation/admin-guide/cgroup-v2.rst. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/run/cgroup_parts.h"
#include "agent/run/device_filter.h"
#include "lib/fd.h"
#include "lib/log.h"

#define SIZE_OF(array) (sizeof(array) / sizeof(*(array)))
#define DEFAULT_PERIOD_US 100000

static int refuse(const char *what, struct err *err)
{
	return err_set(err, -ENOTSUP, "cgroup v2 has no %s: take it out", what);
}

/* What v1 alone can do. */
static int refuse_old(const struct cgroup_limits *limits, struct err *err)
{
	if (limits->has_swappiness)
		return refuse("memory.swappiness", err);
	if (limits->disable_oom_killer)
		return refuse("memory.disableOOMKiller", err);
	if (limits->realtime_runtime_us || limits->realtime_period_us)
		return refuse("cpu.realtimeRuntime and realtimePeriod", err);
	if (limits->io_leaf_weight)
		return refuse("blockIO.leafWeight", err);
	if (limits->net_class || limits->priorities.count)
		return refuse("network.classID and priorities", err);
	return 0;
}

/* OCI counts swap together with memory, v2 counts it alone. */
static int find_swap(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		     int64_t *swap, struct err *err)
{
	int64_t memory = limits->memory_bytes ?:
				 cgroup_read_number(cgroup, CGROUP_MEMORY, "memory.max");

	*swap = limits->memory_swap_bytes;
	if (*swap <= 0)
		return 0;
	if (memory <= 0 || *swap < memory)
		return err_set(err, -EINVAL,
			       "memory swap limit %" PRId64 " without, or below, a memory limit: "
			       "it is the sum of both", *swap);
	*swap -= memory;
	return 0;
}

static int apply_memory(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err)
{
	int64_t swap = 0;
	int rc = find_swap(cgroup, limits, &swap, err);
	/* Kernels without swap lack the file; the limit on memory alone holds there. */
	bool counts_swap = cgroup_has_file(cgroup, CGROUP_MEMORY, "memory.swap.max");
	const struct cgroup_setting settings[] = {
		{ CGROUP_MEMORY, "memory.max", limits->memory_bytes, limits->memory_bytes },
		{ CGROUP_MEMORY, "memory.low", limits->memory_reservation_bytes,
		  limits->memory_reservation_bytes },
		{ CGROUP_MEMORY, "memory.swap.max", limits->memory_swap_bytes && counts_swap, swap },
	};

	return rc ?: cgroup_apply_settings(cgroup, settings, SIZE_OF(settings), err);
}

/* v1's 2..262144 onto v2's 1..10000, so that 1024 becomes 39, as runc and crun do it. */
static int64_t weight_of_shares(uint64_t shares)
{
	if (shares < 2)
		shares = 2;
	return (int64_t)(1 + ((shares - 2) * 9999) / 262142);
}

/* "QUOTA PERIOD"; the quota alone leaves the period as it is. */
static int apply_quota(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		       struct err *err)
{
	int64_t quota = limits->cpu_quota_us;
	char text[64], *end = text;

	if (!quota && !limits->cpu_period_us)
		return 0;
	if (quota < 0 && !cgroup_has_file(cgroup, CGROUP_CPU, "cpu.max"))
		return 0;
	if (!cgroup_has(cgroup, CGROUP_CPU))
		return cgroup_lacks("cpu", err);
	if (!quota)
		quota = cgroup_read_number(cgroup, CGROUP_CPU, "cpu.max");
	end += quota < 0 ? sprintf(end, "max") : sprintf(end, "%" PRId64, quota);
	if (limits->cpu_period_us)
		sprintf(end, " %" PRIu64, limits->cpu_period_us);
	return cgroup_write(cgroup, CGROUP_CPU, "cpu.max", text, err);
}

static int apply_cpu(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		     struct err *err)
{
	/* While a cgroup is idle its weight cannot be changed. */
	const struct cgroup_setting settings[] = {
		{ CGROUP_CPU, "cpu.idle", limits->has_cpu_idle && !limits->cpu_idle, 0 },
		{ CGROUP_CPU, "cpu.weight", limits->cpu_shares,
		  weight_of_shares(limits->cpu_shares) },
		{ CGROUP_CPU, "cpu.idle", limits->has_cpu_idle && limits->cpu_idle, 1 },
		{ CGROUP_CPU, "cpu.max.burst", limits->has_cpu_burst, limits->cpu_burst_us },
	};
	int rc = cgroup_shrink_burst(cgroup, "cpu.max.burst", limits, err) ?:
		 apply_quota(cgroup, limits, err);

	return rc ?: cgroup_apply_settings(cgroup, settings, SIZE_OF(settings), err);
}

/* --- block devices ---------------------------------------------------------------------------- */

/* BFQ takes OCI's numbers; io.weight (iocost) has 1..10000 for 10..1000, as runc and crun do it. */
static int write_weight(const struct cgroup *cgroup, const char *device, int64_t weight,
			struct err *err)
{
	bool is_bfq = cgroup_has_file(cgroup, CGROUP_BLKIO, "io.bfq.weight");
	char text[64];

	if (!is_bfq && !cgroup_has_file(cgroup, CGROUP_BLKIO, "io.weight"))
		return err_set(err, -ENOTSUP,
			       "blockIO: the kernel has no io.weight: it needs the I/O scheduler BFQ "
			       "or iocost; take the weight out");
	if (!is_bfq && weight >= 10)
		weight = 1 + (weight - 10) * 9999 / 990;
	snprintf(text, sizeof(text), "%s %" PRId64, device, weight);
	return cgroup_write(cgroup, CGROUP_BLKIO, is_bfq ? "io.bfq.weight" : "io.weight", text,
			    err);
}

static int apply_io_rule(const struct cgroup *cgroup, const struct io_rule *rule, struct err *err)
{
	static const char *const words[] = {
		[IO_READ_BPS] = "rbps",
		[IO_WRITE_BPS] = "wbps",
		[IO_READ_IOPS] = "riops",
		[IO_WRITE_IOPS] = "wiops",
	};
	char device[32], line[80];

	snprintf(device, sizeof(device), "%d:%d", (int)rule->major, (int)rule->minor);
	if (rule->kind == IO_WEIGHT)
		return write_weight(cgroup, device, rule->value, err);
	if (rule->kind == IO_LEAF_WEIGHT)
		return refuse("blockIO.weightDevice.leafWeight", err);
	if (rule->value)
		snprintf(line, sizeof(line), "%s %s=%" PRId64, device, words[rule->kind],
			 rule->value);
	else
		snprintf(line, sizeof(line), "%s %s=max", device, words[rule->kind]);
	return cgroup_write(cgroup, CGROUP_BLKIO, "io.max", line, err);
}

static int apply_io(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		    struct err *err)
{
	int rc = 0;

	if (!limits->io_weight && !limits->io_rule_count)
		return 0;
	if (!cgroup_has(cgroup, CGROUP_BLKIO))
		return cgroup_lacks("io", err);
	if (limits->io_weight)
		rc = write_weight(cgroup, "default", limits->io_weight, err);
	for (size_t i = 0; i < limits->io_rule_count && !rc; i++)
		rc = apply_io_rule(cgroup, &limits->io_rules[i], err);
	return rc;
}

/* --- the rest --------------------------------------------------------------------------------- */

/* A value of several lines is written line by line: such files take one at a time. */
static int write_lines(const struct cgroup *cgroup, const struct limit_line *line, struct err *err)
{
	FREE_CLEANUP char *text = xstrdup(line->value);
	char *save = NULL;
	int rc = 0;

	if (!cgroup_has_file(cgroup, CGROUP_MEMORY, line->name))
		return err_set(err, -ENOTSUP, "unified: there is no %s in cgroup %s: is its "
					      "controller there?", line->name, cgroup->path);
	if (!strchr(text, '\n'))
		return cgroup_write(cgroup, CGROUP_MEMORY, line->name, text, err);
	for (char *one = strtok_r(text, "\n", &save); one && !rc; one = strtok_r(NULL, "\n", &save))
		rc = cgroup_write(cgroup, CGROUP_MEMORY, line->name, one, err);
	return rc;
}

static int apply_others(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err)
{
	const struct cgroup_setting pids = { CGROUP_PIDS, "pids.max", limits->pids, limits->pids };
	int rc = cgroup_apply_settings(cgroup, &pids, 1, err) ?:
		 cgroup_apply_hugepages(cgroup, "max", &limits->hugepages, err) ?:
		 cgroup_apply_lines(cgroup, CGROUP_RDMA, "rdma.max", &limits->rdma, err);

	/* Last: who names a file itself means what it says. */
	for (size_t i = 0; i < limits->unified.count && !rc; i++)
		rc = write_lines(cgroup, &limits->unified.items[i], err);
	return rc;
}

int cgroup2_change_devices(const struct cgroup *cgroup, const struct device_rule *rules, size_t count,
			   struct err *err)
{
	char dir[CGROUP_FILE_MAX];

	cgroup_file(cgroup, CGROUP_MEMORY, NULL, dir);
	return device_filter_attach(dir, rules, count, err);
}

int cgroup2_apply(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err)
{
	struct err local = ERR_INIT;
	int rc = refuse_old(limits, err) ?: apply_memory(cgroup, limits, err) ?:
		 apply_cpu(cgroup, limits, err) ?: cgroup_apply_cpuset(cgroup, limits, err) ?:
		 apply_io(cgroup, limits, err) ?: apply_others(cgroup, limits, err);

	if (rc < 0 || !limits->device_count)
		return rc;
	rc = cgroup2_change_devices(cgroup, limits->devices, limits->device_count,
				    limits->implied_devices ? &local : err);
	if (rc == 0 || !limits->implied_devices)
		return rc;
	log_warn("all devices are open to the container: %s", local.text);
	return 0;
}
