#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"

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

int fd_create_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode)
{
	FD_CLEANUP int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	return fd < 0 ? -errno : fd_write_full(fd, data, size);
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
