/* fd_remove_tree(): in a file of its own because walking a tree is its own subject. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"

/*
 * One descriptor is open per level, and a container can nest directories without end. What lies
 * deeper than this is moved up into the top directory first, to be removed from there.
 */
#define DEPTH_MAX 64

struct removal {
	int top; /* the directory that is removed */
	dev_t device;
	unsigned int moved;
};

static int remove_entry(struct removal *removal, int dirfd, const char *name, int depth);

static bool is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Takes fd. */
static int remove_content(struct removal *removal, int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		rc = -errno;
		close(fd);
		return rc;
	}
	while (!rc && (errno = 0, entry = readdir(dir)))
		if (!is_dot(entry->d_name))
			rc = remove_entry(removal, dirfd(dir), entry->d_name, depth + 1);
	if (!rc && errno)
		rc = -errno;
	closedir(dir);
	return rc;
}

/* A number that is taken already leads to the next one; an empty directory is simply replaced. */
static int move_up(struct removal *removal, int dirfd, const char *name)
{
	char number[16];

	do {
		snprintf(number, sizeof(number), "%u", removal->moved++);
		if (renameat(dirfd, name, removal->top, number) == 0)
			return 0;
	} while (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR);
	return -errno;
}

static int open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int remove_dir(struct removal *removal, int dirfd, const char *name, int depth)
{
	int fd = open_dir(dirfd, name);
	struct stat st;
	int rc;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (st.st_dev != removal->device)
		rc = -EXDEV; /* something is mounted here: its content isn't ours */
	else if (depth > DEPTH_MAX)
		rc = move_up(removal, dirfd, name);
	else
		return remove_content(removal, fd, depth) ?:
		       (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? -errno : 0);
	close(fd);
	return rc;
}

/* 1: it is a directory. */
static int remove_file(int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	return errno == EISDIR || errno == EPERM ? 1 : -errno;
}

static int remove_entry(struct removal *removal, int dirfd, const char *name, int depth)
{
	int rc = remove_file(dirfd, name);

	return rc > 0 ? remove_dir(removal, dirfd, name, depth) : rc;
}

/* Once more for what was moved up meanwhile: reading the directory may have missed it. */
static int remove_top(struct removal *removal)
{
	unsigned int moved;
	int fd, rc;

	do {
		moved = removal->moved;
		fd = open_dir(removal->top, ".");
		rc = fd < 0 ? fd : remove_content(removal, fd, 0);
	} while (!rc && moved != removal->moved);
	return rc;
}

int fd_remove_tree(int dirfd, const char *name)
{
	FD_CLEANUP int top = -1;
	struct removal removal = { 0 };
	struct stat st;
	int rc = remove_file(dirfd, name);

	if (rc <= 0)
		return rc;
	removal.top = top = open_dir(dirfd, name);
	if (top < 0)
		return top;
	if (fstat(top, &st) < 0)
		return -errno;
	removal.device = st.st_dev;
	rc = remove_top(&removal);
	if (!rc && unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		rc = -errno;
	return rc;
}
