#include "agent/run/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"

#define PIDS_MAX 4096 /* that are moved */

void cgroup_file(const struct cgroup *cgroup, enum cgroup_controller controller, const char *file,
		 char path[static CGROUP_FILE_MAX])
{
	snprintf(path, CGROUP_FILE_MAX, "%s%s%s%s", cgroup->mounts[controller], cgroup->path,
		 file ? "/" : "", file ?: "");
}

enum cgroup_controller cgroup_primary(const struct cgroup *cgroup)
{
	enum cgroup_controller c = 0;

	while (c < CGROUP_CONTROLLERS - 1 && !cgroup->mounts[c][0])
		c++;
	return c;
}

int cgroup_write(const struct cgroup *cgroup, enum cgroup_controller controller, const char *file,
		 const char *value, struct err *err)
{
	char path[CGROUP_FILE_MAX];
	int rc;

	cgroup_file(cgroup, controller, file, path);
	rc = fd_write_file(AT_FDCWD, path, value);
	if (rc < 0)
		return err_code(err, rc, "write \"%s\" to %s", value, path);
	return 0;
}

int cgroup_write_number(const struct cgroup *cgroup, enum cgroup_controller controller,
			const char *file, int64_t value, struct err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return cgroup_write(cgroup, controller, file, text, err);
}

static int read_file(const struct cgroup *cgroup, enum cgroup_controller controller,
		     const char *file, struct buf *out)
{
	char path[CGROUP_FILE_MAX];

	if (!cgroup->mounts[controller][0])
		return -ENOENT;
	cgroup_file(cgroup, controller, file, path);
	return fd_read_file(AT_FDCWD, path, out, CGROUP_TEXT_MAX);
}

int64_t cgroup_read_number(const struct cgroup *cgroup, enum cgroup_controller controller,
			   const char *file)
{
	char path[CGROUP_FILE_MAX];
	int64_t value;

	if (!cgroup->mounts[controller][0])
		return -1;
	cgroup_file(cgroup, controller, file, path);
	return fd_read_number(AT_FDCWD, path, &value) < 0 ? -1 : value;
}

int64_t cgroup_read_key(const struct cgroup *cgroup, enum cgroup_controller controller,
			const char *file, const char *key)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	size_t length = strlen(key);

	if (read_file(cgroup, controller, file, &text) < 0)
		return -1;
	for (const char *line = buf_text(&text); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && line[length] == ' ')
			return strtoll(line + length, NULL, 10);
	}
	return -1;
}

static bool is_repeated(const struct cgroup *cgroup, int controller)
{
	for (int i = 0; i < controller; i++)
		if (!strcmp(cgroup->mounts[i], cgroup->mounts[controller]))
			return true;
	return false;
}

static bool is_optional(int controller)
{
	return controller >= CGROUP_CPUSET && controller < CGROUP_SYSTEMD;
}

bool cgroup_has_file(const struct cgroup *cgroup, enum cgroup_controller controller,
		     const char *file)
{
	char path[CGROUP_FILE_MAX];

	cgroup_file(cgroup, controller, file, path);
	return cgroup->mounts[controller][0] && access(path, F_OK) == 0;
}

int cgroup_next_hierarchy(const struct cgroup *cgroup, int after)
{
	int c = after + 1;

	while (c < CGROUP_CONTROLLERS &&
	       (!cgroup->mounts[c][0] || is_repeated(cgroup, c) ||
		(is_optional(c) && !cgroup_has_file(cgroup, (enum cgroup_controller)c, NULL))))
		c++;
	return c;
}

/* The cgroup and those above it, from the top. */
static int make_dirs(const struct cgroup *cgroup, enum cgroup_controller controller,
		     unsigned int asked, struct err *err)
{
	struct cgroup prefix = *cgroup;
	char dir[CGROUP_FILE_MAX];

	for (char *slash = prefix.path; slash; *slash = '/') {
		int rc;

		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		cgroup_file(&prefix, controller, NULL, dir);
		rc = fd_make_dir(AT_FDCWD, dir, 0755);
		if (rc < 0)
			return err_code(err, rc, "make cgroup %s", dir);
		if (cgroup->mode == CGROUP_V1)
			cgroup1_prepare(&prefix, controller);
		if (!slash)
			return 0;
		if (cgroup->mode == CGROUP_V2)
			cgroup2_delegate(cgroup, prefix.path, asked);
	}
	return 0;
}

/* With what is above it, where that is missing. On v2 that may have to delegate more than before. */
static int make_dir(const struct cgroup *cgroup, enum cgroup_controller controller, bool replace,
		    unsigned int asked, struct err *err)
{
	bool is_v1 = cgroup->mode == CGROUP_V1;
	char dir[CGROUP_FILE_MAX];
	int rc;

	cgroup_file(cgroup, controller, NULL, dir);
	rc = is_v1 || replace ? mkdir(dir, 0755) : -1;
	if (rc < 0 && errno == EEXIST && replace) {
		if (rmdir(dir) < 0)
			return err_set(err, -EEXIST, "cgroup %s is in use: %s", dir,
				       strerror(errno));
		rc = mkdir(dir, 0755);
	}
	if (rc < 0 || !is_v1)
		return make_dirs(cgroup, controller, asked, err);
	cgroup1_prepare(cgroup, controller);
	return 0;
}

/* Into a hierarchy that the cgroup was not in so far. */
static int move_in(const struct cgroup *cgroup, enum cgroup_controller controller, struct err *err)
{
	pid_t pids[PIDS_MAX];
	ssize_t count = cgroup_list_pids(cgroup, pids, PIDS_MAX);

	for (ssize_t i = 0; i < count && i < PIDS_MAX; i++) {
		int rc = cgroup_write_number(cgroup, controller, "cgroup.procs", pids[i], err);

		if (rc < 0 && rc != -ESRCH)
			return rc;
	}
	return 0;
}

/* On v1 the hierarchies that only a limit asks for; without their controller it will say so. */
static int make_asked(const struct cgroup *cgroup, unsigned int asked, struct err *err)
{
	for (int c = 0; c < CGROUP_CONTROLLERS && cgroup->mode == CGROUP_V1; c++) {
		int rc;

		if (!(asked & 1u << c) || !cgroup->mounts[c][0] ||
		    cgroup_has_file(cgroup, (enum cgroup_controller)c, NULL))
			continue;
		rc = make_dirs(cgroup, (enum cgroup_controller)c, asked, err);
		if (!rc)
			rc = move_in(cgroup, (enum cgroup_controller)c, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What was made in the hierarchies before `end`, where nobody is in it yet. */
static void take_back(const struct cgroup *cgroup, int end)
{
	char dir[CGROUP_FILE_MAX];

	cgroup_for_each(c, cgroup) {
		if (c >= end)
			return;
		cgroup_file(cgroup, (enum cgroup_controller)c, NULL, dir);
		rmdir(dir);
	}
}

static int set_up(const struct cgroup *cgroup, const struct cgroup_limits *limits, bool replace,
		  struct err *err)
{
	unsigned int asked = cgroup_asked(limits);
	int rc;

	if (cgroup->mode == CGROUP_V2)
		cgroup2_delegate(cgroup, "", asked);
	cgroup_for_each(c, cgroup) {
		rc = make_dir(cgroup, (enum cgroup_controller)c, replace, asked, err);
		if (rc == -EEXIST)
			take_back(cgroup, c);
		if (rc < 0)
			return rc;
	}
	rc = make_asked(cgroup, asked, err);
	/* In a new one nothing is in use yet. */
	if (!rc && !replace)
		rc = cgroup_check_memory(cgroup, limits, err);
	if (rc < 0)
		return rc;
	return cgroup->mode == CGROUP_V2 ? cgroup2_apply(cgroup, limits, err) :
					   cgroup1_apply(cgroup, limits, err);
}

int cgroup_update(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err)
{
	return set_up(cgroup, limits, false, err);
}

int cgroup_create(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err)
{
	return set_up(cgroup, limits, true, err);
}

int cgroup_change_devices(const struct cgroup *cgroup, const struct device_rule *rules, size_t count,
			  size_t first, struct err *err)
{
	if (cgroup->mode == CGROUP_V2)
		return cgroup2_change_devices(cgroup, rules, count, err);
	return cgroup1_change_devices(cgroup, rules + first, count - first, err);
}

int cgroup_freeze(const struct cgroup *cgroup, bool frozen, struct err *err)
{
	return cgroup->mode == CGROUP_V2 ? cgroup2_freeze(cgroup, frozen, err) :
					   cgroup1_freeze(cgroup, frozen, err);
}

bool cgroup_is_frozen(const struct cgroup *cgroup)
{
	return cgroup->mode == CGROUP_V2 ? cgroup2_is_frozen(cgroup) : cgroup1_is_frozen(cgroup);
}

int64_t cgroup_oom_kills(const struct cgroup *cgroup)
{
	const char *file = cgroup->mode == CGROUP_V2 ? "memory.events" : "memory.oom_control";

	return cgroup_read_key(cgroup, CGROUP_MEMORY, file, "oom_kill");
}

int cgroup_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	char dir[CGROUP_FILE_MAX];

	*usage = (struct cgroup_usage){ -1, -1, -1, -1, -1, -1 };
	cgroup_file(cgroup, cgroup_primary(cgroup), NULL, dir);
	if (access(dir, F_OK) < 0)
		return -errno;
	if (cgroup->mode == CGROUP_V2)
		cgroup2_read_usage(cgroup, usage);
	else
		cgroup1_read_usage(cgroup, usage);
	usage->oom_kills = cgroup_oom_kills(cgroup);
	return 0;
}
