#include "agent/helper/frame.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/fd.h"

#define BUFFER_SIZE (128 * 1024)

void frame_reader_init(struct frame_reader *reader, int fd)
{
	*reader = (struct frame_reader){ .fd = fd, .buffer = xmalloc(BUFFER_SIZE) };
}

void frame_reader_release(struct frame_reader *reader)
{
	free(reader->buffer);
	*reader = (struct frame_reader){ .fd = -1 };
}

int frame_parse_header(struct frame *frame, const void *header, struct err *err)
{
	const unsigned char *bytes = header;
	uint32_t size;

	memcpy(&size, bytes + 4, sizeof(size));
	size = le32toh(size);
	if (bytes[0] < FRAME_INDEX || bytes[0] > FRAME_END || bytes[1] || bytes[2] || bytes[3])
		return err_set(err, -EPROTO, "the stream holds no frame (type %u)",
			       bytes[0]);
	if (size > FRAME_PAYLOAD_MAX)
		return err_set(err, -EPROTO, "a frame has %lu bytes, more than %d",
			       (unsigned long)size, FRAME_PAYLOAD_MAX);
	frame->type = bytes[0];
	frame->size = size;
	return 0;
}

/* Makes sure that `want` bytes are in the buffer, at most BUFFER_SIZE; less at the end of the stream. */
static int fill(struct frame_reader *reader, size_t want, struct err *err)
{
	if (reader->end - reader->begin >= want)
		return 0;
	memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
	reader->end -= reader->begin;
	reader->begin = 0;
	while (reader->end < want) {
		ssize_t got = read(reader->fd, reader->buffer + reader->end, BUFFER_SIZE - reader->end);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, "read the stream");
		if (!got)
			break;
		reader->end += (size_t)got;
	}
	return 0;
}

/* 1: reader->frame is the next one; 0: the stream has ended. */
static int read_header(struct frame_reader *reader, struct err *err)
{
	int ret = fill(reader, FRAME_HEADER_SIZE, err);

	if (ret < 0 || reader->begin == reader->end)
		return ret;
	if (reader->end - reader->begin < FRAME_HEADER_SIZE)
		return err_set(err, -EPIPE, "the stream ends within a frame");
	ret = frame_parse_header(&reader->frame, reader->buffer + reader->begin, err);
	reader->begin += FRAME_HEADER_SIZE;
	return ret < 0 ? ret : 1;
}

int frame_read(struct frame_reader *reader, struct frame *frame, struct err *err)
{
	size_t want, have;
	int ret = reader->frame.size ? 1 : read_header(reader, err);

	if (ret <= 0)
		return ret;
	want = reader->frame.size;
	if (want > FRAME_WHOLE_MAX)
		want = 1;
	ret = fill(reader, want, err);
	have = reader->end - reader->begin;
	if (ret < 0)
		return ret;
	if (have < want)
		return err_set(err, -EPIPE, "the stream ends within a frame");
	*frame = reader->frame;
	frame->data = reader->buffer + reader->begin;
	if (frame->size > have)
		frame->size = have;
	reader->begin += frame->size;
	reader->frame.size -= frame->size;
	return 1;
}

/* One writev where the pipe has room, so that a frame costs one system call. */
static int write_one(int fd, enum frame_type type, const char *data, size_t size)
{
	unsigned char header[FRAME_HEADER_SIZE] = { (unsigned char)type };
	uint32_t length = htole32((uint32_t)size);
	struct iovec parts[2] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = size },
	};
	ssize_t written;

	memcpy(header + 4, &length, sizeof(length));
	do
		written = writev(fd, parts, 2);
	while (written < 0 && errno == EINTR);
	if (written < 0 && errno != EAGAIN)
		return -errno;
	if (written < 0)
		written = 0;
	if ((size_t)written < sizeof(header)) {
		int ret = fd_write_full(fd, header + written, sizeof(header) - (size_t)written);

		if (ret < 0)
			return ret;
		written = sizeof(header);
	}
	size_t sent = (size_t)written - sizeof(header);

	return sent < size ? fd_write_full(fd, data + sent, size - sent) : 0;
}

int frame_write(int fd, enum frame_type type, const void *data, size_t size)
{
	const char *next = data ? data : "";

	do {
		size_t piece = size < FRAME_PAYLOAD_MAX ? size : FRAME_PAYLOAD_MAX;
		int ret = write_one(fd, type, next, piece);

		if (ret < 0)
			return ret;
		next += piece;
		size -= piece;
	} while (size > 0);
	return 0;
}
