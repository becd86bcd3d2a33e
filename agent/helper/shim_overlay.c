/* What the shim mounts, in a namespace of its own: the container's root and copies of files. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/helper/shim_parts.h"
#include "lib/fd.h"

#define TARGET "rootfs"
#define FILE_MAX (64 * 1024)
#define LAYERS_MAX 500 /* the kernel's own limit */
#define OPTIONS_MAX 4095 /* mount(2) takes one page */
#define COPIES_SIZE (256 * 1024)

/* Linux 5.2; the same numbers on every architecture. "lowerdir+" is 6.5's. */
#ifndef SYS_move_mount
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#define CONFIG_SET_STRING 1
#define CONFIG_CREATE 6
#define MOVE_FROM_FD 4

struct overlay {
	struct buf text;
	const char *lower[LAYERS_MAX]; /* topmost first; in text */
	size_t lower_count;
	const char *upper, *work; /* NULL: read-only */
	bool is_shifted;
	struct id_map ids;	  /* how, then */
	char shifted[LAYERS_MAX][SHIM_SHIFTED_MAX];
	const char *ram_bytes;	  /* they are on a tmpfs of this size; NULL: they aren't */
};

static int read_line(struct overlay *overlay, char *line, struct err *err)
{
	char *path = strchr(line, ' ');

	if (path)
		*path++ = '\0';
	if (path && !strcmp(line, "tmpfs") && *path >= '1' &&
	    path[strspn(path, "0123456789")] == '\0') {
		overlay->ram_bytes = path;
		overlay->upper = SHIM_WRITABLE "/upper";
		overlay->work = SHIM_WRITABLE "/work";
		return 0;
	}
	if (path && !strcmp(line, "idmap")) {
		overlay->is_shifted = shim_shift_read(&overlay->ids, path);
		return overlay->is_shifted ? 0 :
					     err_set(err, -EINVAL, "the bundle's overlay file has a "
								   "wrong \"idmap\"");
	}
	if (!path || *path != '/')
		return err_set(err, -EINVAL, "the bundle's overlay file has no absolute path in "
					     "\"%s\"", line);
	if (!strcmp(line, "lower") && overlay->lower_count < LAYERS_MAX)
		overlay->lower[overlay->lower_count++] = path;
	else if (!strcmp(line, "upper"))
		overlay->upper = path;
	else if (!strcmp(line, "work"))
		overlay->work = path;
	else
		return err_set(err, -EINVAL,
			       "the bundle's overlay file has a wrong or one too many "
			       "\"%s\"",
			       line);
	return 0;
}

/* 1: there is no such file. */
static int read_overlay(struct overlay *overlay, struct err *err)
{
	char *save = NULL;
	int rc = fd_read_file(AT_FDCWD, "overlay", &overlay->text, FILE_MAX);

	if (rc == -ENOENT)
		return 1;
	if (rc < 0)
		return err_code(err, rc, "read the bundle's overlay file");
	for (char *line = overlay->text.size ? strtok_r(overlay->text.data, "\n", &save) : NULL;
	     line && !rc; line = strtok_r(NULL, "\n", &save))
		rc = read_line(overlay, line, err);
	if (!rc && (!overlay->lower_count || !overlay->upper != !overlay->work))
		rc = err_set(err, -EINVAL, "the bundle's overlay file needs a lower line, and both "
					   "or none of upper and work");
	return rc;
}

/* Overlayfs splits at ':' and ','. */
static void append_escaped(struct buf *out, const char *path)
{
	for (; *path; path++) {
		if (strchr(":,\\", *path))
			buf_append(out, "\\", 1);
		buf_append(out, path, 1);
	}
}

static void format_options(const struct overlay *overlay, struct buf *out)
{
	for (size_t i = 0; i < overlay->lower_count; i++) {
		buf_append_text(out, i ? ":" : "lowerdir=");
		append_escaped(out, overlay->lower[i]);
	}
	if (overlay->upper) {
		buf_append_text(out, ",upperdir=");
		append_escaped(out, overlay->upper);
		buf_append_text(out, ",workdir=");
		append_escaped(out, overlay->work);
	}
}

static int set(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, CONFIG_SET_STRING, key, value, 0);
}

/* One layer at a time: no limit of a page. */
static int mount_long(const struct overlay *overlay, struct err *err)
{
	FD_CLEANUP int fs = (int)syscall(SYS_fsopen, "overlay", 1);
	FD_CLEANUP int mount_fd = -1;
	int rc = fs < 0 ? -1 : 0;

	for (size_t i = 0; i < overlay->lower_count && !rc; i++)
		rc = set(fs, "lowerdir+", overlay->lower[i]);
	if (rc < 0)
		return err_sys(err, "mount %zu layers: more than a page of paths needs Linux 6.5",
			       overlay->lower_count);
	if (overlay->upper)
		rc = set(fs, "upperdir", overlay->upper) ?: set(fs, "workdir", overlay->work);
	if (!rc)
		rc = (int)syscall(SYS_fsconfig, fs, CONFIG_CREATE, NULL, NULL, 0);
	if (!rc)
		rc = mount_fd = (int)syscall(SYS_fsmount, fs, 1, 0);
	if (rc >= 0)
		rc = (int)syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, TARGET, MOVE_FROM_FD);
	return rc < 0 ? err_sys(err, "mount %zu layers", overlay->lower_count) : 0;
}

/* Overlayfs wants two layers or an upper one; one alone is simply shown. */
static int bind_single(const char *layer, struct err *err)
{
	if (mount(layer, TARGET, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, TARGET, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return err_sys(err, "mount the layer %s", layer);
	return 0;
}

static int mount_overlay(const struct overlay *overlay, struct err *err)
{
	BUF_CLEANUP struct buf options = BUF_INIT;

	if (!overlay->upper && overlay->lower_count == 1)
		return bind_single(overlay->lower[0], err);
	format_options(overlay, &options);
	if (options.size > OPTIONS_MAX)
		return mount_long(overlay, err);
	if (mount("overlay", TARGET, "overlay", 0, buf_text(&options)) == 0)
		return 0;
	if (errno == ENODEV)
		return err_set(err, -ENODEV, "the kernel has no overlayfs (CONFIG_OVERLAY_FS)");
	if (errno == EINVAL && overlay->is_shifted)
		return err_set(err, -EINVAL, "userns = auto: overlayfs can't use layers with "
					     "shifted owners, it needs Linux 5.19");
	return err_sys(err, "mount the container's file system (overlayfs; upper directory %s)",
		       overlay->upper ?: "none");
}

static int mount_shifted(struct overlay *overlay, struct err *err)
{
	int rc = shim_shift_layers(overlay->lower, overlay->lower_count, overlay->shifted,
				   &overlay->ids, err);

	if (!rc && overlay->upper)
		rc = shim_shift_upper(overlay->upper, overlay->lower[0], &overlay->ids, err);
	if (!rc)
		rc = mount_overlay(overlay, err);
	shim_shift_end();
	return rc;
}

/* `owner`: of the host. */
static int copy_file(const char *name, uid_t owner, struct err *err)
{
	FD_CLEANUP int from = open(name, O_RDONLY | O_CLOEXEC);
	FD_CLEANUP int to = -1;
	char path[64];
	ssize_t count;

	if (from < 0)
		return errno == ENOENT ? 0 : err_sys(err, "open %s", name);
	snprintf(path, sizeof(path), SHIM_COPIES "/%s", name);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (to < 0)
		return err_sys(err, "make %s", path);
	while ((count = sendfile(to, from, NULL, COPIES_SIZE)) > 0)
		;
	if (count < 0 || (owner && fchown(to, owner, owner) < 0))
		return err_sys(err, "write %s", path);
	return 0;
}

/*
 * The files that a container writes to outside of its overlay. They lie on the tmpfs that the agent
 * and all containers share: on one of their own they can't fill that.
 */
static int mount_copies(uid_t owner, struct err *err)
{
	static const char *const names[] = { "hosts", "resolv.conf", "hostname" };
	char options[48];
	int rc = 0;

	if (access(SHIM_COPIES, F_OK) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "look for " SHIM_COPIES);
	snprintf(options, sizeof(options), "mode=755,nr_inodes=8,size=%d", COPIES_SIZE);
	if (mount("berth", SHIM_COPIES, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return err_sys(err, "mount a tmpfs for hosts and resolv.conf");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !rc; i++)
		rc = copy_file(names[i], owner, err);
	return rc;
}

/* With the overlay it goes when the shim is gone, and what was written with it. */
static int mount_writable(const char *bytes, struct err *err)
{
	FREE_CLEANUP char *options = xasprintf("mode=700,size=%s", bytes);

	if (mount("berth", SHIM_WRITABLE, "tmpfs", MS_NODEV, options) < 0)
		return err_sys(err, "mount a tmpfs of %s bytes for the writable layer", bytes);
	if (mkdir(SHIM_WRITABLE "/upper", 0755) < 0 || mkdir(SHIM_WRITABLE "/work", 0700) < 0)
		return err_sys(err, "make the writable layer in memory");
	return 0;
}

int shim_mount_root(struct err *err)
{
	struct overlay *overlay = xcalloc(1, sizeof(*overlay));
	int rc = read_overlay(overlay, err);

	if (!rc &&
	    (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0))
		rc = err_sys(err, "make a mount namespace");
	if (!rc)
		rc = mount_copies(overlay->is_shifted ? overlay->ids.host : 0, err);
	if (!rc && overlay->ram_bytes)
		rc = mount_writable(overlay->ram_bytes, err);
	if (!rc)
		rc = overlay->is_shifted ? mount_shifted(overlay, err) :
					   mount_overlay(overlay, err);
	buf_release(&overlay->text);
	free(overlay);
	return rc < 0 ? rc : 0;
}

void shim_try_unmount_root(void)
{
	umount2(TARGET, UMOUNT_NOFOLLOW);
}

void shim_unmount_root(void)
{
	/* Not a mount point when there was no overlay, or when it is unmounted already. */
	if (umount2(TARGET, UMOUNT_NOFOLLOW) < 0 && errno == EBUSY)
		umount2(TARGET, UMOUNT_NOFOLLOW | MNT_DETACH);
	umount2(SHIM_WRITABLE, UMOUNT_NOFOLLOW | MNT_DETACH);
}
