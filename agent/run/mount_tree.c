#include "agent/run/mount_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/run/path.h"
#include "agent/run/userns.h"
#include "lib/fd.h"
#include "lib/sys.h"

int mount_tree_open(const char *source, bool recursive, struct err *err)
{
	FD_CLEANUP int tree = sys_open_tree(AT_FDCWD, source,
					    TREE_CLONE | (recursive ? TREE_RECURSIVE : 0));
	const struct sys_mount_attr attr = { .propagation = MS_SLAVE };

	if (tree < 0)
		return err_sys(err, "bind mount of %s", source);
	/* Before 5.12 what init mounts in it later may be seen by the host, too: init cuts it off. */
	if (sys_mount_setattr(tree, true, &attr) < 0 && errno != ENOSYS)
		return err_sys(err, "cut %s off from propagation", source);
	return fd_steal(&tree);
}

int mount_tree_shift(int tree, int userns, bool recursive, const char *what, struct err *err)
{
	const struct sys_mount_attr attr = { .set = ATTR_IDMAP, .userns_fd = (uint64_t)userns };

	if (sys_mount_setattr(tree, recursive, &attr) == 0)
		return 0;
	if (errno == ENOSYS)
		return err_set(err, -ENOSYS,
			       "shift the owners of %s: idmapped mounts need Linux 5.12", what);
	if (errno == EINVAL)
		return err_set(err, -EINVAL,
			       "shift the owners of %s: its file system has no idmapped mounts (ext4, "
			       "xfs, btrfs, f2fs have; tmpfs since Linux 6.3)", what);
	return err_sys(err, "shift the owners of %s", what);
}

int mount_tree_attach(int tree, int target, struct err *err)
{
	return sys_move_mount(tree, target) < 0 ? err_sys(err, "attach the mount") : 0;
}

int mount_tree_cut_off(int tree, struct err *err)
{
	static const struct sys_mount_attr none;
	char path[PATH_OF_FD_MAX];

	if (sys_mount_setattr(tree, false, &none) == 0 || errno != ENOSYS)
		return 0;
	if (mount(NULL, path_of_fd(path, tree), NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_sys(err, "cut the mount off from propagation");
	return 0;
}

/* Its own mappings, else the container's. */
static int open_userns(const struct bundle *bundle, const struct bundle_mount *mount, int joined,
		       struct err *err)
{
	int fd;

	if (mount->uid_maps.count)
		return userns_open(&mount->uid_maps, &mount->gid_maps, err);
	if (bundle->uid_maps.count)
		return userns_open(&bundle->uid_maps, &bundle->gid_maps, err);
	if (joined < 0)
		return err_set(err, -EINVAL,
			       "\"idmap\" needs uidMappings and gidMappings, or a user namespace");
	fd = fcntl(joined, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_sys(err, "duplicate the user namespace") : fd;
}

static int open_mount(struct bundle *bundle, struct bundle_mount *mount, int joined,
		      struct err *err)
{
	const struct mount_options *options = &mount->options;
	FD_CLEANUP int tree = mount_tree_open(mount->source, options->flags & MS_REC, err);
	FD_CLEANUP int userns = -1;
	int rc = tree < 0 ? tree : 0;

	/* Without idmap the old way may do as well, on kernels before 5.2. */
	if (rc == -ENOSYS && !options->idmap)
		return 0;
	if (!rc && options->idmap) {
		rc = userns = open_userns(bundle, mount, joined, err);
		if (rc >= 0)
			rc = mount_tree_shift(tree, userns, options->idmap == MOUNT_IDMAP_ALL,
					      mount->source, err);
	}
	if (rc < 0)
		return rc;
	mount->tree = fd_steal(&tree);
	mount->has_tree = true;
	return 0;
}

static int open_root(struct bundle *bundle, struct err *err)
{
	int tree = mount_tree_open(bundle->root_path, true, err);

	if (tree < 0)
		return tree == -ENOSYS ? 0 : err_context(err, "root.path");
	bundle->root_tree = tree;
	bundle->has_root_tree = true;
	return 0;
}

int mount_trees_open(struct bundle *bundle, int userns, struct err *err)
{
	bool in_userns = bundle->namespaces.make[NS_USER] || userns >= 0;

	for (size_t i = 0; i < bundle->mount_count; i++) {
		struct bundle_mount *mount = &bundle->mounts[i];

		if (!(mount->options.flags & MS_BIND) || !(in_userns || mount->options.idmap))
			continue;
		if (open_mount(bundle, mount, userns, err) < 0)
			return err_context(err, "mounts[%zu] %s", i, mount->destination);
	}
	return in_userns ? open_root(bundle, err) : 0;
}

void mount_trees_close(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->mount_count; i++) {
		if (bundle->mounts[i].has_tree)
			fd_close(&bundle->mounts[i].tree);
		bundle->mounts[i].has_tree = false;
	}
	if (bundle->has_root_tree)
		fd_close(&bundle->root_tree);
	bundle->has_root_tree = false;
}
