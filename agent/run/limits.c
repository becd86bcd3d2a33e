#include "agent/run/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/run/bundle_read.h"
#include "lib/fd.h"

#define SIZE_OF(array) (sizeof(array) / sizeof(*(array)))
#define LINES_MAX 64 /* of one kind */

static int read_rule(const json_t *object, void *item, struct err *err)
{
	struct device_rule *rule = item;
	const char *type = "a", *access = "rwm";

	rule->major = rule->minor = -1;
	if (json_get_bool(object, "allow", &rule->allow, err) < 0 ||
	    json_get_string(object, "type", &type, err) < 0 ||
	    json_get_string(object, "access", &access, err) < 0 ||
	    read_range(object, "major", -1, INT32_MAX, &rule->major, err) < 0 ||
	    read_range(object, "minor", -1, INT32_MAX, &rule->minor, err) < 0)
		return -EINVAL;
	if (!*type)
		type = "a";
	if (strlen(type) != 1 || !strchr("abcu", *type))
		return err_set(err, -EINVAL, "\"type\" is \"%s\", not a, b or c", type);
	rule->type = *type == 'u' ? 'c' : *type;
	if (strlen(access) > 3 || strspn(access, "rwm") != strlen(access))
		return err_set(err, -EINVAL, "\"access\" is \"%s\", not some of rwm", access);
	strcpy(rule->access, *access ? access : "rwm");
	return 0;
}

static int read_memory(struct cgroup_limits *limits, const json_t *resources, struct err *err)
{
	json_t *memory;
	int rc = json_get_object(resources, "memory", &memory, err);

	if (rc <= 0)
		return rc;
	rc = read_range(memory, "swappiness", 0, 100, &limits->swappiness, err);
	limits->has_swappiness = rc > 0;
	if (rc < 0 || read_range(memory, "limit", -1, INT64_MAX, &limits->memory_bytes, err) < 0 ||
	    read_range(memory, "swap", -1, INT64_MAX, &limits->memory_swap_bytes, err) < 0 ||
	    read_range(memory, "reservation", -1, INT64_MAX, &limits->memory_reservation_bytes,
		       err) < 0 ||
	    json_get_bool(memory, "disableOOMKiller", &limits->disable_oom_killer, err) < 0 ||
	    json_get_bool(memory, "checkBeforeUpdate", &limits->check_before_update, err) < 0)
		return err_context(err, "memory");
	return 0;
}

int limits_check_set(const char *text, struct err *err)
{
	if (strlen(text) > 1024 || strspn(text, "0123456789,-") != strlen(text))
		return err_set(err, -EINVAL, "\"%.100s\" is not a list such as 0-2,7", text);
	return 0;
}

static int read_set(const json_t *cpu, const char *name, char **out, struct err *err)
{
	int rc = read_copy(cpu, name, out, err);

	if (rc > 0 && limits_check_set(*out, err) < 0)
		return err_context(err, "\"%s\"", name);
	return rc;
}

static int read_cpu(struct cgroup_limits *limits, const json_t *resources, struct err *err)
{
	int64_t shares = 0, period = 0, realtime_period = 0;
	json_t *cpu;
	int rc = json_get_object(resources, "cpu", &cpu, err), burst, idle;

	if (rc <= 0)
		return rc;
	burst = read_range(cpu, "burst", 0, INT64_MAX / 1000, &limits->cpu_burst_us, err);
	idle = burst < 0 ? burst : read_range(cpu, "idle", 0, 1, &limits->cpu_idle, err);
	if (burst < 0 || idle < 0 || read_range(cpu, "shares", 0, 262144, &shares, err) < 0 ||
	    read_range(cpu, "quota", -1, INT64_MAX / 1000, &limits->cpu_quota_us, err) < 0 ||
	    read_range(cpu, "period", 0, 1000000, &period, err) < 0 ||
	    read_range(cpu, "realtimeRuntime", -1, INT64_MAX / 1000, &limits->realtime_runtime_us,
		       err) < 0 ||
	    read_range(cpu, "realtimePeriod", 0, INT64_MAX / 1000, &realtime_period, err) < 0 ||
	    read_set(cpu, "cpus", &limits->cpus, err) < 0 ||
	    read_set(cpu, "mems", &limits->mems, err) < 0)
		return err_context(err, "cpu");
	limits->has_cpu_burst = burst > 0;
	limits->has_cpu_idle = idle > 0;
	limits->cpu_shares = (uint64_t)shares;
	limits->cpu_period_us = (uint64_t)period;
	limits->realtime_period_us = (uint64_t)realtime_period;
	return 0;
}

static int read_pids(struct cgroup_limits *limits, const json_t *resources, struct err *err)
{
	json_t *pids;
	int rc = json_get_object(resources, "pids", &pids, err);

	if (rc > 0 && read_range(pids, "limit", -1, INT32_MAX, &limits->pids, err) < 0)
		return err_context(err, "pids");
	return rc;
}

/* --- block devices ---------------------------------------------------------------------------- */

static void add_io_rule(struct cgroup_limits *limits, struct io_rule rule)
{
	limits->io_rules = xrealloc(limits->io_rules,
				    (limits->io_rule_count + 1) * sizeof(*limits->io_rules));
	limits->io_rules[limits->io_rule_count++] = rule;
}

static int read_io_rule(struct cgroup_limits *limits, const json_t *object, struct io_rule rule,
			const char *member, struct err *err)
{
	bool is_weight = rule.kind == IO_WEIGHT || rule.kind == IO_LEAF_WEIGHT;
	int rc;

	if (!json_is_object(object))
		return err_set(err, -EINVAL, "not an object");
	if (read_range(object, "major", 0, 0xfff, &rule.major, err) < 0 ||
	    read_range(object, "minor", 0, 0xfffff, &rule.minor, err) < 0)
		return -EINVAL;
	rc = read_range(object, member, is_weight ? 10 : -1, is_weight ? 1000 : INT64_MAX,
			&rule.value, err);
	if (rule.value < 0)
		rule.value = 0; /* as 2^64 - 1: no limit */
	if (rc > 0)
		add_io_rule(limits, rule);
	else if (!rc && !is_weight)
		return err_set(err, -EINVAL, "\"%s\" is missing", member);
	return rc < 0 ? rc : 0;
}

static int read_block_io(struct cgroup_limits *limits, const json_t *resources, struct err *err)
{
	static const struct {
		const char *list, *member;
	} lists[] = {
		[IO_WEIGHT] = { "weightDevice", "weight" },
		[IO_LEAF_WEIGHT] = { "weightDevice", "leafWeight" },
		[IO_READ_BPS] = { "throttleReadBpsDevice", "rate" },
		[IO_WRITE_BPS] = { "throttleWriteBpsDevice", "rate" },
		[IO_READ_IOPS] = { "throttleReadIOPSDevice", "rate" },
		[IO_WRITE_IOPS] = { "throttleWriteIOPSDevice", "rate" },
	};
	json_t *io, *list, *item;
	size_t at;
	int rc = json_get_object(resources, "blockIO", &io, err);

	if (rc <= 0)
		return rc;
	if (read_range(io, "weight", 0, 1000, &limits->io_weight, err) < 0 ||
	    read_range(io, "leafWeight", 0, 1000, &limits->io_leaf_weight, err) < 0)
		return err_context(err, "blockIO");
	for (size_t kind = 0; kind < SIZE_OF(lists); kind++) {
		rc = json_get_array(io, lists[kind].list, &list, err);
		if (rc < 0)
			return err_context(err, "blockIO");
		if (!rc)
			continue;
		json_array_foreach(list, at, item)
			if (read_io_rule(limits, item, (struct io_rule){ .kind = kind },
					 lists[kind].member, err) < 0)
				return err_context(err, "blockIO: %s[%zu]", lists[kind].list, at);
	}
	return 0;
}

/* --- files of lines --------------------------------------------------------------------------- */

/* Takes the value; names become parts of paths and of lines. */
static int add_line(struct limit_lines *lines, const char *name, char *value, struct err *err)
{
	FREE_CLEANUP char *owned = value;

	if (!*name || strlen(name) > 64 || strpbrk(name, "/\n ") || *name == '.')
		return err_set(err, -EINVAL, "\"%.100s\" is not a name", name);
	if (lines->count == LINES_MAX)
		return err_set(err, -E2BIG, "more than %d entries", LINES_MAX);
	lines->items = xrealloc(lines->items, (lines->count + 1) * sizeof(*lines->items));
	lines->items[lines->count++] =
		(struct limit_line){ xstrdup(name), steal_pointer(&owned) };
	return 0;
}

static int read_hugepage(struct cgroup_limits *limits, const json_t *object, struct err *err)
{
	const char *size = "";
	int64_t bytes; /* -1: no limit, as 2^64 - 1, which the kernel takes as well */
	int rc = read_range(object, "limit", -1, INT64_MAX, &bytes, err);

	if (rc < 0 || json_get_string(object, "pageSize", &size, err) < 0)
		return -EINVAL;
	if (!rc)
		return err_set(err, -EINVAL, "\"limit\" is missing");
	return add_line(&limits->hugepages, size, xasprintf("%" PRIu64, (uint64_t)bytes), err);
}

static int read_priority(struct cgroup_limits *limits, const json_t *object, struct err *err)
{
	const char *name = "";
	int64_t priority = 0;

	if (json_get_string(object, "name", &name, err) < 0 ||
	    read_range(object, "priority", 0, UINT32_MAX, &priority, err) < 0)
		return -EINVAL;
	return add_line(&limits->priorities, name, xasprintf("%" PRId64, priority), err);
}

static int read_each(struct cgroup_limits *limits, const json_t *object, const char *name,
		     int (*read)(struct cgroup_limits *limits, const json_t *object,
				 struct err *err),
		     struct err *err)
{
	json_t *array, *item;
	size_t i;
	int rc = json_get_array(object, name, &array, err);

	if (rc <= 0)
		return rc;
	json_array_foreach(array, i, item) {
		rc = json_is_object(item) ? read(limits, item, err) :
					    err_set(err, -EINVAL, "not an object");
		if (rc < 0)
			return err_context(err, "%s[%zu]", name, i);
	}
	return 0;
}

static int read_network(struct cgroup_limits *limits, const json_t *resources, struct err *err)
{
	json_t *network;
	int rc = json_get_object(resources, "network", &network, err);

	if (rc <= 0)
		return rc;
	if (read_range(network, "classID", 0, UINT32_MAX, &limits->net_class, err) < 0 ||
	    read_each(limits, network, "priorities", read_priority, err) < 0)
		return err_context(err, "network");
	return 0;
}

static int read_rdma_device(struct cgroup_limits *limits, const char *name, const json_t *object,
			    struct err *err)
{
	int64_t handles = -1, objects = -1;
	char text[80] = "", *end = text;

	if (!json_is_object(object))
		return err_set(err, -EINVAL, "not an object");
	if (read_range(object, "hcaHandles", 0, UINT32_MAX, &handles, err) < 0 ||
	    read_range(object, "hcaObjects", 0, UINT32_MAX, &objects, err) < 0)
		return -EINVAL;
	if (handles < 0 && objects < 0)
		return err_set(err, -EINVAL, "hcaHandles or hcaObjects is needed");
	if (handles >= 0)
		end += sprintf(end, " hca_handle=%" PRId64, handles);
	if (objects >= 0)
		sprintf(end, " hca_object=%" PRId64, objects);
	return add_line(&limits->rdma, name, xstrdup(text + 1), err);
}

static int read_rdma(struct cgroup_limits *limits, const json_t *resources, struct err *err)
{
	const char *name;
	json_t *rdma, *device;
	int rc = json_get_object(resources, "rdma", &rdma, err);

	if (rc <= 0)
		return rc;
	json_object_foreach(rdma, name, device)
		if (read_rdma_device(limits, name, device, err) < 0)
			return err_context(err, "rdma: %.64s", name);
	return 0;
}

/*
 * Files of controllers, "memory.high". Those of the core move processes and freeze: not limits,
 * but for cgroup.max.depth and cgroup.max.descendants.
 */
static int read_unified(struct cgroup_limits *limits, const json_t *resources, struct err *err)
{
	const char *file;
	json_t *unified, *value;
	int rc = json_get_object(resources, "unified", &unified, err);

	if (rc <= 0)
		return rc;
	json_object_foreach(unified, file, value) {
		if (!json_is_string(value))
			return err_set(err, -EINVAL, "unified: \"%.64s\" is not a string", file);
		if (!strchr(file, '.') ||
		    (!strncmp(file, "cgroup.", 7) && strncmp(file, "cgroup.max.", 11)))
			return err_set(err, -EINVAL,
				       "unified: \"%.64s\" is not a controller's file", file);
		if (add_line(&limits->unified, file, xstrdup(json_string_value(value)), err) < 0)
			return err_context(err, "unified");
	}
	return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

int limits_read(struct cgroup_limits *limits, const json_t *resources, struct err *err)
{
	if (read_memory(limits, resources, err) < 0 || read_cpu(limits, resources, err) < 0 ||
	    read_pids(limits, resources, err) < 0 || read_block_io(limits, resources, err) < 0 ||
	    read_network(limits, resources, err) < 0 ||
	    read_each(limits, resources, "hugepageLimits", read_hugepage, err) < 0 ||
	    read_rdma(limits, resources, err) < 0 || read_unified(limits, resources, err) < 0 ||
	    read_list(resources, "devices", sizeof(*limits->devices), (void **)&limits->devices,
		      &limits->device_count, read_rule, err) < 0)
		return -EINVAL;
	return 0;
}

static void release_lines(struct limit_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		free(lines->items[i].name);
		free(lines->items[i].value);
	}
	free(lines->items);
}

void limits_release(struct cgroup_limits *limits)
{
	free(limits->cpus);
	free(limits->mems);
	free(limits->io_rules);
	free(limits->devices);
	release_lines(&limits->priorities);
	release_lines(&limits->hugepages);
	release_lines(&limits->rdma);
	release_lines(&limits->unified);
	*limits = (struct cgroup_limits){ 0 };
}
