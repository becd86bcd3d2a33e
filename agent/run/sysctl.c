#include "agent/run/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/fd.h"

static const struct {
	const char *name; /* ends with '.': all below */
	enum ns_type type;
} owned[] = {
	{ "kernel.msgmax", NS_IPC },	{ "kernel.msgmnb", NS_IPC },
	{ "kernel.msgmni", NS_IPC },	{ "kernel.sem", NS_IPC },
	{ "kernel.shmall", NS_IPC },	{ "kernel.shmmax", NS_IPC },
	{ "kernel.shmmni", NS_IPC },	{ "kernel.shm_rmid_forced", NS_IPC },
	{ "fs.mqueue.", NS_IPC },	{ "net.", NS_NET },
	{ "kernel.domainname", NS_UTS },
};

/* "net.ipv4.conf.eth0/1.mtu" and "net/ipv4/conf/eth0.1/mtu" are the same: sysctl(8). */
static int to_path(const char *name, char path[static PATH_MAX])
{
	bool dots = strcspn(name, ".") < strcspn(name, "/");
	size_t length = strlen(name);

	if (length + 1 > PATH_MAX || *name == '/' || *name == '.' || strstr(name, "..") ||
	    strstr(name, "//"))
		return -EINVAL;
	for (size_t i = 0; i <= length; i++)
		path[i] = dots && name[i] == '.' ? '/' : dots && name[i] == '/' ? '.' : name[i];
	return strstr(path, "/..") || strstr(path, "/./") ? -EINVAL : 0;
}

/* Is the sysctl of this path the one, or below the one, that `name` stands for? */
static bool matches(const char *path, const char *name)
{
	size_t i = 0;

	for (; name[i]; i++)
		if (path[i] != (name[i] == '.' ? '/' : name[i]))
			return false;
	return !path[i] || name[i - 1] == '.';
}

static int check(const struct bundle *bundle, const char *name, struct err *err)
{
	const struct namespaces *ns = &bundle->namespaces;
	char path[PATH_MAX];

	if (to_path(name, path) < 0)
		return err_set(err, -EINVAL, "linux.sysctl: \"%s\" is not a name", name);
	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++) {
		if (!matches(path, owned[i].name))
			continue;
		if (ns_is_apart(ns, owned[i].type))
			return 0;
		return err_set(err, -EINVAL,
			       "linux.sysctl: %s would be the host's: the container shares that "
			       "namespace", name);
	}
	if (!strcmp(path, "kernel/hostname"))
		return err_set(err, -EINVAL, "linux.sysctl: %s: use hostname", name);
	return err_set(err, -EINVAL,
		       "linux.sysctl: %s belongs to no namespace: it would be the host's", name);
}

int sysctl_check(const struct bundle *bundle, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < bundle->sysctl_count && !rc; i++)
		rc = check(bundle, bundle->sysctls[i].name, err);
	return rc;
}

int sysctl_apply(const struct bundle *bundle, struct err *err)
{
	FD_CLEANUP int dir = -1;
	char path[PATH_MAX];

	if (!bundle->sysctl_count)
		return 0;
	dir = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "open /proc/sys");
	for (size_t i = 0; i < bundle->sysctl_count; i++) {
		const struct bundle_sysctl *sysctl = &bundle->sysctls[i];
		int rc = to_path(sysctl->name, path);

		if (!rc)
			rc = fd_write_file(dir, path, sysctl->value);
		if (rc < 0)
			return err_code(err, rc, "linux.sysctl: %s = %s", sysctl->name,
				       sysctl->value);
	}
	return 0;
}
