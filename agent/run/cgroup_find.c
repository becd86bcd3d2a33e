/* Which cgroup hierarchies there are, and where a process is in them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/run/cgroup_parts.h"
#include "lib/fd.h"

static const struct {
	const char *option; /* in the mount's options, and in /proc/PID/cgroup */
} controllers[CGROUP_CONTROLLERS] = {
	[CGROUP_MEMORY] = { "memory" },	  [CGROUP_CPU] = { "cpu" },
	[CGROUP_CPUACCT] = { "cpuacct" }, [CGROUP_PIDS] = { "pids" },
	[CGROUP_DEVICES] = { "devices" }, [CGROUP_FREEZER] = { "freezer" },
	[CGROUP_BLKIO] = { "blkio" },	  [CGROUP_CPUSET] = { "cpuset" },
	[CGROUP_HUGETLB] = { "hugetlb" }, [CGROUP_NET_CLS] = { "net_cls" },
	[CGROUP_NET_PRIO] = { "net_prio" }, [CGROUP_RDMA] = { "rdma" },
	[CGROUP_SYSTEMD] = { "name=systemd" },
};

const char *cgroup_controller_name(enum cgroup_controller controller, enum cgroup_mode mode)
{
	bool is_io = controller == CGROUP_BLKIO && mode == CGROUP_V2;

	return is_io ? "io" : controllers[controller].option;
}

/* Is `word` one of the comma-separated words of `list`? */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (;; list++) {
		if (!strncmp(list, word, length) && (list[length] == ',' || !list[length]))
			return true;
		list = strchr(list, ',');
		if (!list)
			return false;
	}
}

static void keep_mount(char kept[static CGROUP_MOUNT_MAX], const char *point)
{
	if (!kept[0] && strlen(point) < CGROUP_MOUNT_MAX)
		strcpy(kept, point);
}

/* A line of mountinfo: "36 35 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory" */
static void read_mount_line(struct cgroup *cgroup, char unified[static CGROUP_MOUNT_MAX],
			    const char *line)
{
	char point[PATH_MAX], type[32], options[512];
	const char *rest = strstr(line, " - ");

	/* Of a hundred lines a few: the others cost no scanf. */
	if (!rest || strncmp(rest, " - cgroup", 9) ||
	    sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 ||
	    sscanf(rest, " - %31s %*s %511s", type, options) != 2)
		return;
	if (!strcmp(type, "cgroup2"))
		keep_mount(unified, point);
	if (strcmp(type, "cgroup"))
		return;
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		if (has_word(options, controllers[i].option))
			keep_mount(cgroup->mounts[i], point);
}

static bool has_controllers(const struct cgroup *cgroup)
{
	for (int i = 0; i < CGROUP_SYSTEMD; i++)
		if (cgroup->mounts[i][0])
			return true;
	return false;
}

static int detect(struct cgroup *cgroup, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char unified[CGROUP_MOUNT_MAX] = "";
	char *line, *next;
	int rc = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", &text, CGROUP_TEXT_MAX);

	*cgroup = (struct cgroup){ .mode = CGROUP_NONE };
	if (rc < 0)
		return err_code(err, rc, "read /proc/self/mountinfo");
	for (line = text.data; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		read_mount_line(cgroup, unified, line);
	}
	if (has_controllers(cgroup)) {
		cgroup->mode = CGROUP_V1;
	} else if (unified[0]) {
		cgroup->mode = CGROUP_V2;
		for (int i = 0; i < CGROUP_CONTROLLERS; i++)
			strcpy(cgroup->mounts[i], unified);
	} else {
		return err_set(err, -ENOTSUP,
			       "no cgroup file system is mounted on /sys/fs/cgroup: mount cgroup2, "
			       "or the v1 controllers, at boot");
	}
	return 0;
}

static bool has_dots(const char *path)
{
	for (const char *p = path; (p = strstr(p, "/.")); p++)
		if (p[2] == '/' || !p[2] || (p[2] == '.' && (p[3] == '/' || !p[3])))
			return true;
	return false;
}

static int set_path(struct cgroup *cgroup, const char *path, struct err *err)
{
	int length;

	while (*path == '/')
		path++;
	length = snprintf(cgroup->path, sizeof(cgroup->path), "/%s", path);
	while (length > 1 && length < CGROUP_PATH_MAX && cgroup->path[length - 1] == '/')
		cgroup->path[--length] = '\0';
	if (length >= CGROUP_PATH_MAX || length == 1 || has_dots(cgroup->path))
		return err_set(err, -EINVAL,
			       "cgroup path \"%s\": it must have 1 to %d characters and no \"..\"",
			       path, CGROUP_PATH_MAX - 2);
	return 0;
}

int cgroup_init(struct cgroup *cgroup, const char *path, struct err *err)
{
	int rc = detect(cgroup, err);

	return rc < 0 ? rc : set_path(cgroup, path, err);
}

/* A line of /proc/PID/cgroup is "4:memory:/berth/id", on v2 "0::/berth/id". */
int cgroup_init_of(struct cgroup *cgroup, pid_t pid, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	const char *wanted;
	char file[32], *save = NULL;
	int rc = detect(cgroup, err);

	if (rc < 0)
		return rc;
	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	rc = fd_read_file(AT_FDCWD, file, &text, CGROUP_TEXT_MAX);
	if (rc < 0)
		return err_set(err, -ESRCH, "read %s: %s", file, strerror(-rc));
	wanted = cgroup->mode == CGROUP_V2 ? "" : controllers[cgroup_primary(cgroup)].option;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		if (has_word(names + 1, wanted))
			return set_path(cgroup, path, err);
	}
	return err_set(err, -ESRCH, "%s does not name the process's cgroup", file);
}
