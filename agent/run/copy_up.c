#include "agent/run/copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"

static int copy_tree(int from, int to, int depth);

/* Owner before mode: chown() takes set-user-ID bits away. */
static int take_over(int fd, const struct stat *st)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };

	if (fchown(fd, st->st_uid, st->st_gid) < 0 || fchmod(fd, st->st_mode & 07777) < 0 ||
	    futimens(fd, times) < 0)
		return -errno;
	return 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	FD_CLEANUP int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	FD_CLEANUP int copy = -1;
	ssize_t count;

	if (source < 0)
		return -errno;
	copy = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (copy < 0)
		return -errno;
	while ((count = sendfile(copy, source, NULL, 1 << 20)) > 0)
		;
	return count < 0 ? -errno : take_over(copy, st);
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(from, name, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (symlinkat(target, to, name) < 0 ||
	    fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int open_dir(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int copy_dir(int from, int to, const char *name, const struct stat *st, int depth)
{
	FD_CLEANUP int source = open_dir(from, name);
	FD_CLEANUP int copy = -1;
	int rc;

	if (source < 0)
		return source;
	if (mkdirat(to, name, 0700) < 0)
		return -errno;
	copy = open_dir(to, name);
	if (copy < 0)
		return copy;
	rc = copy_tree(source, copy, depth + 1);
	return rc ?: take_over(copy, st);
}

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(from, to, name, &st);
	case S_IFLNK:
		return copy_link(from, to, name, &st);
	case S_IFDIR:
		return copy_dir(from, to, name, &st, depth);
	default:
		return 0;
	}
}

static int copy_tree(int from, int to, int depth)
{
	int own = open_dir(from, "."), rc = 0;
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;

	if (!dir) {
		rc = own < 0 ? own : -errno;
		fd_close(&own);
		return rc;
	}
	if (depth > COPY_UP_DEPTH_MAX)
		rc = -ELOOP;
	while (!rc && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = copy_entry(from, to, entry->d_name, depth);
	closedir(dir);
	return rc;
}

int copy_up(int from, int to, struct err *err)
{
	int rc = copy_tree(from, to, 0);

	if (rc == -ENOSPC)
		return err_set(err, rc, "copy the image's files into the tmpfs: they are more than "
					"its size allows");
	return rc < 0 ? err_code(err, rc, "copy the image's files into the tmpfs") : 0;
}
