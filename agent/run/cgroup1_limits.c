/* linux.resources on cgroup v1: kernel Documentation/admin-guide/cgroup-v1. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"

#define SIZE_OF(array) (sizeof(array) / sizeof(*(array)))

/* --- what a new directory needs --------------------------------------------------------------- */

/* Copied from the cgroup above, which has it by then. */
static void inherit(const struct cgroup *cgroup, const char *file)
{
	BUF_CLEANUP struct buf own = BUF_INIT, above = BUF_INIT;
	struct cgroup parent = *cgroup;
	char path[CGROUP_FILE_MAX];

	cgroup_file(cgroup, CGROUP_CPUSET, file, path);
	if (fd_read_file(AT_FDCWD, path, &own, CGROUP_TEXT_MAX) < 0 || own.size > 1)
		return;
	*strrchr(parent.path, '/') = '\0';
	cgroup_file(&parent, CGROUP_CPUSET, file, path);
	if (fd_read_file(AT_FDCWD, path, &above, CGROUP_TEXT_MAX) == 0)
		cgroup_write(cgroup, CGROUP_CPUSET, file, buf_text(&above), NULL);
}

void cgroup1_prepare(const struct cgroup *cgroup, enum cgroup_controller controller)
{
	const char *mount = cgroup->mounts[controller];

	/* All in one hierarchy is how small systems mount them. */
	if (!strcmp(mount, cgroup->mounts[CGROUP_CPUSET])) {
		inherit(cgroup, "cpuset.cpus");
		inherit(cgroup, "cpuset.mems");
	}
	/* Until 5.11 a limit held for the cgroups below only with it, which they take over. */
	if (!strcmp(mount, cgroup->mounts[CGROUP_MEMORY]) && !strchr(cgroup->path + 1, '/'))
		cgroup_write(cgroup, CGROUP_MEMORY, "memory.use_hierarchy", "1", NULL);
}

/* --- limits ----------------------------------------------------------------------------------- */

static int apply_memory(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err)
{
	/* Kernels without swap accounting lack the file; the limit on memory alone holds there. */
	bool counts_swap = cgroup_has_file(cgroup, CGROUP_MEMORY, "memory.memsw.limit_in_bytes");
	const struct cgroup_setting sums[] = {
		{ CGROUP_MEMORY, "memory.limit_in_bytes", limits->memory_bytes,
		  limits->memory_bytes },
		{ CGROUP_MEMORY, "memory.memsw.limit_in_bytes",
		  limits->memory_swap_bytes && counts_swap, limits->memory_swap_bytes },
	};
	const struct cgroup_setting others[] = {
		{ CGROUP_MEMORY, "memory.soft_limit_in_bytes", limits->memory_reservation_bytes,
		  limits->memory_reservation_bytes },
		{ CGROUP_MEMORY, "memory.swappiness", limits->has_swappiness, limits->swappiness },
		{ CGROUP_MEMORY, "memory.oom_control", limits->disable_oom_killer, 1 },
	};
	int rc = cgroup_apply_pair(cgroup, sums, err);

	return rc ?: cgroup_apply_settings(cgroup, others, SIZE_OF(others), err);
}

static int apply_cpu(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		     struct err *err)
{
	const struct cgroup_setting quota[] = {
		{ CGROUP_CPU, "cpu.cfs_period_us", limits->cpu_period_us,
		  (int64_t)limits->cpu_period_us },
		{ CGROUP_CPU, "cpu.cfs_quota_us", limits->cpu_quota_us, limits->cpu_quota_us },
	};
	/* While a cgroup is idle its shares cannot be changed. */
	const struct cgroup_setting others[] = {
		{ CGROUP_CPU, "cpu.cfs_burst_us", limits->has_cpu_burst, limits->cpu_burst_us },
		{ CGROUP_CPU, "cpu.rt_period_us", limits->realtime_period_us,
		  (int64_t)limits->realtime_period_us },
		{ CGROUP_CPU, "cpu.rt_runtime_us", limits->realtime_runtime_us,
		  limits->realtime_runtime_us },
		{ CGROUP_CPU, "cpu.idle", limits->has_cpu_idle && !limits->cpu_idle, 0 },
		{ CGROUP_CPU, "cpu.shares", limits->cpu_shares, (int64_t)limits->cpu_shares },
		{ CGROUP_CPU, "cpu.idle", limits->has_cpu_idle && limits->cpu_idle, 1 },
	};
	int rc = cgroup_shrink_burst(cgroup, "cpu.cfs_burst_us", limits, err) ?:
		 cgroup_apply_pair(cgroup, quota, err);

	return rc ?: cgroup_apply_settings(cgroup, others, SIZE_OF(others), err);
}

/* The weights belong to CFQ before 5.0, to BFQ since; each has its own file. BFQ knows no leaves. */
static int write_weight(const struct cgroup *cgroup, const char *name, const char *suffix,
			const char *value, struct err *err)
{
	char file[64];

	snprintf(file, sizeof(file), "blkio.bfq.%s%s", name, suffix);
	if (!cgroup_has_file(cgroup, CGROUP_BLKIO, file))
		snprintf(file, sizeof(file), "blkio.%s%s", name, suffix);
	if (!cgroup_has_file(cgroup, CGROUP_BLKIO, file))
		return err_set(err, -ENOTSUP,
			       "blockIO: the kernel has no %s: it needs the I/O scheduler %s; take the %s out",
			       file, *name == 'l' ? "CFQ, which went with Linux 5.0" : "BFQ", name);
	return cgroup_write(cgroup, CGROUP_BLKIO, file, value, err);
}

static int apply_io_rule(const struct cgroup *cgroup, const struct io_rule *rule, struct err *err)
{
	static const char *const files[] = {
		[IO_READ_BPS] = "blkio.throttle.read_bps_device",
		[IO_WRITE_BPS] = "blkio.throttle.write_bps_device",
		[IO_READ_IOPS] = "blkio.throttle.read_iops_device",
		[IO_WRITE_IOPS] = "blkio.throttle.write_iops_device",
	};
	char line[80];

	snprintf(line, sizeof(line), "%d:%d %" PRId64, (int)rule->major, (int)rule->minor,
		 rule->value);
	if (rule->kind == IO_WEIGHT || rule->kind == IO_LEAF_WEIGHT)
		return write_weight(cgroup, rule->kind == IO_WEIGHT ? "weight" : "leaf_weight",
				    "_device", line, err);
	return cgroup_write(cgroup, CGROUP_BLKIO, files[rule->kind], line, err);
}

static int apply_io(const struct cgroup *cgroup, const struct cgroup_limits *limits,
		    struct err *err)
{
	char text[24];
	int rc = 0;

	if (!limits->io_weight && !limits->io_leaf_weight && !limits->io_rule_count)
		return 0;
	if (!cgroup_has(cgroup, CGROUP_BLKIO))
		return cgroup_lacks("blkio", err);
	snprintf(text, sizeof(text), "%" PRId64, limits->io_weight);
	if (limits->io_weight)
		rc = write_weight(cgroup, "weight", "", text, err);
	snprintf(text, sizeof(text), "%" PRId64, limits->io_leaf_weight);
	if (!rc && limits->io_leaf_weight)
		rc = write_weight(cgroup, "leaf_weight", "", text, err);
	for (size_t i = 0; i < limits->io_rule_count && !rc; i++)
		rc = apply_io_rule(cgroup, &limits->io_rules[i], err);
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

int cgroup1_change_devices(const struct cgroup *cgroup, const struct device_rule *rules, size_t count,
			   struct err *err)
{
	int rc = 0;

	if (count && !cgroup->mounts[CGROUP_DEVICES][0])
		return cgroup_lacks("devices", err);
	for (size_t i = 0; i < count && !rc; i++)
		rc = apply_device(cgroup, &rules[i], err);
	return rc;
}

static int apply_others(const struct cgroup *cgroup, const struct cgroup_limits *limits,
			struct err *err)
{
	const struct cgroup_setting settings[] = {
		{ CGROUP_PIDS, "pids.max", limits->pids, limits->pids },
		{ CGROUP_NET_CLS, "net_cls.classid", limits->net_class, limits->net_class },
	};
	int rc = cgroup_apply_settings(cgroup, settings, SIZE_OF(settings), err);

	if (!rc)
		rc = cgroup_apply_lines(cgroup, CGROUP_NET_PRIO, "net_prio.ifpriomap",
					&limits->priorities, err);
	if (!rc)
		rc = cgroup_apply_hugepages(cgroup, "limit_in_bytes", &limits->hugepages, err);
	return rc ?: cgroup_apply_lines(cgroup, CGROUP_RDMA, "rdma.max", &limits->rdma, err);
}

int cgroup1_apply(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err)
{
	int rc;

	if (limits->unified.count)
		return err_set(err, -ENOTSUP,
			       "unified: %s belongs to cgroup v2, this host has v1: take it out",
			       limits->unified.items[0].name);
	rc = apply_memory(cgroup, limits, err) ?: apply_cpu(cgroup, limits, err) ?:
	     cgroup_apply_cpuset(cgroup, limits, err) ?: apply_io(cgroup, limits, err) ?:
	     apply_others(cgroup, limits, err);
	if (rc < 0 || (limits->implied_devices && !cgroup_has(cgroup, CGROUP_DEVICES)))
		return rc;
	return cgroup1_change_devices(cgroup, limits->devices, limits->device_count, err);
}
