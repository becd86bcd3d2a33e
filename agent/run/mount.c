#include "agent/run/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agent/run/copy_up.h"
#include "agent/run/mount_cgroup.h"
#include "agent/run/mount_tree.h"
#include "agent/run/path.h"
#include "lib/fd.h"
#include "lib/sys.h"

#define PROC_ROOT_INODE 1 /* of the kernel's include/linux/proc_fs.h */

/* What statvfs() calls the same as mount(). */
#define KEPT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

int mount_bind(const char *source, int target, unsigned long flags, struct err *err)
{
	char path[PATH_OF_FD_MAX];

	if (mount(source, path_of_fd(path, target), NULL, MS_BIND | flags, NULL) < 0)
		return err_sys(err, "bind mount of %s", source);
	return 0;
}

/* A remount sets all flags anew: keep those that are there, or "ro" would lift a "nosuid". */
static int change_fd(int fd, unsigned long flags, unsigned long cleared)
{
	char path[PATH_OF_FD_MAX];
	struct statvfs st;

	if (fstatvfs(fd, &st) < 0)
		return -errno;
	flags |= st.f_flag & KEPT_FLAGS & ~cleared;
	if (mount(NULL, path_of_fd(path, fd), NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		return -errno;
	return 0;
}

static bool is_same(int fd, const struct stat *expected)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == expected->st_dev &&
	       st.st_ino == expected->st_ino;
}

/* The path anew, for a descriptor from before a mount stands for what is now below it. */
static int open_mounted(int root, const char *path, const struct stat *expected, struct err *err)
{
	FD_CLEANUP int fd = path_open(root, path, 0, err);

	if (fd >= 0 && expected && !is_same(fd, expected))
		return err_set(err, -ESTALE, "%s leads elsewhere than when it was mounted", path);
	return fd < 0 ? fd : fd_steal(&fd);
}

int mount_change(int root, const char *path, const struct stat *expected, unsigned long flags,
		 unsigned long cleared, struct err *err)
{
	FD_CLEANUP int fd = open_mounted(root, path, expected, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = change_fd(fd, flags, cleared);
	if (rc < 0)
		return err_code(err, rc, "change the mount flags of %s", path);
	return 0;
}

/* "rro" and its like. */
static int change_all(const struct bundle_mount *mount, int root, const struct stat *expected,
		      struct err *err)
{
	const struct sys_mount_attr attr = { .set = mount->options.set_all,
					     .clear = mount->options.clear_all };
	FD_CLEANUP int fd = -1;

	if (!attr.set && !attr.clear)
		return 0;
	fd = open_mounted(root, mount->destination, expected, err);
	if (fd < 0)
		return fd;
	if (sys_mount_setattr(fd, true, &attr) == 0)
		return 0;
	if (errno == ENOSYS)
		return err_set(err, -ENOSYS,
			       "recursive mount options (rro, rnosuid ...) need Linux 5.12");
	return err_sys(err, "change the flags of all mounts below");
}

static bool is_type(const struct bundle_mount *mount, const char *type)
{
	return !(mount->options.flags & MS_BIND) && mount->type && !strcmp(mount->type, type);
}

/* Kernel interfaces that the runtime and the application trust by their place. */
static bool is_at_fixed_place(const struct bundle_mount *mount)
{
	return is_type(mount, "proc") || is_type(mount, "sysfs") || is_type(mount, "cgroup") ||
	       is_type(mount, "cgroup2");
}

static bool is_proc(int fd, const char *path)
{
	struct statfs fs;

	return (path ? statfs(path, &fs) : fstatfs(fd, &fs)) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/*
 * What is in /proc is the kernel's word to whoever trusts it, and hides what is masked: nothing lies over it but, as with runc,
 * what lxcfs has instead; over its root another proc.
 */
static int check_target(int target, const struct bundle_mount *mount, struct err *err)
{
	static const char *const replaced[] = {
		"cpuinfo", "diskstats", "loadavg", "meminfo", "net/dev", "slabinfo", "stat", "swaps", "uptime",
		"sys/crypto/fips_enabled", "sys/kernel/ns_last_pid",
	};
	const char *path = mount->destination;
	bool is_proc_again = is_type(mount, "proc") ||
			     (mount->options.flags & MS_BIND && is_proc(-1, mount->source));
	struct stat st;

	if (!is_proc(target, NULL) || (is_proc_again && fstat(target, &st) == 0 && st.st_ino == PROC_ROOT_INODE))
		return 0;
	for (size_t i = 0; i < sizeof(replaced) / sizeof(*replaced); i++)
		if (!strncmp(path, "/proc/", 6) && !strcmp(path + 6, replaced[i]))
			return 0;
	return err_set(err, -EPERM, "%s is in /proc, over which nothing may be mounted but single files such as "
				    "/proc/cpuinfo", path);
}

/* A flag that mount(2) takes at once, or for a tmpfs, later. */
static unsigned long later_flags(const struct bundle_mount *mount)
{
	return is_type(mount, "tmpfs") ? mount->options.flags & MS_RDONLY : 0;
}

/*
 * The kernel lets only the owner of the pid or network namespace mount its proc or sysfs. Where
 * that is the host's, the host's own mount shows the same.
 */
static int bind_host(const struct bundle_mount *mount_, const char *source, int root, int target,
		     struct err *err)
{
	const struct sys_mount_attr attr = { .set = mount_->options.flags & KEPT_FLAGS };
	FD_CLEANUP int fd = -1;
	int rc;

	if (mount_bind(source, target, MS_REC, err) < 0)
		return err->code;
	fd = path_open(root, mount_->destination, PATH_NO_LINKS, err);
	if (fd < 0)
		return fd;
	if (sys_mount_setattr(fd, true, &attr) == 0)
		return 0;
	/* Before 5.12 only what is on top: what is below is not the container's root's to write. */
	rc = errno == ENOSYS ? change_fd(fd, (unsigned long)attr.set, 0) : -errno;
	return rc < 0 ? err_code(err, rc, "change the flags of the host's %s", source) : 0;
}

/* NULL: there is none. */
static const char *host_mount(const struct bundle *bundle, const struct bundle_mount *mount)
{
	if (is_type(mount, "sysfs") && !bundle->namespaces.make[NS_NET])
		return "/sys";
	if (is_type(mount, "proc") && !ns_is_own(&bundle->namespaces, NS_PID))
		return "/proc";
	return NULL;
}

/*
 * What holds files of the container gets linux.mountLabel (SELinux); the kernel's own have theirs. A tmpfs has the mode of the
 * directory that it lies over, as with runc and crun, unless its options have another: the last one counts.
 */
static char *mount_data(const struct bundle_mount *mount, const char *label, const struct stat *below)
{
	const char *given = mount->options.data ?: "";
	bool has_label = label && (is_type(mount, "tmpfs") || is_type(mount, "devpts"));
	BUF_CLEANUP struct buf data = BUF_INIT;

	if (is_type(mount, "tmpfs") && S_ISDIR(below->st_mode))
		buf_append_format(&data, "mode=%o", below->st_mode & 07777);
	if (*given)
		buf_append_format(&data, "%s%s", data.size ? "," : "", given);
	if (has_label)
		buf_append_format(&data, "%scontext=\"%s\"", data.size ? "," : "", label);
	return data.size ? buf_steal(&data) : xstrdup("");
}

/* Nothing (no directory) when it is only made for the mount. */
static struct stat look_below(const struct bundle_mount *mount, int root)
{
	FD_CLEANUP int fd = is_type(mount, "tmpfs") ? path_open(root, mount->destination, 0, NULL) : -1;
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st : (struct stat){ 0 };
}

static int mount_new(const struct bundle *bundle, const struct bundle_mount *mount_,
		     const struct stat *below, int target, struct err *err)
{
	FREE_CLEANUP char *data = mount_data(mount_, bundle->mount_label, below);
	char path[PATH_OF_FD_MAX];

	if (mount(mount_->source ?: mount_->type, path_of_fd(path, target), mount_->type,
		  mount_->options.flags & ~later_flags(mount_), data) < 0)
		return err_sys(err, "mount of type %s", mount_->type);
	return 0;
}

/*
 * A mqueue takes no such option. The host's own, which one mounts who stays in its ipc namespace, is not the container's to
 * label.
 */
static int label_queue(const struct bundle *bundle, const struct bundle_mount *mount, int root, struct err *err)
{
	const char *label = bundle->mount_label;
	char path[PATH_OF_FD_MAX];
	FD_CLEANUP int fd = -1;

	if (!label || !is_type(mount, "mqueue") || !ns_is_own(&bundle->namespaces, NS_IPC))
		return 0;
	fd = open_mounted(root, mount->destination, NULL, err);
	if (fd < 0)
		return fd;
	if (setxattr(path_of_fd(path, fd), "security.selinux", label, strlen(label), 0) < 0)
		return err_sys(err, "linux.mountLabel %s", label);
	return 0;
}

/* `target` is still the directory that the tmpfs lies over. */
static int fill(const struct bundle_mount *mount, int root, int target, struct err *err)
{
	FD_CLEANUP int new = -1;

	if (!mount->options.copy_up || !is_type(mount, "tmpfs"))
		return 0;
	new = path_open(root, mount->destination, 0, err);
	return new < 0 ? new : copy_up(target, new, err);
}

static int mount_source(const struct bundle_mount *mount, int root, struct err *err)
{
	unsigned long flags = mount->options.flags & ~(unsigned long)(MS_BIND | MS_REC);
	FD_CLEANUP int target = -1;
	struct stat st;
	int rc;

	if ((mount->has_tree ? fstat(mount->tree, &st) : stat(mount->source, &st)) < 0)
		return err_sys(err, "%s on the host", mount->source);
	target = path_open(root, mount->destination,
			   PATH_NOT_ROOT | (S_ISDIR(st.st_mode) ? PATH_MAKE_DIR : PATH_MAKE_FILE), err);
	rc = target < 0 ? target : check_target(target, mount, err);
	if (rc < 0)
		return rc;
	rc = mount->has_tree ?
		     mount_tree_attach(mount->tree, target, err) :
		     mount_bind(mount->source, target, mount->options.flags & MS_REC, err);
	if (!rc && mount->has_tree && !mount->options.propagation)
		rc = mount_tree_cut_off(mount->tree, err);
	if (!rc && (flags || mount->options.cleared & KEPT_FLAGS))
		rc = mount_change(root, mount->destination, &st, flags, mount->options.cleared,
				  err);
	return rc ?: change_all(mount, root, &st, err);
}

static int mount_other(const struct bundle *bundle, const struct bundle_mount *mount, int root,
		       const struct cgroup *cgroup, struct err *err)
{
	int flags = PATH_MAKE_DIR | PATH_NOT_ROOT | (is_at_fixed_place(mount) ? PATH_NO_LINKS : 0);
	const struct stat below = look_below(mount, root);
	FD_CLEANUP int target = path_open(root, mount->destination, flags, err);
	int rc = target < 0 ? target : check_target(target, mount, err);

	if (rc < 0)
		return rc;
	if (is_type(mount, "cgroup") || is_type(mount, "cgroup2"))
		return mount_cgroup(mount, root, target, cgroup,
				    bundle->namespaces.make[NS_CGROUP], err) ?:
		       change_all(mount, root, NULL, err);
	if (ns_is_own(&bundle->namespaces, NS_USER) && host_mount(bundle, mount))
		return bind_host(mount, host_mount(bundle, mount), root, target, err) ?:
		       change_all(mount, root, NULL, err);
	return mount_new(bundle, mount, &below, target, err) ?: label_queue(bundle, mount, root, err) ?:
	       fill(mount, root, target, err) ?: change_all(mount, root, NULL, err);
}

static int set_propagation(const struct bundle_mount *mount_, int root, struct err *err)
{
	FD_CLEANUP int fd = path_open(root, mount_->destination, 0, err);
	char path[PATH_OF_FD_MAX];

	if (fd < 0)
		return fd;
	if (mount(NULL, path_of_fd(path, fd), NULL, mount_->options.propagation, NULL) < 0)
		return err_sys(err, "set the propagation");
	return 0;
}

static int mount_one(const struct bundle *bundle, const struct bundle_mount *mount, int root,
		     const struct cgroup *cgroup, struct err *err)
{
	int rc = mount->options.flags & MS_BIND ? mount_source(mount, root, err) :
						  mount_other(bundle, mount, root, cgroup, err);

	if (!rc && mount->options.propagation)
		rc = set_propagation(mount, root, err);
	return rc;
}

int mount_all(const struct bundle *bundle, int root, const struct cgroup *cgroup, struct err *err)
{
	for (size_t i = 0; i < bundle->mount_count; i++)
		if (mount_one(bundle, &bundle->mounts[i], root, cgroup, err) < 0)
			return err_context(err, "mounts[%zu] %s", i, bundle->mounts[i].destination);
	return 0;
}

int mount_finish(const struct bundle *bundle, int root, struct err *err)
{
	for (size_t i = 0; i < bundle->mount_count; i++) {
		unsigned long flags = later_flags(&bundle->mounts[i]);

		if (flags &&
		    mount_change(root, bundle->mounts[i].destination, NULL, flags, 0, err) < 0)
			return err_context(err, "mounts[%zu]", i);
	}
	return 0;
}
