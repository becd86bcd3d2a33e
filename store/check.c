#include "store/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"

#define FILESYSTEMS_MAX 16384 /* bytes of /proc/filesystems */

/* Kinds on which overlayfs refuses an upper directory, or that lose owners and devices. */
static const char *unsuitable(long type)
{
	switch (type) {
	case OVERLAYFS_SUPER_MAGIC:
		return "overlayfs";
	case MSDOS_SUPER_MAGIC:
		return "FAT";
	case 0x2011BAB0:
		return "exFAT";
	case NFS_SUPER_MAGIC:
		return "NFS";
	case V9FS_MAGIC:
		return "9p";
	case FUSE_SUPER_MAGIC:
		return "FUSE";
	default:
		return NULL;
	}
}

static void check_kind(const struct store *store)
{
	const char *kind;
	struct statfs fs;

	if (fstatfs(store->dirfd, &fs) < 0) {
		log_warn("store %s: %s", store->path, strerror(errno));
		return;
	}
	kind = unsuitable((long)fs.f_type);
	if (kind)
		log_warn("store %s is on %s, on which containers' writable layers don't work; put it "
			 "on ext4, f2fs, UBIFS, btrfs or xfs",
			 store->path, kind);
}

/* Asking for an attribute that isn't there tells without writing. */
static void check_xattrs(const struct store *store)
{
	char value[1];

	if (fgetxattr(store->dirfd, "trusted.overlay.opaque", value, sizeof(value)) < 0 &&
	    errno == EOPNOTSUPP)
		log_warn("store %s: its file system has no extended attributes, which layers with "
			 "replaced directories need; mount it with user_xattr or choose another",
			 store->path);
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

void check_file_system(const struct store *store)
{
	check_kind(store);
	check_xattrs(store);
	check_overlayfs();
	if (access("/proc/self/fd", X_OK) < 0)
		log_warn("/proc is not mounted: containers can't start");
}
