#include "store/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/quota.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"

/* Linux 5.14; the same number on every architecture. */
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* IDs that we give: far from those that people write into /etc/projid. */
#define ID_FIRST 0x40000000u
#define ID_MASK 0x3fffffffu
#define ID_TRIES 32
#define BLOCK 1024 /* the unit of dqb_bhardlimit */
#define UEVENT_MAX 4096

static bool is_ours(uint32_t id)
{
	return (id & ~ID_MASK) == ID_FIRST;
}

/* "/dev/mmcblk0p2": the kernel's own name for the device that holds the directory. */
static int find_device(int dirfd, char device[static PATH_MAX])
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char path[64], *name;
	struct stat st;
	int rc;

	if (fstat(dirfd, &st) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/uevent", major(st.st_dev),
		 minor(st.st_dev));
	rc = fd_read_file(AT_FDCWD, path, &text, UEVENT_MAX);
	if (rc < 0)
		return rc;
	name = strstr(buf_text(&text), "DEVNAME=");
	if (!name)
		return -ENODEV;
	name += strlen("DEVNAME=");
	snprintf(device, PATH_MAX, "/dev/%.*s", (int)strcspn(name, "\n"), name);
	return 0;
}

/* Before 5.14 the file system is named by its device. */
static int control(int dirfd, int command, uint32_t id, void *data)
{
	char device[PATH_MAX];
	int rc;

	command = (int)QCMD((unsigned int)command, PRJQUOTA);
	if (syscall(SYS_quotactl_fd, dirfd, command, id, data) == 0)
		return 0;
	if (errno != ENOSYS)
		return -errno;
	rc = find_device(dirfd, device);
	if (rc < 0)
		return rc == -ENOENT ? -ENOTBLK : rc;
	return syscall(SYS_quotactl, command, device, id, data) < 0 ? -errno : 0;
}

/* Whether what `id` may use and does use is nothing at all. */
static int is_unused(int dirfd, uint32_t id)
{
	struct if_dqblk quota = { 0 };
	int rc = control(dirfd, Q_GETQUOTA, id, &quota);

	if (rc == -ENOENT)
		return true; /* xfs: never heard of */
	return rc < 0 ? rc : !quota.dqb_curspace && !quota.dqb_curinodes &&
				     !quota.dqb_bhardlimit && !quota.dqb_bsoftlimit &&
				     !quota.dqb_ihardlimit && !quota.dqb_isoftlimit;
}

static int choose_id(int dirfd, uint32_t *id)
{
	for (int i = 0; i < ID_TRIES; i++) {
		int rc;

		if (getrandom(id, sizeof(*id), 0) != sizeof(*id))
			return -EIO;
		*id = ID_FIRST | (*id & ID_MASK);
		rc = is_unused(dirfd, *id);
		if (rc)
			return rc < 0 ? rc : 0;
	}
	return -EBUSY;
}

static int set_limit(int dirfd, uint32_t id, int64_t bytes)
{
	struct if_dqblk quota = {
		.dqb_bhardlimit = (uint64_t)bytes / BLOCK,
		.dqb_ihardlimit = (uint64_t)bytes / QUOTA_FILE_BYTES,
		.dqb_valid = QIF_LIMITS,
	};

	if (bytes && quota.dqb_ihardlimit < QUOTA_FILES_MIN)
		quota.dqb_ihardlimit = QUOTA_FILES_MIN;
	return control(dirfd, Q_SETQUOTA, id, &quota);
}

/* Counting alone would let everything through: ext4 counts without the mount option, too. */
static int check_enforced(int dirfd)
{
	struct fs_quota_stat state = { .qs_version = FS_QSTAT_VERSION };
	int rc = control(dirfd, Q_XGETQSTAT, 0, &state);

	return rc < 0 ? rc : state.qs_flags & FS_QUOTA_PDQ_ENFD ? 0 : -ESRCH;
}

/* The kernel answers alike whether the file system has no quotas, or it has none itself. */
static int tell(int dirfd, int rc, struct err *err)
{
	const char *way_out = "put the store on ext4, f2fs or xfs";
	struct statfs fs;

	if (rc != -ENOSYS && rc != -ENOTTY && rc != -EOPNOTSUPP && rc != -ESRCH &&
	    rc != -ENOTBLK && rc != -EINVAL)
		return err_code(err, rc, "project quota");
	if (fstatfs(dirfd, &fs) < 0)
		return err_sys(err, "project quota: statfs");
	if (fs.f_type == EXT4_SUPER_MAGIC)
		way_out = "mount it with -o prjquota, made with mkfs.ext4 -O quota,project (or tune2fs "
			  "-O quota,project while it is not mounted)";
	else if (fs.f_type == F2FS_SUPER_MAGIC)
		way_out = "mount it with -o prjquota, made with mkfs.f2fs -O "
			  "extra_attr,quota,project_quota";
	else if (fs.f_type == XFS_SUPER_MAGIC)
		way_out = "mount it with -o prjquota";
	return err_set(err, -ENOSYS, "the store's file system keeps no project quotas: %s; the "
				      "kernel needs CONFIG_QUOTA and CONFIG_QFMT_V2 (xfs: "
				      "CONFIG_XFS_QUOTA)", way_out);
}

/* The directory's project; a new one where it has none. */
static int take_project(int dirfd, uint32_t *id)
{
	struct fsxattr attr;
	int rc;

	if (ioctl(dirfd, FS_IOC_FSGETXATTR, &attr) < 0)
		return -errno;
	*id = attr.fsx_projid;
	if (is_ours(*id))
		return 0;
	rc = choose_id(dirfd, id);
	if (rc < 0)
		return rc;
	attr.fsx_projid = *id;
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(dirfd, FS_IOC_FSSETXATTR, &attr) < 0 ? -errno : 0;
}

int quota_limit(int dirfd, int64_t bytes, struct err *err)
{
	uint32_t id;
	int rc = check_enforced(dirfd);

	if (!rc)
		rc = take_project(dirfd, &id);
	if (!rc)
		rc = set_limit(dirfd, id, bytes);
	return rc < 0 ? tell(dirfd, rc, err) : 0;
}

void quota_lift(int parent, const char *name)
{
	FD_CLEANUP int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct fsxattr attr;

	if (dir >= 0 && ioctl(dir, FS_IOC_FSGETXATTR, &attr) == 0 && is_ours(attr.fsx_projid))
		set_limit(dir, attr.fsx_projid, 0);
}
