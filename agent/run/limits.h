/*
 * limits - linux.resources of config.json (runtime-spec 1.1, config-linux.md "Control groups") as
 * a struct: what a cgroup is asked for, in the units of OCI, which are mostly those of v1.
 *
 *	limits_read(&limits, resources, err);
 *	cgroup_create(&cgroup, &limits, err);
 *	limits_release(&limits);
 *
 * All zero asks for nothing. Which kernel can do what is found out when it is written; what the
 * cgroup version has no word for is an error then, never left out. memory.kernel and
 * memory.kernelTCP are the exception: the spec says not to use them, kernels ignore them.
 */
#ifndef AGENT_RUN_LIMITS_H
#define AGENT_RUN_LIMITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* One rule of linux.resources.devices; the last rule that fits decides. */
struct device_rule {
	bool allow;
	char type;     /* 'a' all, 'b', 'c' */
	int64_t major; /* -1: any */
	int64_t minor; /* -1: any */
	char access[4]; /* some of "rwm" */
};

enum io_kind { IO_WEIGHT, IO_LEAF_WEIGHT, IO_READ_BPS, IO_WRITE_BPS, IO_READ_IOPS, IO_WRITE_IOPS };

/* One entry of one of the lists in linux.resources.blockIO. */
struct io_rule {
	enum io_kind kind;
	int64_t major, minor;
	int64_t value; /* bytes or operations a second (0: no limit), or the weight */
};

/* A line of a file of lines, such as "rdma.max": "DEVICE hca_handle=3". */
struct limit_line {
	char *name; /* a file for `unified`, else a page size, an interface or a device */
	char *value;
};

struct limit_lines {
	struct limit_line *items;
	size_t count;
};

struct cgroup_limits {
	int64_t memory_bytes;	   /* -1: no limit */
	int64_t memory_swap_bytes; /* memory and swap together, as OCI has it; -1: no limit */
	int64_t memory_reservation_bytes;
	bool has_swappiness;
	int64_t swappiness; /* 0..100 */
	bool disable_oom_killer;
	bool check_before_update; /* a limit below the usage is refused even if it could be made */
	uint64_t cpu_shares; /* 2..262144, v1's unit */
	int64_t cpu_quota_us;
	uint64_t cpu_period_us;
	bool has_cpu_burst, has_cpu_idle;
	int64_t cpu_burst_us;
	int64_t cpu_idle; /* 1: only when nobody else wants it */
	int64_t realtime_runtime_us;
	uint64_t realtime_period_us;
	char *cpus, *mems; /* lists such as "0-2,7"; NULL: not asked */
	int64_t pids; /* -1: no limit */
	int64_t io_weight, io_leaf_weight; /* 10..1000 */
	struct io_rule *io_rules;
	size_t io_rule_count;
	int64_t net_class;	       /* net_cls.classid */
	struct limit_lines priorities; /* of network interfaces */
	struct limit_lines hugepages;  /* "2MB" and bytes */
	struct limit_lines rdma;
	struct limit_lines unified; /* v2's own files */
	struct device_rule *devices;
	size_t device_count;
	bool implied_devices; /* nobody has asked for them: no reason to fail on a kernel that can't */
};

/* Fills it; release it also after an error. */
int limits_read(struct cgroup_limits *limits, const json_t *resources, struct err *err);
void limits_release(struct cgroup_limits *limits);

/* "0-3,8": what a cpuset takes. */
int limits_check_set(const char *text, struct err *err);

#endif
