/* Small files that are replaced whole: fd.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/sys.h"

#define TEMPORARY ".new"
#define SPARE ".spare"
#define HIDDEN_SIZE (NAME_MAX + 1)

static int hidden_name(char hidden[static HIDDEN_SIZE], const char *name, const char *suffix)
{
	if (strchr(name, '/') || 1 + strlen(name) + strlen(suffix) > NAME_MAX)
		return -EINVAL;
	snprintf(hidden, HIDDEN_SIZE, ".%s%s", name, suffix);
	return 0;
}

static int temporary_name(char temporary[static HIDDEN_SIZE], const char *name)
{
	return hidden_name(temporary, name, TEMPORARY);
}

/* Returns its descriptor; the temporary file is gone when it fails. */
static int write_temporary(const struct fd_content *file, const char *temporary, mode_t mode)
{
	FD_CLEANUP int fd = -1;
	int rc;

	/* A left-over from a power cut may be a hard link or have another mode: start anew. */
	if (unlinkat(file->dirfd, temporary, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(file->dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    mode);
	if (fd < 0)
		return -errno;
	rc = fd_write_full(fd, file->data, file->size);
	if (rc < 0) {
		unlinkat(file->dirfd, temporary, 0);
		return rc;
	}
	return fd_steal(&fd);
}

/*
 * When the content of all is on its place before the first fsync, that one's commit of the journal
 * has all inodes, and the others find nothing left to do.
 */
static int sync_contents(const int *fds, size_t count)
{
	for (size_t i = 0; i < count && count > 1; i++)
		sync_file_range(fds[i], 0, 0, SYNC_FILE_RANGE_WRITE);
	for (size_t i = 0; i < count && count > 1; i++)
		sync_file_range(fds[i], 0, 0, SYNC_FILE_RANGE_WAIT_AFTER);
	for (size_t i = 0; i < count; i++)
		if (fsync(fds[i]) < 0)
			return -errno;
	return 0;
}

static int rename_all(const struct fd_content *files, size_t count)
{
	char temporary[HIDDEN_SIZE];

	for (size_t i = 0; i < count; i++) {
		temporary_name(temporary, files[i].name);
		if (renameat(files[i].dirfd, temporary, files[i].dirfd, files[i].name) < 0)
			return -errno;
	}
	return 0;
}

static void remove_temporaries(const struct fd_content *files, size_t count)
{
	char temporary[HIDDEN_SIZE];

	for (size_t i = 0; i < count; i++) {
		temporary_name(temporary, files[i].name);
		unlinkat(files[i].dirfd, temporary, 0);
	}
}

static int replace_files(const struct fd_content *files, size_t count, mode_t mode, bool durable,
			 int before)
{
	char temporary[HIDDEN_SIZE];
	int fds[FD_REPLACE_MAX], rc = 0;
	size_t written = 0;

	for (; !rc && written < count; written += !rc) {
		rc = temporary_name(temporary, files[written].name);
		if (!rc)
			rc = fds[written] = write_temporary(&files[written], temporary, mode);
		rc = rc < 0 ? rc : 0;
	}
	if (!rc && durable)
		rc = sync_contents(fds, count);
	for (size_t i = 0; i < written; i++)
		close(fds[i]);
	if (!rc && before >= 0 && fsync(before) < 0)
		rc = -errno;
	if (!rc)
		rc = rename_all(files, count);
	if (rc < 0)
		remove_temporaries(files, written);
	for (size_t i = 0; !rc && durable && i < count; i++)
		if (fsync(files[i].dirfd) < 0)
			rc = -errno;
	return rc;
}

int fd_replace_files(const struct fd_content *files, size_t count, mode_t mode, int before)
{
	return count > FD_REPLACE_MAX ? -EINVAL : replace_files(files, count, mode, true, before);
}

int fd_replace_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode)
{
	const struct fd_content file = { dirfd, name, data, size };

	return replace_files(&file, 1, mode, true, -1);
}

int fd_replace_file_volatile(int dirfd, const char *name, const void *data, size_t size,
			     mode_t mode)
{
	const struct fd_content file = { dirfd, name, data, size };

	return replace_files(&file, 1, mode, false, -1);
}

/* Somebody may have put anything in its place; only a file that has no other name is written over. */
static int open_spare(int dirfd, const char *spare, mode_t mode, struct stat *st)
{
	int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	FD_CLEANUP int fd = openat(dirfd, spare, flags, mode);

	if (fd < 0 || fstat(fd, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1 || (st->st_mode & 07777) != mode)
		return -EEXIST;
	return fd_steal(&fd);
}

static int write_spare(int dirfd, const char *spare, const void *data, size_t size, mode_t mode)
{
	struct stat st;
	FD_CLEANUP int fd = open_spare(dirfd, spare, mode, &st);
	int rc;

	if (fd < 0)
		return fd;
	rc = fd_write_full(fd, data, size);
	if (!rc && st.st_size > (off_t)size && ftruncate(fd, (off_t)size) < 0)
		rc = -errno;
	return !rc && fdatasync(fd) < 0 ? -errno : rc;
}

int fd_exchange_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode)
{
	char spare[HIDDEN_SIZE];
	int rc = hidden_name(spare, name, SPARE);

	if (rc < 0)
		return rc;
	rc = write_spare(dirfd, spare, data, size, mode);
	if (rc < 0) {
		unlinkat(dirfd, spare, 0);
		return rc == -EEXIST || rc == -ELOOP ? fd_replace_file(dirfd, name, data, size, mode) : rc;
	}
	/* There is no file yet, or the file system can't exchange names. */
	if (sys_exchange(dirfd, spare, name) < 0 && renameat(dirfd, spare, dirfd, name) < 0)
		return -errno;
	if (fsync(dirfd) == 0)
		return 0;
	rc = -errno;
	unlinkat(dirfd, spare, 0); /* may still be NAME on the disk: not to be written over */
	return rc;
}

int fd_remove_exchanged(int dirfd, const char *name)
{
	char spare[HIDDEN_SIZE];
	int rc = hidden_name(spare, name, SPARE);

	if (rc < 0)
		return rc;
	if (unlinkat(dirfd, spare, 0) < 0 && errno != ENOENT)
		return -errno;
	if (unlinkat(dirfd, name, 0) < 0 || fsync(dirfd) < 0)
		return -errno;
	return 0;
}

/* Whether `name` is ".FILE" and the suffix; then `size` is that of FILE. */
static bool is_hidden(const char *name, const char *suffix, size_t *size)
{
	size_t all = strlen(name), end = strlen(suffix);

	*size = all - end - 1;
	return name[0] == '.' && all > 1 + end && !strcmp(name + all - end, suffix);
}

bool fd_is_left_over(int dirfd, const char *name)
{
	char file[HIDDEN_SIZE];
	size_t size;

	if (is_hidden(name, TEMPORARY, &size))
		return true;
	if (!is_hidden(name, SPARE, &size) || size > NAME_MAX)
		return false;
	snprintf(file, sizeof(file), "%.*s", (int)size, name + 1);
	return faccessat(dirfd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}
