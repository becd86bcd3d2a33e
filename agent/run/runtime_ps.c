/* ps: the processes of a container as the host sees them, without its ps(1). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/run/cgroup.h"
#include "agent/run/runtime.h"
#include "agent/run/state.h"
#include "lib/fd.h"
#include "lib/time.h"

#define EXIT_FAILED 1
#define PIDS_MAX 4096
#define COMMAND_MAX 4096
#define PTS_MAJOR 136

struct row {
	unsigned int uid;
	int parent, tty;
	uint64_t cpu_ticks, start_ticks;
	char command[COMMAND_MAX];
};

static int read_proc(pid_t pid, const char *name, struct buf *text)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fd_read_file(AT_FDCWD, path, text, 1024 * 1024);
}

/* proc_pid_stat(5); the name may hold anything, so what counts is behind the last ')'. */
static bool read_stat(struct row *row, pid_t pid)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	uint64_t user, system;
	const char *name, *rest;

	if (read_proc(pid, "stat", &text) < 0)
		return false;
	name = strchr(buf_text(&text), '(');
	rest = strrchr(buf_text(&text), ')');
	if (!name || !rest ||
	    sscanf(rest, ") %*c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
			 " %*d %*d %*d %*d %*d %*d %" SCNu64, &row->parent, &row->tty, &user,
		   &system, &row->start_ticks) != 5)
		return false;
	row->cpu_ticks = user + system;
	snprintf(row->command, sizeof(row->command), "[%.*s]", (int)(rest - name - 1), name + 1);
	return true;
}

static void read_uid(struct row *row, pid_t pid)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	const char *line;

	if (read_proc(pid, "status", &text) == 0 && (line = strstr(buf_text(&text), "\nUid:\t")))
		sscanf(line, "\nUid:\t%*u\t%u", &row->uid);
}

/* The container chooses the words: nothing that a terminal would take for a command. */
static void read_command(struct row *row, pid_t pid)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	size_t length;

	if (read_proc(pid, "cmdline", &text) == 0 && text.size) {
		length = text.size - 1 < COMMAND_MAX - 1 ? text.size - 1 : COMMAND_MAX - 1;
		for (size_t i = 0; i < length; i++)
			row->command[i] = text.data[i] ?: ' ';
		row->command[length] = '\0';
	}
	for (char *p = row->command; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

static void format_start(char text[static 8], int64_t started_s)
{
	time_t when = (time_t)started_s;
	struct tm tm;

	localtime_r(&when, &tm);
	strftime(text, 8, time(NULL) - when < 24 * 60 * 60 ? "%H:%M" : "%b%d", &tm);
}

/* As `ps -ef` has it. */
static void print_row(pid_t pid, const struct row *row)
{
	int64_t hz = sysconf(_SC_CLK_TCK), cpu_s = (int64_t)row->cpu_ticks / hz;
	int64_t age_s = (time_boot_ms() - (int64_t)row->start_ticks * 1000 / hz) / 1000;
	unsigned int minor = ((unsigned int)row->tty & 0xff) | ((unsigned int)row->tty >> 20) << 8;
	char start[8], tty[16] = "?";

	format_start(start, time_now_ns() / NS_PER_S - age_s);
	if ((row->tty >> 8 & 0xfff) == PTS_MAJOR)
		snprintf(tty, sizeof(tty), "pts/%u", minor);
	printf("%-8u %7d %7d %2d %5s %-8s %02d:%02d:%02d %s\n", row->uid, (int)pid, row->parent,
	       age_s > 0 ? (int)(cpu_s * 100 / age_s) : 0, start, tty, (int)(cpu_s / 3600),
	       (int)(cpu_s / 60 % 60), (int)(cpu_s % 60), row->command);
}

static void print_table(const pid_t *pids, size_t count)
{
	printf("%-8s %7s %7s %2s %5s %-8s %8s %s\n", "UID", "PID", "PPID", "C", "STIME", "TTY",
	       "TIME", "CMD");
	for (size_t i = 0; i < count; i++) {
		struct row row = { 0 };

		/* Else it has ended meanwhile. */
		if (!read_stat(&row, pids[i]))
			continue;
		read_uid(&row, pids[i]);
		read_command(&row, pids[i]);
		print_row(pids[i], &row);
	}
}

static void print_json(const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%c%d", i ? ',' : '[', (int)pids[i]);
	puts(count ? "]" : "[]");
}

static int list(const struct state *state, bool json, struct err *err)
{
	FREE_CLEANUP pid_t *pids = xcalloc(PIDS_MAX, sizeof(*pids));
	struct cgroup cgroup;
	ssize_t count;
	int rc = state_cgroup(state, &cgroup, err);

	if (rc < 0)
		return rc;
	count = cgroup_list_pids(&cgroup, pids, PIDS_MAX);
	if (count < 0)
		return err_code(err, (int)count, "list the processes of cgroup %s", cgroup.path);
	if (count > PIDS_MAX)
		count = PIDS_MAX;
	if (json)
		print_json(pids, (size_t)count);
	else
		print_table(pids, (size_t)count);
	return 0;
}

int runtime_ps(struct runtime *runtime, int argc, char **argv)
{
	static const struct option options[] = { { "format", required_argument, NULL, 'f' },
						 { 0 } };
	struct err *err = &runtime->failure.err;
	struct state state;
	bool json = false;
	int option, rc;

	/* What follows the id are ps(1)'s options, which runc passes on: here there is no ps. */
	while ((option = runtime_option(runtime, argc, argv, "+f:", options)) != -1)
		if (option != 'f' || runtime_format(runtime, optarg, &json))
			return runtime->failure.exit_code;
	if (optind == argc)
		return runtime_usage(runtime, "a container id is needed");
	rc = state_open(&state, runtime->root, argv[optind], err);
	if (!rc)
		rc = list(&state, json, err);
	state_release(&state);
	return rc < 0 ? EXIT_FAILED : 0;
}
