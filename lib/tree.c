/* fd_remove_tree(): in a file of its own because walking a tree is its own subject. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"

/*
 * Deeper trees than this are refused with -ELOOP rather than followed: one descriptor stays open
 * per level, and path lengths (PATH_MAX / 2 components) bound what an image can hold anyway.
 */
#define DEPTH_MAX 2100

static int remove_entry(int dirfd, const char *name, dev_t device, int depth);

static bool is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Takes fd. */
static int remove_content(int fd, dev_t device, int depth)
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
			rc = remove_entry(dirfd(dir), entry->d_name, device, depth + 1);
	if (!rc && errno)
		rc = -errno;
	closedir(dir);
	return rc;
}

static int remove_dir(int dirfd, const char *name, dev_t device, int depth)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int rc;

	if (depth > DEPTH_MAX)
		rc = -ELOOP;
	else if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if (device && st.st_dev != device)
		rc = -EXDEV; /* something is mounted here: its content isn't ours */
	else
		return remove_content(fd, st.st_dev, depth) ?:
		       (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? -errno : 0);
	fd_close(&fd);
	return rc;
}

static int remove_entry(int dirfd, const char *name, dev_t device, int depth)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	return remove_dir(dirfd, name, device, depth);
}

int fd_remove_tree(int dirfd, const char *name)
{
	return remove_entry(dirfd, name, 0, 0);
}
