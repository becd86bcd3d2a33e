#include "agent/run/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080 /* 5.6 */
#endif

static const struct {
	const char *name; /* in config.json */
	const char *file; /* in /proc/PID/ns */
	int flag;
} types[NS_TYPES] = {
	[NS_CGROUP] = { "cgroup", "cgroup", CLONE_NEWCGROUP },
	[NS_IPC] = { "ipc", "ipc", CLONE_NEWIPC },
	[NS_MNT] = { "mount", "mnt", CLONE_NEWNS },
	[NS_NET] = { "network", "net", CLONE_NEWNET },
	[NS_PID] = { "pid", "pid", CLONE_NEWPID },
	[NS_TIME] = { "time", "time", CLONE_NEWTIME },
	[NS_USER] = { "user", "user", CLONE_NEWUSER },
	[NS_UTS] = { "uts", "uts", CLONE_NEWUTS },
};

int ns_parse_type(const char *name)
{
	for (int i = 0; i < NS_TYPES; i++)
		if (!strcmp(name, types[i].name))
			return i;
	return -EINVAL;
}

const char *ns_name(int type)
{
	return type >= 0 && type < NS_TYPES ? types[type].name : NULL;
}

int ns_flag(enum ns_type type)
{
	return types[type].flag;
}

bool ns_is_own(const struct namespaces *namespaces, enum ns_type type)
{
	return namespaces->make[type] || namespaces->join[type];
}

bool ns_is_apart(const struct namespaces *namespaces, enum ns_type type)
{
	const char *path = namespaces->join[type];
	char own[40];
	struct stat theirs, ours;

	if (!path)
		return namespaces->make[type];
	snprintf(own, sizeof(own), "/proc/self/ns/%s", types[type].file);
	return stat(path, &theirs) < 0 || stat(own, &ours) < 0 || theirs.st_dev != ours.st_dev ||
	       theirs.st_ino != ours.st_ino;
}

int ns_open_joined(struct ns_fds *ns, const struct namespaces *namespaces, struct err *err)
{
	*ns = NS_FDS_NONE;
	for (int i = 0; i < NS_TYPES; i++) {
		const char *path = namespaces->join[i];

		if (!path)
			continue;
		ns->fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (ns->fds[i] < 0)
			return err_sys(err, "open the %s namespace %s", types[i].name, path);
	}
	return 0;
}

static bool kernel_has(const char *file)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", file);
	return access(path, F_OK) == 0;
}

/* Entering one's own namespace is refused for some types, and needless for all. */
static bool is_own(int fd, const char *file)
{
	struct stat theirs, own;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", file);
	return fstat(fd, &theirs) == 0 && stat(path, &own) == 0 &&
	       theirs.st_ino == own.st_ino && theirs.st_dev == own.st_dev;
}

int ns_open_process(struct ns_fds *ns, pid_t pid, struct err *err)
{
	char path[40];

	*ns = NS_FDS_NONE;
	for (int i = 0; i < NS_TYPES; i++) {
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, types[i].file);
		ns->fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (ns->fds[i] < 0 && errno == ENOENT && !kernel_has(types[i].file))
			continue;
		if (ns->fds[i] < 0)
			return err_sys(err, "open %s", path);
		if (is_own(ns->fds[i], types[i].file))
			fd_close(&ns->fds[i]);
	}
	return 0;
}

void ns_close(struct ns_fds *ns)
{
	for (int i = 0; i < NS_TYPES; i++)
		fd_close(&ns->fds[i]);
}

static int enter(const struct ns_fds *ns, enum ns_type type, struct err *err)
{
	if (ns->fds[type] >= 0 && setns(ns->fds[type], types[type].flag) < 0)
		return err_sys(err, "join the %s namespace", types[type].name);
	return 0;
}

int ns_enter_pid(const struct ns_fds *ns, struct err *err)
{
	return enter(ns, NS_PID, err);
}

int ns_enter(const struct ns_fds *ns, struct err *err)
{
	static const enum ns_type order[] = { NS_CGROUP, NS_IPC, NS_UTS,  NS_TIME,
					     NS_NET,	NS_MNT, NS_USER };

	int rc = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order) && !rc; i++)
		rc = enter(ns, order[i], err);
	return rc;
}
