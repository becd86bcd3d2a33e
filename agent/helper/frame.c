#include "agent/helper/frame.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "lib/fd.h"

void frame_init(struct frame *frame)
{
	*frame = (struct frame){ .data = xmalloc(FRAME_PAYLOAD_MAX + 1) };
	frame->data[0] = '\0';
}

void frame_release(struct frame *frame)
{
	free(frame->data);
	*frame = (struct frame){ 0 };
}

int frame_parse_header(struct frame *frame, const void *header, struct err *err)
{
	const unsigned char *bytes = header;
	uint32_t size;

	memcpy(&size, bytes + 4, sizeof(size));
	size = le32toh(size);
	if (bytes[0] < FRAME_INDEX || bytes[0] > FRAME_END || bytes[1] || bytes[2] || bytes[3])
		return err_set(err, -EPROTO, "the stream from fetch holds no frame (type %u)",
			       bytes[0]);
	if (size > FRAME_PAYLOAD_MAX)
		return err_set(err, -EPROTO, "a frame from fetch has %lu bytes, more than %d",
			       (unsigned long)size, FRAME_PAYLOAD_MAX);
	frame->type = bytes[0];
	frame->size = size;
	return 0;
}

static int cut_short(ssize_t got, struct err *err)
{
	if (got < 0) {
		errno = (int)-got;
		return err_sys(err, "read the stream from fetch");
	}
	return err_set(err, -EPIPE, "the stream from fetch ends within a frame");
}

int frame_read(int fd, struct frame *frame, struct err *err)
{
	unsigned char header[FRAME_HEADER_SIZE];
	ssize_t got = fd_read_full(fd, header, sizeof(header));

	if (got == 0)
		return 0;
	if (got != (ssize_t)sizeof(header))
		return cut_short(got, err);
	int ret = frame_parse_header(frame, header, err);

	if (ret < 0)
		return ret;
	got = fd_read_full(fd, frame->data, frame->size);
	if (got != (ssize_t)frame->size)
		return cut_short(got, err);
	frame->data[frame->size] = '\0';
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
