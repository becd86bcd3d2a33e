#include "agent/container/logring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"

#define NAME "log"
#define NAME_OLD "log.1"

static void put_le(unsigned char *out, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		out[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get_le(const unsigned char *in, int bytes)
{
	uint64_t value = 0;

	for (int i = bytes; i-- > 0;)
		value = value << 8 | in[i];
	return value;
}

/*
 * The whole size of the record that the `got` bytes begin with, 0 when it is not whole yet, or
 * -EBADMSG.
 */
static ssize_t record_size(const char *bytes, size_t got)
{
	const unsigned char *header = (const unsigned char *)bytes;
	size_t length;

	if (got < LOGRING_HEADER)
		return 0;
	length = get_le(header + 4, 4);
	if (length > LOGRING_DATA_MAX ||
	    (header[0] != LOGRING_STDOUT && header[0] != LOGRING_STDERR))
		return -EBADMSG;
	return got < LOGRING_HEADER + length ? 0 : (ssize_t)(LOGRING_HEADER + length);
}

/* --- writer ----------------------------------------------------------------------------------- */

/* Where the last whole record ends: a writer that was killed may have left a part behind it. */
static int find_end(int fd, size_t *end)
{
	char space[LOGRING_HEADER + LOGRING_DATA_MAX];
	ssize_t size;

	*end = 0;
	do {
		ssize_t got = pread(fd, space, sizeof(space), (off_t)*end);

		if (got < 0)
			return -errno;
		size = record_size(space, (size_t)got);
		*end += size > 0 ? (size_t)size : 0;
	} while (size > 0);
	return 0;
}

int logring_open(struct logring *ring, int dirfd, size_t limit_bytes, struct err *err)
{
	int rc;

	*ring = (struct logring){ .dirfd = dirfd, .half_bytes = limit_bytes / 2, .fd = -1 };
	ring->fd = openat(dirfd, NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
	if (ring->fd < 0)
		return err_sys(err, "open the container's log");
	rc = find_end(ring->fd, &ring->size);
	if (!rc && ftruncate(ring->fd, (off_t)ring->size) < 0)
		rc = -errno;
	if (rc < 0) {
		fd_close(&ring->fd);
		return err_code(err, rc, "read the container's log");
	}
	return 0;
}

void logring_close(struct logring *ring)
{
	fd_close(&ring->fd);
}

static int rotate(struct logring *ring)
{
	int fd;

	if (renameat(ring->dirfd, NAME, ring->dirfd, NAME_OLD) < 0)
		return -errno;
	fd = openat(ring->dirfd, NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
	if (fd < 0)
		return -errno;
	fd_close(&ring->fd);
	ring->fd = fd;
	ring->size = 0;
	return 0;
}

/* Writes records that were put together; a part is taken back, so that the file stays readable. */
static int flush(struct logring *ring, const char *records, size_t size)
{
	int rc = 0;

	if (ring->size && ring->size + size > ring->half_bytes)
		rc = rotate(ring);
	if (!rc && size)
		rc = fd_write_full(ring->fd, records, size);
	if (rc < 0 && ftruncate(ring->fd, (off_t)ring->size) < 0)
		return rc;
	if (!rc)
		ring->size += size;
	return rc;
}

/* The length of the first record of `data`: a line, or what fits. */
static size_t record_length(const char *data, size_t size)
{
	size_t max = size < LOGRING_DATA_MAX ? size : LOGRING_DATA_MAX;
	const char *end = memchr(data, '\n', max);

	return end ? (size_t)(end - data) + 1 : max;
}

int logring_write(struct logring *ring, int stream, int64_t time_ns, const char *data, size_t size)
{
	/* Many short lines become one write(). */
	char batch[2 * (LOGRING_HEADER + LOGRING_DATA_MAX)];
	size_t used = 0;
	int rc;

	while (size) {
		size_t length = record_length(data, size);
		unsigned char *header;

		if (used + LOGRING_HEADER + length > sizeof(batch)) {
			rc = flush(ring, batch, used);
			if (rc < 0)
				return rc;
			used = 0;
		}
		header = (unsigned char *)batch + used;
		put_le(header, (uint64_t)stream, 4);
		put_le(header + 4, length, 4);
		put_le(header + 8, (uint64_t)time_ns, 8);
		memcpy(batch + used + LOGRING_HEADER, data, length);
		used += LOGRING_HEADER + length;
		data += length;
		size -= length;
	}
	return flush(ring, batch, used);
}

/* --- reader ----------------------------------------------------------------------------------- */

static int open_name(const struct logring_reader *reader, const char *name)
{
	int fd = openat(reader->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

static bool is_same_file(int a, int b)
{
	struct stat st_a, st_b;

	return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_ino == st_b.st_ino &&
	       st_a.st_dev == st_b.st_dev;
}

static void set_file(struct logring_reader *reader, int fd)
{
	fd_close(&reader->fd);
	reader->fd = fd;
	reader->offset = 0;
	reader->at = reader->end = 0;
}

/* Opens the oldest file there is. 0, also when there is none yet. */
static int open_oldest(struct logring_reader *reader)
{
	int fd = open_name(reader, NAME_OLD);

	if (fd == -ENOENT)
		fd = open_name(reader, NAME);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	set_file(reader, fd);
	return 0;
}

/*
 * The file that follows the present one, opened, or -ENOENT when that is still the newest. log.1
 * is looked at first: when it is another file than ours, it came between ours and "log".
 */
static int find_following(const struct logring_reader *reader)
{
	FD_CLEANUP int newest = open_name(reader, NAME);
	FD_CLEANUP int old = -1;

	if (newest < 0)
		return newest;
	if (is_same_file(newest, reader->fd))
		return -ENOENT;
	old = open_name(reader, NAME_OLD);
	if (old < 0 && old != -ENOENT)
		return old;
	/* A rotation between the two opens makes both the same file: then that is the next one. */
	if (old >= 0 && !is_same_file(old, reader->fd))
		return fd_steal(&old);
	return fd_steal(&newest);
}

/* The next record of this file: its size, 0 or a negative code. Short ones were read many at once. */
static ssize_t read_record(struct logring_reader *reader)
{
	ssize_t size = record_size(reader->data + reader->at, reader->end - reader->at);
	ssize_t got;

	if (size)
		return size;
	reader->at = reader->end = 0;
	got = pread(reader->fd, reader->data, sizeof(reader->data), reader->offset);
	if (got < 0)
		return -errno;
	reader->end = (size_t)got;
	return record_size(reader->data, reader->end);
}

/* The next record of whatever file has one: its size, 0 or a negative code. */
static ssize_t read_next(struct logring_reader *reader)
{
	for (;;) {
		ssize_t size = read_record(reader);
		int following;

		if (size)
			return size;
		following = find_following(reader);
		if (following < 0)
			return following == -ENOENT ? 0 : following;
		/* What was appended between the look at this file and its renaming. */
		size = read_record(reader);
		if (size) {
			fd_close(&following);
			return size;
		}
		set_file(reader, following);
	}
}

int logring_reader_open(struct logring_reader *reader, int dirfd)
{
	reader->fd = -1;
	reader->offset = 0;
	reader->at = reader->end = 0;
	reader->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	return reader->dirfd < 0 ? -errno : 0;
}

void logring_reader_close(struct logring_reader *reader)
{
	fd_close(&reader->fd);
	fd_close(&reader->dirfd);
}

int logring_reader_next(struct logring_reader *reader, struct logring_record *record)
{
	int rc = reader->fd < 0 ? open_oldest(reader) : 0;
	const unsigned char *header;
	ssize_t size;

	if (rc < 0 || reader->fd < 0)
		return rc;
	size = read_next(reader);
	if (size <= 0)
		return (int)size;
	header = (const unsigned char *)reader->data + reader->at;
	reader->offset += size;
	reader->at += (size_t)size;
	*record = (struct logring_record){
		.stream = header[0],
		.time_ns = (int64_t)get_le(header + 8, 8),
		.data = (const char *)header + LOGRING_HEADER,
		.size = (size_t)size - LOGRING_HEADER,
	};
	return 1;
}

static bool ends_line(const struct logring_record *record)
{
	return record->size && record->data[record->size - 1] == '\n';
}

int logring_reader_tail(struct logring_reader *reader, size_t lines)
{
	struct logring_record record;
	size_t total = 0;
	bool open_line = false;
	int rc;

	while ((rc = logring_reader_next(reader, &record)) > 0) {
		open_line = !ends_line(&record);
		total += !open_line;
	}
	if (rc < 0)
		return rc;
	total += open_line;
	fd_close(&reader->fd);
	/* What was rotated away meanwhile makes this skip too much rather than too little. */
	while (total > lines) {
		rc = logring_reader_next(reader, &record);
		if (rc <= 0)
			return rc;
		total -= ends_line(&record);
	}
	return 0;
}
