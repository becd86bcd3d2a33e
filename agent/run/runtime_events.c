/* events: what a container uses, again and again, and when the kernel killed for want of memory. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/run/cgroup_stats.h"
#include "agent/run/runtime.h"
#include "agent/run/state.h"
#include "config/units.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/time.h"

#define EXIT_FAILED 1
#define DEFAULT_INTERVAL_MS 5000
#define LOOK_MS 1000 /* where the kernel tells nothing by itself */

/* --- JSON as runc has it ---------------------------------------------------------------------- */

struct number {
	const char *name;
	int64_t value; /* -1: not known, left out */
};

static json_t *numbers(const struct number *list, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		if (list[i].value >= 0)
			json_object_set_new(object, list[i].name, json_integer(list[i].value));
	return object;
}

#define NUMBERS(...) \
	numbers((const struct number[]){ __VA_ARGS__ }, \
		sizeof((const struct number[]){ __VA_ARGS__ }) / sizeof(struct number))

static json_t *describe_cpu(const struct cgroup_stats *stats)
{
	return json_pack("{s:o, s:o}", "usage",
			 NUMBERS({ "total", stats->usage.cpu_ns }, { "user", stats->cpu_user_ns },
				 { "kernel", stats->cpu_system_ns }),
			 "throttling",
			 NUMBERS({ "periods", stats->periods },
				 { "throttledPeriods", stats->throttled_periods },
				 { "throttledTime", stats->throttled_ns }));
}

/* "NAME NUMBER" in each line */
static json_t *describe_raw(const struct buf *text)
{
	json_t *raw = json_object();
	char name[64];
	int64_t value;
	int length;

	for (const char *p = buf_text(text);
	     sscanf(p, "%63s %" SCNd64 "%n", name, &value, &length) == 2; p += length)
		json_object_set_new(raw, name, json_integer(value));
	return raw;
}

static json_t *describe_memory(const struct cgroup_stats *stats)
{
	const struct cgroup_usage *usage = &stats->usage;
	int64_t limit = usage->memory_limit_bytes < 0 ? INT64_MAX : usage->memory_limit_bytes;

	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "cache",
			 (json_int_t)(stats->memory_cache_bytes < 0 ? 0 :
				      stats->memory_cache_bytes), "usage",
			 NUMBERS({ "limit", limit }, { "usage", usage->memory_bytes },
				 { "max", stats->memory_peak_bytes },
				 { "failcnt", stats->memory_failures }),
			 "swap", NUMBERS({ "limit", stats->swap_limit_bytes },
					 { "usage", stats->swap_bytes }),
			 "kernel", NUMBERS({ "usage", stats->kernel_bytes }), "raw",
			 describe_raw(&stats->memory_stat));
}

static void add_disk(json_t *list, const struct disk_stats *disk, const char *op, int64_t bytes)
{
	json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:I}", "major", disk->major, "minor",
					      disk->minor, "op", op, "value", (json_int_t)bytes));
}

static json_t *describe_disks(const struct cgroup_stats *stats)
{
	json_t *list = json_array();

	for (size_t i = 0; i < stats->disk_count; i++) {
		add_disk(list, &stats->disks[i], "Read", stats->disks[i].read_bytes);
		add_disk(list, &stats->disks[i], "Write", stats->disks[i].write_bytes);
	}
	return json_pack("{s:o}", "ioServiceBytesRecursive", list);
}

static json_t *describe(const struct cgroup_stats *stats)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "cpu", describe_cpu(stats), "memory",
			 describe_memory(stats), "pids",
			 NUMBERS({ "current", stats->usage.pids },
				 { "limit", stats->pids_limit < 0 ? 0 : stats->pids_limit }),
			 "blkio", describe_disks(stats));
}

static void print_event(const char *type, const char *id, json_t *data)
{
	JSON_CLEANUP json_t *event = json_pack("{s:s, s:s}", "type", type, "id", id);
	BUF_CLEANUP struct buf line = BUF_INIT;

	if (data)
		json_object_set_new(event, "data", data);
	json_append(&line, event);
	puts(buf_text(&line));
	fflush(stdout); /* whoever is behind a pipe waits for it */
}

/* --- watching --------------------------------------------------------------------------------- */

struct watching {
	const struct state *state;
	struct cgroup cgroup;
	int pidfd; /* -1: a kernel before 5.3 */
	int oom;   /* -1: the kernel does not tell by itself */
	int64_t oom_kills;
	int64_t interval_ms;
};

static int print_stats(const struct watching *watching, struct err *err)
{
	struct cgroup_stats stats;
	int rc = cgroup_read_stats(&watching->cgroup, &stats);

	if (!rc)
		print_event("stats", watching->state->id, describe(&stats));
	cgroup_stats_release(&stats);
	return rc < 0 ? err_code(err, rc, "read the counters of cgroup %s",
				watching->cgroup.path) : 0;
}

static void tell_ooms(struct watching *watching, bool was_told)
{
	struct cgroup_usage usage;

	if (cgroup_read_usage(&watching->cgroup, &usage) < 0)
		return;
	/* v1 counts since 4.13 */
	if (usage.oom_kills > watching->oom_kills || (usage.oom_kills < 0 && was_told))
		print_event("oom", watching->state->id, NULL);
	watching->oom_kills = usage.oom_kills;
}

static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

/* Until then, or the end of the container. True: it has ended. */
static bool wait_until(struct watching *watching, int64_t until_ms)
{
	struct pollfd fds[] = { { .fd = watching->pidfd, .events = POLLIN },
				{ .fd = watching->oom, .events = POLLIN } };
	bool is_told = watching->pidfd >= 0 && watching->oom >= 0;
	int64_t left;

	while ((left = until_ms - time_monotonic_ms()) > 0) {
		int timeout = (int)(!is_told && left > LOOK_MS ? LOOK_MS : left);

		poll(fds, 2, timeout);
		if (fds[1].revents)
			drain(watching->oom);
		tell_ooms(watching, fds[1].revents);
		if (fds[0].revents || state_find_status(watching->state) == STATE_STOPPED)
			return true;
	}
	return false;
}

static int watch(struct watching *watching, struct err *err)
{
	struct cgroup_usage usage;
	int64_t next = time_monotonic_ms();
	int rc;

	if (cgroup_read_usage(&watching->cgroup, &usage) == 0)
		watching->oom_kills = usage.oom_kills;
	do {
		rc = print_stats(watching, err);
		if (rc < 0)
			return rc;
		next += watching->interval_ms;
	} while (!wait_until(watching, next));
	return 0;
}

static int show(const struct state *state, bool once, int64_t interval_ms, struct err *err)
{
	FD_CLEANUP int pidfd = state_pidfd(state, err);
	FD_CLEANUP int oom = -1;
	struct watching watching = { .state = state, .interval_ms = interval_ms };
	int rc;

	if (pidfd < 0 && pidfd != -ENOSYS)
		return pidfd;
	rc = state_cgroup(state, &watching.cgroup, err);
	if (rc < 0)
		return rc;
	if (once)
		return print_stats(&watching, err);
	oom = cgroup_watch_oom(&watching.cgroup, NULL);
	watching.pidfd = pidfd < 0 ? -1 : pidfd;
	watching.oom = oom < 0 ? -1 : oom;
	return watch(&watching, err);
}

/* "5s", or a number of seconds */
static int take_interval(struct runtime *runtime, const char *text, int64_t *interval_ms)
{
	int64_t seconds;

	if (number_parse(text, 1, 86400, &seconds, NULL) == 0)
		*interval_ms = seconds * 1000;
	else if (duration_parse_ms(text, interval_ms, NULL) < 0 || *interval_ms < 1000)
		return runtime_usage(runtime, "--interval %s: use seconds, such as 5 or 5s", text);
	return 0;
}

int runtime_events(struct runtime *runtime, int argc, char **argv)
{
	static const struct option options[] = { { "stats", no_argument, NULL, 's' },
						 { "interval", required_argument, NULL, 'i' },
						 { 0 } };
	struct err *err = &runtime->failure.err;
	int64_t interval_ms = DEFAULT_INTERVAL_MS;
	struct state state;
	bool once = false;
	const char *id;
	int option, rc;

	while ((option = runtime_option(runtime, argc, argv, "", options)) != -1) {
		if (option == 's')
			once = true;
		else if (option != 'i' || take_interval(runtime, optarg, &interval_ms))
			return runtime->failure.exit_code;
	}
	id = runtime_id(runtime, argc, argv);
	if (!id)
		return runtime->failure.exit_code;
	rc = state_open(&state, runtime->root, id, err);
	if (!rc)
		rc = show(&state, once, interval_ms, err);
	state_release(&state);
	return rc < 0 ? EXIT_FAILED : 0;
}
