#include "store/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "store/extract_meta.h"
#include "store/subpath.h"

#define BUFFER_SIZE ((size_t)32 * 1024)
#define LARGE_FILE (128 * 1024)
#define HOLE_SLACK (128 * 1024) /* a block of the largest size at both ends */

void base_open(struct base *base, int dirfd, size_t count)
{
	*base = (struct base){ .dirfd = dirfd, .count = count, .buffer = xmalloc(BUFFER_SIZE) };
}

static void leave_dir(struct base *base)
{
	while (base->dir_count)
		fd_close(&base->dirs[--base->dir_count].fd);
	base->has_path = false;
}

void base_release(struct base *base)
{
	leave_dir(base);
	free(base->buffer);
	base->buffer = NULL;
}

/* --- directories --- */

static void open_in_layer(struct base *base, unsigned int number, const char *path)
{
	char name[16];
	int root, fd;

	snprintf(name, sizeof(name), "%u", number);
	root = openat(base->dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fd = root < 0 ? root : subpath_open_dir(root, path, strlen(path), O_PATH);
	fd_close(&root);
	if (fd >= 0)
		base->dirs[base->dir_count++] = (struct base_dir){ .fd = fd, .number = number };
}

static void enter_dir(struct base *base, const char *path)
{
	if (base->has_path && !strcmp(base->path, path))
		return;
	leave_dir(base);
	snprintf(base->path, sizeof(base->path), "%s", path);
	base->has_path = true;
	for (size_t i = base->count; i-- && base->dir_count < BASE_OPEN_MAX;)
		if (!base->is_left_out[i])
			open_in_layer(base, (unsigned int)i, path);
}

static const struct base_dir *locate(struct base *base, const char *dir, const char *name,
				     struct stat *st)
{
	enter_dir(base, dir);
	for (size_t i = 0; i < base->dir_count; i++)
		if (fstatat(base->dirs[i].fd, name, st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st->st_mode))
			return &base->dirs[i];
	return NULL;
}

int base_locate(struct base *base, const char *dir, const char *name, struct stat *st)
{
	const struct base_dir *found = locate(base, dir, name, st);

	return found ? (int)found->number : -1;
}

/* --- files --- */

int base_find(struct base *base, const char *dir, const char *name, struct archive_entry *entry,
	      unsigned int *number)
{
	struct stat st;
	const struct base_dir *found = locate(base, dir, name, &st);
	int fd;

	if (!found || !extract_has_meta(&st, entry))
		return -1;
	fd = openat(found->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !extract_has_xattrs(fd, entry))
		fd_close(&fd);
	if (fd >= 0 && st.st_size >= LARGE_FILE)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*number = found->number;
	return fd;
}

static ssize_t read_at(int fd, void *data, size_t size, int64_t at)
{
	ssize_t got;

	do
		got = pread(fd, data, size, at);
	while (got < 0 && errno == EINTR);
	return got;
}

static bool is_zero(struct base *base, int fd, int64_t at, int64_t end)
{
	while (at < end) {
		size_t piece = end - at < (int64_t)BUFFER_SIZE ? (size_t)(end - at) : BUFFER_SIZE;
		ssize_t got = read_at(fd, base->buffer, piece, at);

		for (ssize_t i = 0; i < got; i++)
			if (base->buffer[i])
				return false;
		if (got <= 0)
			return false;
		at += got;
	}
	return true;
}

/* Holes end with blocks, so there may be some zeros in front and behind. */
static bool is_hole(struct base *base, int fd, int64_t from, int64_t to)
{
	int64_t zeros = 0;

	while (from < to) {
		off_t data = lseek(fd, from, SEEK_DATA), end;

		if (data < 0 ? errno == ENXIO : data >= to)
			return true;
		end = data < 0 ? data : lseek(fd, data, SEEK_HOLE);
		if (end <= data)
			return false;
		end = end < to ? end : to;
		zeros += end - data;
		if (zeros > HOLE_SLACK || !is_zero(base, fd, data, end))
			return false;
		from = end;
	}
	return true;
}

bool base_is_equal(struct base *base, int fd, int64_t from, int64_t offset, const void *data,
		   size_t size)
{
	const unsigned char *rest = data;

	if (offset < from || (offset > from && !is_hole(base, fd, from, offset)))
		return false;
	while (size) {
		size_t piece = size < BUFFER_SIZE ? size : BUFFER_SIZE;
		ssize_t got = read_at(fd, base->buffer, piece, offset);

		/* A file that flash has damaged can't be read, or has other bytes: it is written anew. */
		if (got <= 0 || memcmp(base->buffer, rest, (size_t)got) != 0)
			return false;
		offset += got;
		rest += got;
		size -= (size_t)got;
	}
	return true;
}

static int copy_range(struct base *base, int fd, int64_t at, int64_t end, int to)
{
	if (lseek(to, at, SEEK_SET) < 0)
		return -1;
	while (at < end) {
		size_t piece = end - at < (int64_t)BUFFER_SIZE ? (size_t)(end - at) : BUFFER_SIZE;
		ssize_t got = read_at(fd, base->buffer, piece, at);
		int rc;

		if (got <= 0) {
			errno = got ? errno : EIO;
			return -1;
		}
		rc = fd_write_full(to, base->buffer, (size_t)got);
		if (rc < 0) {
			errno = -rc;
			return -1;
		}
		at += got;
	}
	return 0;
}

int base_copy(struct base *base, int fd, int64_t size, int to)
{
	for (int64_t at = 0; at < size;) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			break;
		data = data < 0 ? at : data; /* the file system knows no holes */
		hole = lseek(fd, data, SEEK_HOLE);
		hole = hole < 0 || hole > size ? size : hole;
		if (data < hole && copy_range(base, fd, data, hole, to) < 0)
			return -1;
		at = hole > data ? hole : size;
	}
	return lseek(to, size, SEEK_SET) < 0 ? -1 : 0;
}

void base_close_file(int *fd)
{
	struct stat st;

	if (*fd >= 0 && fstat(*fd, &st) == 0 && st.st_size >= LARGE_FILE)
		posix_fadvise(*fd, 0, 0, POSIX_FADV_DONTNEED);
	fd_close(fd);
}
