/* linux.maskedPaths and linux.readonlyPaths. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/run/mount.h"
#include "agent/run/path.h"
#include "lib/fd.h"
#include "lib/sys.h"

/* What masks: the null device over files, one empty directory over all directories. */
struct masks {
	int root;
	int null;
	int empty; /* -1: not mounted yet */
};

/*
 * Shows what `source` stands for at `target`, with these flags, in three calls and without looking
 * up a name again. -ENOSYS before Linux 5.12.
 */
static int show(int source, int target, uint64_t flags)
{
	const struct sys_mount_attr attr = { .set = flags };
	FD_CLEANUP int tree = sys_open_tree(source, "", AT_EMPTY_PATH | TREE_CLONE |
								TREE_RECURSIVE);

	if (tree < 0 || sys_mount_setattr(tree, true, &attr) < 0 ||
	    sys_move_mount(tree, target) < 0)
		return -errno;
	return 0;
}

/* The same by names. */
static int show_named(int root, const char *name, int source, int target, unsigned long flags,
		      struct err *err)
{
	char path[PATH_OF_FD_MAX];
	struct stat st;

	if (fstat(source, &st) < 0)
		return err_sys(err, "stat");
	if (mount_bind(path_of_fd(path, source), target, MS_REC, err) < 0)
		return err->code;
	return mount_change(root, name, &st, flags, 0, err);
}

/*
 * The host's /dev/null, for masking files: checked, since a container that could put something
 * else there would have it shown instead (CVE-2025-31133 was that with the container's own).
 */
static int open_null(struct err *err)
{
	FD_CLEANUP int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(err, -EINVAL, "/dev/null on the host is not the null device");
	return fd_steal(&fd);
}

/* Read-only, or a chmod() of the masked file would reach the host's device node. */
static int mask_file(const struct masks *masks, const char *name, int target, struct err *err)
{
	int rc = show(masks->null, target, ATTR_RDONLY | ATTR_NOSUID | ATTR_NOEXEC);

	if (rc == -ENOSYS)
		return show_named(masks->root, name, masks->null, target,
				  MS_RDONLY | MS_NOSUID | MS_NOEXEC, err);
	return rc < 0 ? err_code(err, rc, "mount the null device") : 0;
}

static int mask_dir(struct masks *masks, const char *name, int target, struct err *err)
{
	char path[PATH_OF_FD_MAX];

	if (masks->empty >= 0 && show(masks->empty, target, ATTR_RDONLY) == 0)
		return 0;
	if (mount("tmpfs", path_of_fd(path, target), "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV,
		  "mode=755") < 0)
		return err_sys(err, "mount an empty directory");
	if (masks->empty < 0)
		masks->empty = path_open(masks->root, name, 0, NULL);
	return 0;
}

static int mask(struct masks *masks, const char *name, struct err *err)
{
	FD_CLEANUP int target = path_open(masks->root, name, 0, err);
	struct stat st;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return target;
	if (fstat(target, &st) < 0)
		return err_sys(err, "stat");
	return S_ISDIR(st.st_mode) ? mask_dir(masks, name, target, err) :
				     mask_file(masks, name, target, err);
}

int mount_mask(int root, char *const *paths, struct err *err)
{
	struct masks masks = { .root = root, .null = -1, .empty = -1 };
	int rc = 0;

	if (paths && *paths)
		rc = masks.null = open_null(err);
	for (; paths && *paths && rc >= 0; paths++) {
		rc = mask(&masks, *paths, err);
		if (rc < 0)
			err_context(err, "mask %s", *paths);
	}
	fd_close(&masks.null);
	fd_close(&masks.empty);
	return rc < 0 ? rc : 0;
}

static int read_only(int root, const char *path, struct err *err)
{
	FD_CLEANUP int target = path_open(root, path, PATH_NOT_ROOT, err);
	int rc;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	/* Shown over itself it would be below what pivot_root makes the root. */
	if (target == -EBUSY)
		return mount_change(root, "/", NULL, MS_RDONLY, 0, err);
	if (target < 0)
		return target;
	rc = show(target, target, ATTR_RDONLY);
	if (rc == -ENOSYS)
		return show_named(root, path, target, target, MS_RDONLY, err);
	return rc < 0 ? err_set(err, rc, "%s", strerror(-rc)) : 0;
}

int mount_read_only(int root, char *const *paths, struct err *err)
{
	for (; paths && *paths; paths++)
		if (read_only(root, *paths, err) < 0)
			return err_context(err, "make %s read-only", *paths);
	return 0;
}
