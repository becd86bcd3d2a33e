/* Small files that are replaced whole: fd.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"

#define TEMPORARY ".new"
#define TEMPORARY_SIZE (NAME_MAX + 1)

static int temporary_name(char temporary[static TEMPORARY_SIZE], const char *name)
{
	if (strchr(name, '/') || 1 + strlen(name) + strlen(TEMPORARY) > NAME_MAX)
		return -EINVAL;
	snprintf(temporary, TEMPORARY_SIZE, ".%s" TEMPORARY, name);
	return 0;
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
	char temporary[TEMPORARY_SIZE];

	for (size_t i = 0; i < count; i++) {
		temporary_name(temporary, files[i].name);
		if (renameat(files[i].dirfd, temporary, files[i].dirfd, files[i].name) < 0)
			return -errno;
	}
	return 0;
}

static void remove_temporaries(const struct fd_content *files, size_t count)
{
	char temporary[TEMPORARY_SIZE];

	for (size_t i = 0; i < count; i++) {
		temporary_name(temporary, files[i].name);
		unlinkat(files[i].dirfd, temporary, 0);
	}
}

static int replace_files(const struct fd_content *files, size_t count, mode_t mode, bool durable,
			 int before)
{
	char temporary[TEMPORARY_SIZE];
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

bool fd_is_left_over(const char *name)
{
	size_t all = strlen(name), end = strlen(TEMPORARY);

	return name[0] == '.' && all > 1 + end && !strcmp(name + all - end, TEMPORARY);
}
