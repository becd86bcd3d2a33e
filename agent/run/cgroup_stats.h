/*
 * cgroup_stats - all that a cgroup counts, for `berth runtime events`; cgroup_read_usage() is the
 * short form for what is asked often.
 */
#ifndef AGENT_RUN_CGROUP_STATS_H
#define AGENT_RUN_CGROUP_STATS_H

#include "agent/run/cgroup.h"
#include "lib/buf.h"

#define CGROUP_DISKS_MAX 32

struct disk_stats {
	int major, minor;
	int64_t read_bytes, write_bytes;
};

/* What a kernel doesn't tell, or has no limit for, is -1. */
struct cgroup_stats {
	struct cgroup_usage usage;
	int64_t cpu_user_ns, cpu_system_ns;
	int64_t periods, throttled_periods, throttled_ns;
	int64_t memory_peak_bytes, memory_failures; /* how often the limit was hit */
	int64_t memory_cache_bytes;
	int64_t swap_bytes, swap_limit_bytes; /* v1: with memory; v2: alone */
	int64_t kernel_bytes;
	int64_t pids_limit;
	struct disk_stats disks[CGROUP_DISKS_MAX];
	size_t disk_count;
	struct buf memory_stat; /* the file, "NAME NUMBER" in each line */
};

/* Release it also after an error: -ENOENT when there is no such cgroup. */
int cgroup_read_stats(const struct cgroup *cgroup, struct cgroup_stats *stats);
void cgroup_stats_release(struct cgroup_stats *stats);

/*
 * A descriptor that is readable when processes of the cgroup may have been killed for want of
 * memory: then compare usage.oom_kills, and read it empty.
 */
int cgroup_watch_oom(const struct cgroup *cgroup, struct err *err);

#endif
