#include "agent/run/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/run/mount.h"
#include "lib/fd.h"

/*
 * pivot_root refuses a root whose parent mount is shared. Which one that is, is found by trying:
 * EINVAL says that a directory is no mount point, then its parent is tried.
 */
static int make_parent_private(const char *root, struct err *err)
{
	FREE_CLEANUP char *path = xstrdup(root);

	for (;;) {
		char *slash = strrchr(path, '/');

		if (mount(NULL, *path ? path : "/", NULL, MS_PRIVATE, NULL) == 0)
			return 0;
		if (errno != EINVAL || !*path)
			return err_sys(err, "make the mount of %s private", root);
		*slash = '\0';
	}
}

int root_prepare(const struct bundle *bundle, struct err *err)
{
	unsigned long propagation = bundle->root_propagation ?: MS_SLAVE | MS_REC;
	const char *root = bundle->root_path;
	int fd;

	if (mount(NULL, "/", NULL, propagation, NULL) < 0)
		return err_sys(err, "change the propagation of mounts");
	if (make_parent_private(root, err) < 0)
		return -EIO;
	if (mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(err, "root.path %s", root);
	fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "root.path %s", root) : fd;
}

/* After pivot_root(".", ".") the host's root lies over the new one (pivot_root(2)): let it go. */
static int drop_old_root(int old, struct err *err)
{
	if (fchdir(old) < 0)
		return err_sys(err, "enter the old root");
	/* Or unmounting would reach the host. */
	if (mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_sys(err, "cut off the old root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "unmount the old root");
	if (chdir("/") < 0)
		return err_sys(err, "enter the new root");
	return 0;
}

int root_enter(const struct bundle *bundle, int root, struct err *err)
{
	FD_CLEANUP int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (old < 0 || fchdir(root) < 0)
		return err_sys(err, "enter root.path %s", bundle->root_path);
	if (bundle->root_readonly && mount_change(root, "/", NULL, MS_RDONLY, 0, err) < 0)
		return err_context(err, "root.readonly");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(err, "pivot_root to %s", bundle->root_path);
	if (drop_old_root(old, err) < 0)
		return err ? err->code : -EIO;
	if (bundle->root_propagation && mount(NULL, "/", NULL, bundle->root_propagation, NULL) < 0)
		return err_sys(err, "linux.rootfsPropagation");
	return 0;
}
