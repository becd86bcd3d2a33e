#include "store/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "store/trial.h"

#define FILESYSTEMS_MAX 16384 /* bytes of /proc/filesystems */

/* By name where there is one: what is wrong with it is known, and needs no trial. */
static const struct {
	long type;
	const char *name;
	const char *lacks;
} unsuitable[] = {
	{ MSDOS_SUPER_MAGIC, "FAT", "no symlinks, device nodes, hard links or owners" },
	{ 0x2011BAB0, "exFAT", "no symlinks, device nodes, hard links or owners" },
	{ 0x7366746E, "NTFS", "no device nodes or trusted attributes" },
	{ OVERLAYFS_SUPER_MAGIC, "overlayfs", "containers' writable layers can't be stacked on it" },
	{ NFS_SUPER_MAGIC, "NFS", "no trusted attributes, and overlayfs can't write to it" },
	{ V9FS_MAGIC, "9p", "overlayfs can't write to it" },
	{ SQUASHFS_MAGIC, "squashfs", "it can't be written" },
};

/* True when it was told. */
static bool check_kind(const struct store *store)
{
	struct statfs fs;

	if (fstatfs(store->dirfd, &fs) < 0) {
		log_warn("store %s: %s", store->path, strerror(errno));
		return true;
	}
	for (size_t i = 0; i < sizeof(unsuitable) / sizeof(*unsuitable); i++) {
		if (unsuitable[i].type != (long)fs.f_type)
			continue;
		log_warn("store %s is on %s: %s; put it on ext4, f2fs, UBIFS, btrfs or xfs",
			 store->path, unsuitable[i].name, unsuitable[i].lacks);
		return true;
	}
	return false;
}

static bool is_listed(const char *list)
{
	for (const char *p = list; (p = strstr(p, "overlay")); p++)
		if (p > list && p[-1] == '\t' && p[strlen("overlay")] == '\n')
			return true;
	return false;
}

/* A mount that can't succeed makes the kernel load the module: ENODEV says that there is none. */
static void check_overlayfs(void)
{
	BUF_CLEANUP struct buf list = BUF_INIT;

	if (fd_read_file(AT_FDCWD, "/proc/filesystems", &list, FILESYSTEMS_MAX) == 0 &&
	    is_listed(buf_text(&list)))
		return;
	if (mount("overlay", "/", "overlay", 0, "lowerdir=") < 0 && errno == ENODEV)
		log_warn("this kernel has no overlayfs (CONFIG_OVERLAY_FS): containers can't start");
}

void check_file_system(struct store *store)
{
	if (!check_kind(store))
		trial_file_system(store);
	check_overlayfs();
	if (access("/proc/self/fd", X_OK) < 0)
		log_warn("/proc is not mounted: containers can't start");
}
