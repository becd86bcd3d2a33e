#include "agent/run/cgroup_stats.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"

/* Where v1 has no limit the file holds the largest page count: anything near 2^63. */
#define UNLIMITED_FROM (INT64_C(1) << 60)

/* One number of the struct: a file that holds it alone, or a line in one. */
struct source {
	size_t member;
	enum cgroup_controller controller;
	const char *file;
	const char *key; /* NULL: the file is the number */
	int64_t factor;	 /* to the unit of the member */
};

#define MEMBER(name) offsetof(struct cgroup_stats, name)

static const struct source v1[] = {
	{ MEMBER(cpu_user_ns), CGROUP_CPUACCT, "cpuacct.usage_user", NULL, 1 },
	{ MEMBER(cpu_system_ns), CGROUP_CPUACCT, "cpuacct.usage_sys", NULL, 1 },
	{ MEMBER(periods), CGROUP_CPU, "cpu.stat", "nr_periods", 1 },
	{ MEMBER(throttled_periods), CGROUP_CPU, "cpu.stat", "nr_throttled", 1 },
	{ MEMBER(throttled_ns), CGROUP_CPU, "cpu.stat", "throttled_time", 1 },
	{ MEMBER(memory_peak_bytes), CGROUP_MEMORY, "memory.max_usage_in_bytes", NULL, 1 },
	{ MEMBER(memory_failures), CGROUP_MEMORY, "memory.failcnt", NULL, 1 },
	{ MEMBER(memory_cache_bytes), CGROUP_MEMORY, "memory.stat", "total_cache", 1 },
	{ MEMBER(swap_bytes), CGROUP_MEMORY, "memory.memsw.usage_in_bytes", NULL, 1 },
	{ MEMBER(swap_limit_bytes), CGROUP_MEMORY, "memory.memsw.limit_in_bytes", NULL, 1 },
	{ MEMBER(kernel_bytes), CGROUP_MEMORY, "memory.kmem.usage_in_bytes", NULL, 1 },
	{ MEMBER(pids_limit), CGROUP_PIDS, "pids.max", NULL, 1 },
};

static const struct source v2[] = {
	{ MEMBER(cpu_user_ns), CGROUP_CPU, "cpu.stat", "user_usec", 1000 },
	{ MEMBER(cpu_system_ns), CGROUP_CPU, "cpu.stat", "system_usec", 1000 },
	{ MEMBER(periods), CGROUP_CPU, "cpu.stat", "nr_periods", 1 },
	{ MEMBER(throttled_periods), CGROUP_CPU, "cpu.stat", "nr_throttled", 1 },
	{ MEMBER(throttled_ns), CGROUP_CPU, "cpu.stat", "throttled_usec", 1000 },
	{ MEMBER(memory_peak_bytes), CGROUP_MEMORY, "memory.peak", NULL, 1 }, /* 5.19 */
	{ MEMBER(memory_failures), CGROUP_MEMORY, "memory.events", "max", 1 },
	{ MEMBER(memory_cache_bytes), CGROUP_MEMORY, "memory.stat", "file", 1 },
	{ MEMBER(swap_bytes), CGROUP_MEMORY, "memory.swap.current", NULL, 1 },
	{ MEMBER(swap_limit_bytes), CGROUP_MEMORY, "memory.swap.max", NULL, 1 },
	{ MEMBER(kernel_bytes), CGROUP_MEMORY, "memory.stat", "kernel", 1 }, /* 5.18 */
	{ MEMBER(pids_limit), CGROUP_PIDS, "pids.max", NULL, 1 },
};

static void read_numbers(const struct cgroup *cgroup, struct cgroup_stats *stats,
			 const struct source *sources, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct source *from = &sources[i];
		int64_t value = from->key ? cgroup_read_key(cgroup, from->controller, from->file,
							    from->key) :
					    cgroup_read_number(cgroup, from->controller,
							       from->file);

		if (value >= UNLIMITED_FROM)
			value = -1;
		*(int64_t *)((char *)stats + from->member) = value < 0 ? -1 : value * from->factor;
	}
}

static int read_text(const struct cgroup *cgroup, enum cgroup_controller controller,
		     const char *file, struct buf *out)
{
	char path[CGROUP_FILE_MAX];

	cgroup_file(cgroup, controller, file, path);
	return fd_read_file(AT_FDCWD, path, out, CGROUP_TEXT_MAX);
}

static struct disk_stats *find_disk(struct cgroup_stats *stats, int major, int minor)
{
	struct disk_stats *disk = stats->disks;

	for (size_t i = 0; i < stats->disk_count; i++, disk++)
		if (disk->major == major && disk->minor == minor)
			return disk;
	if (stats->disk_count == CGROUP_DISKS_MAX)
		return NULL;
	stats->disk_count++;
	*disk = (struct disk_stats){ .major = major, .minor = minor };
	return disk;
}

/* v1 has "8:0 Read 4096" in each line, v2 "8:0 rbytes=4096 wbytes=0 rios=1 ...". */
static void read_disk_line(struct cgroup_stats *stats, const char *line)
{
	struct disk_stats *disk;
	int64_t bytes, written;
	int major, minor;
	char word[16];

	if (sscanf(line, "%d:%d rbytes=%" SCNd64 " wbytes=%" SCNd64, &major, &minor, &bytes,
		   &written) == 4) {
		disk = find_disk(stats, major, minor);
		if (disk)
			disk->read_bytes = bytes, disk->write_bytes = written;
	} else if (sscanf(line, "%d:%d %15s %" SCNd64, &major, &minor, word, &bytes) == 4) {
		bool is_read = !strcmp(word, "Read"), is_write = !strcmp(word, "Write");

		disk = is_read || is_write ? find_disk(stats, major, minor) : NULL;
		if (disk)
			*(is_read ? &disk->read_bytes : &disk->write_bytes) = bytes;
	}
}

static void read_disks(const struct cgroup *cgroup, struct cgroup_stats *stats)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char *save = NULL;
	const char *file = cgroup->mode == CGROUP_V2 ?
				   "io.stat" : "blkio.throttle.io_service_bytes_recursive";

	if (!cgroup_has(cgroup, CGROUP_BLKIO) ||
	    read_text(cgroup, CGROUP_BLKIO, file, &text) < 0 || !text.size)
		return;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		read_disk_line(stats, line);
}

int cgroup_read_stats(const struct cgroup *cgroup, struct cgroup_stats *stats)
{
	int rc;

	*stats = (struct cgroup_stats){ 0 };
	rc = cgroup_read_usage(cgroup, &stats->usage);
	if (rc < 0)
		return rc;
	if (cgroup->mode == CGROUP_V2)
		read_numbers(cgroup, stats, v2, sizeof(v2) / sizeof(*v2));
	else
		read_numbers(cgroup, stats, v1, sizeof(v1) / sizeof(*v1));
	read_disks(cgroup, stats);
	if (cgroup->mounts[CGROUP_MEMORY][0])
		read_text(cgroup, CGROUP_MEMORY, "memory.stat", &stats->memory_stat);
	return 0;
}

void cgroup_stats_release(struct cgroup_stats *stats)
{
	buf_release(&stats->memory_stat);
}

/* "EVENTFD FILE" into cgroup.event_control: kernel Documentation/admin-guide/cgroup-v1/memory.rst */
static int watch_v1(const struct cgroup *cgroup, struct err *err)
{
	FD_CLEANUP int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	FD_CLEANUP int control = -1;
	char path[CGROUP_FILE_MAX], text[32];
	int rc;

	cgroup_file(cgroup, CGROUP_MEMORY, "memory.oom_control", path);
	control = open(path, O_RDONLY | O_CLOEXEC);
	if (event < 0 || control < 0)
		return err_sys(err, "watch %s", path);
	snprintf(text, sizeof(text), "%d %d", event, control);
	rc = cgroup_write(cgroup, CGROUP_MEMORY, "cgroup.event_control", text, err);
	return rc < 0 ? rc : fd_steal(&event);
}

int cgroup_watch_oom(const struct cgroup *cgroup, struct err *err)
{
	FD_CLEANUP int fd = -1;
	char path[CGROUP_FILE_MAX];

	if (!cgroup_has(cgroup, CGROUP_MEMORY))
		return cgroup_lacks("memory", err);
	if (cgroup->mode == CGROUP_V1)
		return watch_v1(cgroup, err);
	cgroup_file(cgroup, CGROUP_MEMORY, "memory.events", path);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY) < 0)
		return err_sys(err, "watch %s", path);
	return fd_steal(&fd);
}
