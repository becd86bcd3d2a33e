#include "agent/run/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/run/mount.h"
#include "agent/run/mount_tree.h"
#include "agent/run/path.h"
#include "lib/fd.h"

#define MOUNTINFO_MAX (1024 * 1024)

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

/*
 * The root that was opened outside goes over the present one: a place that is there always. Names
 * that begin with '/' still lead to the host, until pivot_root.
 */
static int attach_tree(const struct bundle *bundle, struct err *err)
{
	unsigned long propagation = bundle->root_propagation ?: MS_SLAVE | MS_REC;
	FD_CLEANUP int root = fcntl(bundle->root_tree, F_DUPFD_CLOEXEC, 3);
	FD_CLEANUP int over = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_OF_FD_MAX];

	if (root < 0 || over < 0)
		return err_sys(err, "open the root");
	/* pivot_root refuses a root whose parent mount is shared. */
	if (mount(NULL, "/", NULL, MS_PRIVATE, NULL) < 0)
		return err_sys(err, "make the old root private");
	if (mount_tree_attach(root, over, err) < 0)
		return err_context(err, "root.path %s", bundle->root_path);
	if (mount(NULL, path_of_fd(path, root), NULL, propagation, NULL) < 0)
		return err_sys(err, "change the propagation of the root");
	return fd_steal(&root);
}

int root_prepare(const struct bundle *bundle, struct err *err)
{
	unsigned long propagation = bundle->root_propagation ?: MS_SLAVE | MS_REC;
	const char *root = bundle->root_path;
	int fd;

	if (mount(NULL, "/", NULL, propagation, NULL) < 0)
		return err_sys(err, "change the propagation of mounts");
	if (bundle->has_root_tree)
		return attach_tree(bundle, err);
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

static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return !strncmp(path, dir, length) && (path[length] == '/' || !path[length]);
}

/* mountinfo writes space, tab, newline and backslash as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned int c;

		if (*text == '\\' && sscanf(text + 1, "%3o", &c) == 1) {
			*to++ = (char)c;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/*
 * Lets go of what is mounted elsewhere than at, below or above the new root, the last mount first:
 * it would stay, out of reach but busy, as long as the container does.
 */
static int unmount_others(const char *root, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", &text, MOUNTINFO_MAX);
	char *line = text.data, point[PATH_MAX];

	if (rc < 0)
		return err_code(err, rc, "read /proc/self/mountinfo");
	while (text.size) {
		/* From the end: cut off the last line, look at it. */
		text.data[--text.size] = '\0';
		line = strrchr(text.data, '\n');
		line = line ? line + 1 : text.data;
		text.size = (size_t)(line - text.data);
		if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1)
			continue;
		unescape(point);
		if (strcmp(point, "/") && !is_below(point, root) && !is_below(root, point))
			umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
	return 0;
}

/*
 * From an initramfs there is no pivot_root (pivot_root(2), NOTES): do as switch_root does. The
 * mount that is moved lies over the initramfs, and ".." in it leads back to it.
 */
static int switch_root(const struct bundle *bundle, int root, struct err *err)
{
	if (unmount_others(bundle->root_path, err) < 0)
		return err->code;
	if (fchdir(root) < 0 ||
	    /* What was attached as a tree is there already. */
	    (!bundle->has_root_tree && mount(".", "/", NULL, MS_MOVE, NULL) < 0) ||
	    chroot(".") < 0 || chdir("/") < 0)
		return err_sys(err, "move %s to the root", bundle->root_path);
	return 0;
}

static int change_root(const struct bundle *bundle, int root, struct err *err)
{
	FD_CLEANUP int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (old < 0 || fchdir(root) < 0)
		return err_sys(err, "enter root.path %s", bundle->root_path);
	if (bundle->no_pivot)
		return switch_root(bundle, root, err);
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return drop_old_root(old, err);
	if (errno != EINVAL)
		return err_sys(err, "pivot_root to %s", bundle->root_path);
	return switch_root(bundle, root, err);
}

int root_enter(const struct bundle *bundle, int root, struct err *err)
{
	int rc;

	if (bundle->root_readonly && mount_change(root, "/", NULL, MS_RDONLY, 0, err) < 0)
		return err_context(err, "root.readonly");
	rc = change_root(bundle, root, err);
	if (rc < 0)
		return rc;
	if (bundle->root_propagation && mount(NULL, "/", NULL, bundle->root_propagation, NULL) < 0)
		return err_sys(err, "linux.rootfsPropagation");
	return 0;
}
