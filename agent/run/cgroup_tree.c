/* The processes in a cgroup and in those that the container made below it: list, signal, remove. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"
#include "lib/time.h"

#define KILL_TIMEOUT_MS 10000
#define DEPTH_MAX 32 /* of cgroups that a container made in its own */

/* Calls `visit` for every cgroup below and for this one, the deepest first. */
static int walk(const char *dir, int (*visit)(const char *dir, void *data), void *data, int depth)
{
	struct dirent *entry;
	DIR *list = opendir(dir);
	int rc = 0;

	if (!list)
		return -errno;
	while (!rc && (entry = readdir(list))) {
		char below[CGROUP_FILE_MAX + 256];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", dir, entry->d_name) >=
			    (int)sizeof(below) || depth >= DEPTH_MAX)
			rc = -ENAMETOOLONG;
		else
			rc = walk(below, visit, data, depth + 1);
		if (rc == -ENOENT)
			rc = 0;
	}
	closedir(list);
	return rc ?: visit(dir, data);
}

static int walk_all(const struct cgroup *cgroup, enum cgroup_controller controller,
		    int (*visit)(const char *dir, void *data), void *data)
{
	char dir[CGROUP_FILE_MAX];
	int rc;

	cgroup_file(cgroup, controller, NULL, dir);
	rc = walk(dir, visit, data, 0);
	return rc == -ENOENT ? 0 : rc;
}

struct pid_list {
	pid_t *pids;
	size_t max, count;
};

static int add_pids(const char *dir, void *data)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct pid_list *list = data;
	char path[CGROUP_FILE_MAX + 300];
	char *save = NULL;
	int rc;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	rc = fd_read_file(AT_FDCWD, path, &text, CGROUP_TEXT_MAX);
	if (rc < 0)
		return rc == -ENODEV || rc == -EOPNOTSUPP ? 0 : rc;
	for (char *line = text.size ? strtok_r(text.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		pid_t pid = atoi(line);

		if (pid > 0 && list->count < list->max)
			list->pids[list->count] = pid;
		list->count += pid > 0; /* 0: not in this pid namespace */
	}
	return 0;
}

ssize_t cgroup_list_pids(const struct cgroup *cgroup, pid_t *pids, size_t max)
{
	struct pid_list list = { .pids = pids, .max = max };
	int rc = walk_all(cgroup, cgroup_primary(cgroup), add_pids, &list);

	return rc < 0 ? rc : (ssize_t)list.count;
}

int cgroup_signal(const struct cgroup *cgroup, int signal, struct err *err)
{
	FREE_CLEANUP pid_t *pids = NULL;
	ssize_t count = cgroup_list_pids(cgroup, NULL, 0);
	ssize_t room = count + 16; /* what is forked meanwhile beyond that, the next call finds */

	if (count > 0) {
		pids = xcalloc((size_t)room, sizeof(*pids));
		count = cgroup_list_pids(cgroup, pids, (size_t)room);
	}
	if (count < 0)
		return err_code(err, (int)count, "list the processes of cgroup %s", cgroup->path);
	for (ssize_t i = 0; i < count && i < room; i++)
		if (kill(pids[i], signal) < 0 && errno != ESRCH)
			return err_sys(err, "signal process %d of cgroup %s", (int)pids[i],
				       cgroup->path);
	return count ? 0 : err_set(err, -ESRCH, "no such process: cgroup %s is empty", cgroup->path);
}

static void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static int thaw_dir(const char *dir, void *data)
{
	char path[CGROUP_FILE_MAX + 300];

	(void)data;
	snprintf(path, sizeof(path), "%s/freezer.state", dir);
	fd_write_file(AT_FDCWD, path, "THAWED");
	return 0;
}

void cgroup_thaw(const struct cgroup *cgroup)
{
	cgroup_freeze(cgroup, false, NULL);
	if (cgroup->mode == CGROUP_V1 && cgroup->mounts[CGROUP_FREEZER][0])
		walk_all(cgroup, CGROUP_FREEZER, thaw_dir, NULL);
}

static int kill_once(const struct cgroup *cgroup, struct err *err)
{
	struct err why = ERR_INIT;
	int rc;

	/* Frozen processes die only when they are thawed; where nothing can freeze, none are. */
	cgroup_thaw(cgroup);
	/* 5.14 has one file for it, against which no fork wins a race. */
	if (cgroup->mode == CGROUP_V2 &&
	    cgroup_write(cgroup, CGROUP_MEMORY, "cgroup.kill", "1", NULL) == 0)
		return 0;
	rc = cgroup_signal(cgroup, SIGKILL, &why);
	/* Gone meanwhile is as good. */
	return rc < 0 && rc != -ESRCH ? err_set(err, rc, "%s", why.text) : 0;
}

int cgroup_kill(const struct cgroup *cgroup, struct err *err)
{
	int64_t end = time_monotonic_ms() + KILL_TIMEOUT_MS;
	ssize_t left;

	for (int pause_ms = 1; (left = cgroup_list_pids(cgroup, NULL, 0)) != 0;
	     pause_ms = pause_ms < 50 ? 2 * pause_ms : 50) {
		int rc = left < 0 ? (int)left : kill_once(cgroup, err);

		if (left < 0)
			return err_code(err, rc, "list the processes of cgroup %s", cgroup->path);
		if (rc < 0)
			return rc;
		if (time_monotonic_ms() > end)
			return err_set(err, -ETIMEDOUT,
				       "%zd processes of cgroup %s do not end: they wait for a "
				       "device or a file system", left, cgroup->path);
		sleep_ms(pause_ms);
	}
	return 0;
}

/* A cgroup is busy for a moment after its last process was reaped. */
static int remove_dir(const char *dir, void *data)
{
	(void)data;
	for (int pause_ms = 1; rmdir(dir) < 0; pause_ms *= 2) {
		if (errno == ENOENT)
			return 0;
		if (errno != EBUSY || pause_ms > 500)
			return -errno;
		sleep_ms(pause_ms);
	}
	return 0;
}

/* Most often a container has made none below. */
static int remove_tree(const char *dir)
{
	int rc;

	if (rmdir(dir) == 0)
		return 0;
	rc = walk(dir, remove_dir, NULL, 0);
	return rc == -ENOENT ? 0 : rc;
}

bool cgroup_remove_empty(const struct cgroup *cgroup)
{
	char dir[CGROUP_FILE_MAX];

	cgroup_for_each(c, cgroup) {
		cgroup_file(cgroup, (enum cgroup_controller)c, NULL, dir);
		if (rmdir(dir) < 0 && errno != ENOENT)
			return false;
	}
	return true;
}

int cgroup_remove(const struct cgroup *cgroup, struct err *err)
{
	char dir[CGROUP_FILE_MAX];
	int first = 0;

	cgroup_for_each(c, cgroup) {
		int rc;

		cgroup_file(cgroup, (enum cgroup_controller)c, NULL, dir);
		rc = remove_tree(dir);
		if (rc < 0 && !first)
			first = err_code(err, rc, "remove cgroup %s%s", cgroup->mounts[c],
					cgroup->path);
	}
	return first;
}
