#include "agent/run/mount_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/run/cgroup_parts.h"
#include "agent/run/mount.h"
#include "agent/run/path.h"
#include "lib/fd.h"

static int bind_own(const struct bundle_mount *mount, enum cgroup_controller controller,
		    const char *destination, int root, int target, const struct cgroup *cgroup,
		    struct err *err)
{
	char dir[CGROUP_FILE_MAX];
	int rc;

	cgroup_file(cgroup, controller, NULL, dir);
	rc = mount_bind(dir, target, 0, err);
	return rc ?: mount_change(root, destination, NULL, mount->options.flags,
				  mount->options.cleared, err);
}

static int mount_v2(const struct bundle_mount *mount_, int root, int target,
		    const struct cgroup *cgroup, bool in_namespace, struct err *err)
{
	char path[PATH_OF_FD_MAX];

	if (!in_namespace)
		return bind_own(mount_, CGROUP_MEMORY, mount_->destination, root, target, cgroup,
				err);
	if (mount("cgroup", path_of_fd(path, target), "cgroup2", mount_->options.flags, NULL) < 0)
		return err_sys(err, "mount of type cgroup2");
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int mount_hierarchy(const struct bundle_mount *mount, enum cgroup_controller controller,
			   int root, const struct cgroup *cgroup, struct err *err)
{
	FREE_CLEANUP char *destination = xasprintf("%s/%s", mount->destination,
						   base_name(cgroup->mounts[controller]));
	FD_CLEANUP int target = path_open(root, destination, PATH_MAKE_DIR | PATH_NO_LINKS, err);

	if (target < 0)
		return target;
	return bind_own(mount, controller, destination, root, target, cgroup, err);
}

/* "cpu -> cpu,cpuacct", as every distribution has it. */
static int link_controllers(const struct cgroup *cgroup, int dir, struct err *err)
{
	static const char *const names[] = { [CGROUP_CPU] = "cpu", [CGROUP_CPUACCT] = "cpuacct" };

	for (int i = CGROUP_CPU; i <= CGROUP_CPUACCT; i++) {
		const char *base = base_name(cgroup->mounts[i]);

		if (!*base || !strcmp(base, names[i]))
			continue;
		if (symlinkat(base, dir, names[i]) < 0 && errno != EEXIST)
			return err_sys(err, "link %s", names[i]);
	}
	return 0;
}

static int mount_v1(const struct bundle_mount *mount_, int root, int target,
		    const struct cgroup *cgroup, struct err *err)
{
	unsigned long flags = mount_->options.flags & ~(unsigned long)MS_RDONLY;
	FD_CLEANUP int dir = -1;
	char path[PATH_OF_FD_MAX];
	int rc = 0;

	if (mount("cgroup", path_of_fd(path, target), "tmpfs", flags, "mode=755") < 0)
		return err_sys(err, "mount a tmpfs");
	cgroup_for_each(c, cgroup) {
		rc = mount_hierarchy(mount_, (enum cgroup_controller)c, root, cgroup, err);
		if (rc < 0)
			return rc;
	}
	dir = path_open(root, mount_->destination, PATH_NO_LINKS, err);
	rc = dir < 0 ? dir : link_controllers(cgroup, dir, err);
	return rc ?: mount_change(root, mount_->destination, NULL, mount_->options.flags, 0, err);
}

int mount_cgroup(const struct bundle_mount *mount, int root, int target,
		 const struct cgroup *cgroup, bool in_namespace, struct err *err)
{
	if (!cgroup || cgroup->mode == CGROUP_NONE)
		return err_set(err, -EINVAL, "the container has no cgroup to show");
	return cgroup->mode == CGROUP_V2 ?
		       mount_v2(mount, root, target, cgroup, in_namespace, err) :
		       mount_v1(mount, root, target, cgroup, err);
}
