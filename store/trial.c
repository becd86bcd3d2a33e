#include "store/trial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "store/file.h"
#include "store/space.h"

#define TRIED "tried"
#define TRIED_MAX 512

/* Linux 5.2; the same numbers on every architecture. */
#ifndef SYS_fsopen
#define SYS_fsopen 430
#define SYS_fsconfig 431
#endif
#define FSOPEN_CLOEXEC_FLAG 1
#define CONFIG_SET_STRING 1
#define CONFIG_CREATE 6

struct trial {
	const struct store *store;
	const char *name; /* of the directory in staging/ */
	int dirfd;
};

/* Each: 0, or what it failed with. */

static int try_file(const struct trial *trial)
{
	return fd_replace_file(trial->dirfd, "file", "x", 1, 0600); /* fsync of file and directory, rename */
}

static int try_symlink(const struct trial *trial)
{
	return symlinkat("file", trial->dirfd, "symlink") < 0 ? -errno : 0;
}

static int try_hard_link(const struct trial *trial)
{
	return linkat(trial->dirfd, "file", trial->dirfd, "link", 0) < 0 ? -errno : 0;
}

static int try_whiteout(const struct trial *trial)
{
	return mknodat(trial->dirfd, "whiteout", S_IFCHR, makedev(0, 0)) < 0 ? -errno : 0;
}

static int try_xattr(const struct trial *trial)
{
	return fsetxattr(trial->dirfd, "trusted.overlay.opaque", "y", 1, 0) < 0 ? -errno : 0;
}

static int try_owner(const struct trial *trial)
{
	struct stat st;

	if (fchownat(trial->dirfd, "file", 65534, 65534, 0) < 0 ||
	    fstatat(trial->dirfd, "file", &st, 0) < 0)
		return -errno;
	return st.st_uid == 65534 ? 0 : -EPERM;
}

/* Without the kind of an entry overlayfs can't tell whiteouts (xfs with ftype=0). */
static int try_kind_of_entry(const struct trial *trial)
{
	int fd = openat(trial->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		fd_close(&fd);
		return 0;
	}
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_UNKNOWN)
			rc = -ENOTSUP;
	closedir(dir);
	return rc;
}

static int try_syncfs(const struct trial *trial)
{
	return syncfs(trial->dirfd) < 0 ? -errno : 0;
}

static int set_dir(const struct trial *trial, int fs, const char *key, const char *name)
{
	char path[PATH_MAX];
	int rc = mkdirat(trial->dirfd, name, 0700) < 0 ?
			 -errno :
			 file_path(trial->store, path, NULL, "/staging/%s/%s", trial->name, name);

	if (rc < 0)
		return rc;
	return syscall(SYS_fsconfig, fs, CONFIG_SET_STRING, key, path, 0) < 0 ? -errno : 0;
}

/* Made, but mounted nowhere. Kernels before 5.2 can't do that: there the first container tells. */
static int try_overlay(const struct trial *trial)
{
	FD_CLEANUP int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC_FLAG);
	int rc;

	if (fs < 0)
		return 0; /* check_overlayfs() says so when there is none */
	rc = set_dir(trial, fs, "lowerdir", "lower") ?: set_dir(trial, fs, "upperdir", "upper") ?:
	     set_dir(trial, fs, "workdir", "work");
	if (!rc && syscall(SYS_fsconfig, fs, CONFIG_CREATE, NULL, NULL, 0) < 0)
		rc = -errno;
	return rc;
}

static const struct {
	const char *name;
	int (*run)(const struct trial *trial);
} tests[] = {
	{ "files that are synced and renamed", try_file },
	{ "symlinks", try_symlink },
	{ "hard links", try_hard_link },
	{ "device nodes", try_whiteout },
	{ "extended attributes (trusted.*)", try_xattr },
	{ "owners of files", try_owner },
	{ "kinds of directory entries (xfs: ftype=1)", try_kind_of_entry },
	{ "syncfs", try_syncfs },
	{ "overlayfs on top of it", try_overlay },
};

/* 1: nothing can be said now, because it is full. */
static int try_all(const struct trial *trial, struct buf *missing)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		int rc = tests[i].run(trial);

		if (space_is_full(rc) || rc == -EROFS)
			return 1;
		if (rc < 0)
			buf_append_format(missing, "%s%s", missing->size ? ", " : "", tests[i].name);
	}
	return 0;
}

static void tell(const struct store *store, const struct buf *missing)
{
	log_warn("store %s: its file system has no %s: images or containers will not work there; use "
		 "ext4, f2fs, UBIFS, btrfs or xfs",
		 store->path, missing->data);
}

static int run_trial(struct store *store, bool *is_good)
{
	BUF_CLEANUP struct buf missing = BUF_INIT;
	char name[FILE_STAGED_SIZE];
	struct trial trial = { .store = store, .name = name };
	int rc;

	file_staged_name(store, name, FILE_THROWN_AWAY);
	trial.dirfd = fd_open_dir(store->staging, name, 0700);
	if (trial.dirfd < 0)
		return trial.dirfd;
	rc = try_all(&trial, &missing);
	fd_close(&trial.dirfd);
	fd_remove_tree(store->staging, name); /* else sweep() does */
	if (missing.size)
		tell(store, &missing);
	*is_good = !rc && !missing.size;
	return 0;
}

static void describe(const struct store *store, struct buf *text)
{
	struct utsname kernel = { 0 };
	struct statfs fs = { 0 };

	uname(&kernel);
	if (fstatfs(store->dirfd, &fs) == 0)
		buf_append_format(text, "%lx %x%x %s\n", (unsigned long)fs.f_type,
				  (unsigned int)fs.f_fsid.__val[0],
				  (unsigned int)fs.f_fsid.__val[1], kernel.release);
}

void trial_file_system(struct store *store)
{
	BUF_CLEANUP struct buf now = BUF_INIT, before = BUF_INIT;
	bool is_good = false;

	describe(store, &now);
	if (fd_read_file(store->dirfd, TRIED, &before, TRIED_MAX) == 0 && before.size == now.size &&
	    !memcmp(buf_text(&before), buf_text(&now), now.size))
		return;
	/* Not synced: when it gets lost, it is tried once more. */
	if (run_trial(store, &is_good) == 0 && is_good)
		fd_replace_file_volatile(store->dirfd, TRIED, now.data, now.size, 0600);
}
