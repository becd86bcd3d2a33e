#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/sys.h"

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_steal(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

void free_pointer(void *pointer_to_pointer)
{
	void **p = pointer_to_pointer;

	free(*p);
	*p = NULL;
}

static int change_flags(int fd, int get, int set, int flag, bool on)
{
	int flags = fcntl(fd, get);

	if (flags < 0)
		return -errno;
	flags = on ? flags | flag : flags & ~flag;
	return fcntl(fd, set, flags) < 0 ? -errno : 0;
}

int fd_set_nonblocking(int fd, bool on)
{
	return change_flags(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int fd_set_cloexec(int fd, bool on)
{
	return change_flags(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

ssize_t fd_read_full(int fd, void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(fd, (char *)data + done, size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int fd_write_full(int fd, const void *data, size_t size)
{
	const char *from = data;

	while (size) {
		ssize_t put = write(fd, from, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN) {
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			poll(&wait, 1, -1);
			continue;
		}
		if (put < 0)
			return -errno;
		from += put;
		size -= (size_t)put;
	}
	return 0;
}

int fd_read_all(int fd, struct buf *out, size_t limit)
{
	size_t start = out->size;
	char first[4096]; /* most files are small: no room is asked for that they don't need */
	size_t room = limit < sizeof(first) ? limit + 1 : sizeof(first);
	ssize_t got = fd_read_full(fd, first, room);

	if (got < 0)
		return (int)got;
	if ((size_t)got > limit)
		return -EFBIG;
	buf_append(out, first, (size_t)got);
	while ((size_t)got == room) {
		room = limit - (out->size - start) + 1;
		if (room > 16384)
			room = 16384;
		got = fd_read_full(fd, buf_reserve(out, room), room);
		if (got < 0)
			return (int)got;
		if (out->size - start + (size_t)got > limit)
			return -EFBIG;
		buf_added(out, (size_t)got);
	}
	return 0;
}

int fd_read_file(int dirfd, const char *name, struct buf *out, size_t limit)
{
	FD_CLEANUP int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fd_read_all(fd, out, limit);
}

int fd_read_number(int dirfd, const char *name, int64_t *value)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char *end;
	int rc = fd_read_file(dirfd, name, &text, 64);

	if (rc < 0)
		return rc;
	errno = 0;
	*value = strtoll(buf_text(&text), &end, 10);
	if (end == buf_text(&text) || errno)
		return -EINVAL;
	return 0;
}

int fd_write_file(int dirfd, const char *name, const char *text)
{
	FD_CLEANUP int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	size_t size = strlen(text);
	ssize_t put;

	if (fd < 0)
		return -errno;
	do
		put = write(fd, text, size);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return -errno;
	return (size_t)put == size ? 0 : -EIO;
}

#define TEMPORARY_SIZE 272

#define TEMPORARY ".new"
#define SPARE ".spare"

static int hidden_name(char hidden[static TEMPORARY_SIZE], const char *name, const char *suffix)
{
	if (strchr(name, '/') || 1 + strlen(name) + strlen(suffix) > NAME_MAX)
		return -EINVAL;
	snprintf(hidden, TEMPORARY_SIZE, ".%s%s", name, suffix);
	return 0;
}

static int temporary_name(char temporary[static TEMPORARY_SIZE], const char *name)
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
	char spare[TEMPORARY_SIZE];
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
	char spare[TEMPORARY_SIZE];
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
	char file[NAME_MAX + 1];
	size_t size;

	if (is_hidden(name, TEMPORARY, &size))
		return true;
	if (!is_hidden(name, SPARE, &size) || size > NAME_MAX)
		return false;
	snprintf(file, sizeof(file), "%.*s", (int)size, name + 1);
	return faccessat(dirfd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

int fd_make_dir(int dirfd, const char *name, mode_t mode)
{
	struct stat st;

	if (mkdirat(dirfd, name, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (fstatat(dirfd, name, &st, 0) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int fd_open_dir(int dirfd, const char *name, mode_t mode)
{
	int fd, rc = fd_make_dir(dirfd, name, mode);

	if (rc < 0)
		return rc;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int fd_make_dirs(const char *path, mode_t mode)
{
	FREE_CLEANUP char *copy = xstrdup(path);

	for (char *p = copy + (*copy == '/'); *p; p++) {
		int rc;

		if (*p != '/')
			continue;
		*p = '\0';
		rc = fd_make_dir(AT_FDCWD, copy, mode);
		*p = '/';
		if (rc < 0)
			return rc;
	}
	return fd_make_dir(AT_FDCWD, copy, mode);
}

int fd_send(int sock, const void *data, size_t size, const int *fds, size_t count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FD_MESSAGE_MAX)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (count > FD_MESSAGE_MAX)
		return -EINVAL;
	if (count) {
		struct cmsghdr *header = &control.align;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
	}
	do
		sent = sendmsg(sock, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == size ? 0 : -EIO;
}

ssize_t fd_receive(int sock, void *data, size_t size, int *fds, size_t *count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FD_MESSAGE_MAX)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got;

	*count = 0;
	do
		got = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		*count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), *count * sizeof(int));
	}
	return got;
}
