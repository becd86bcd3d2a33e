/* memory_stream - bytes in memory as a stream, given out in pieces of a chosen size. */
#ifndef TESTS_UNIT_MEMORY_STREAM_H
#define TESTS_UNIT_MEMORY_STREAM_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/stream.h"

struct memory_stream {
	struct stream stream;
	const unsigned char *data;
	size_t size;
	size_t piece; /* bytes a call, 0: all at once */
	size_t fail_at; /* an error (-EIO) instead of the byte there; 0: none */
	size_t given;
	unsigned char *held; /* pieces are handed out as copies, so that reading past one is seen */
};

static ssize_t memory_stream_next(struct stream *stream, const unsigned char **data,
				  struct err *err)
{
	struct memory_stream *memory = (struct memory_stream *)stream;
	size_t count = memory->size - memory->given;

	if (memory->fail_at && memory->given >= memory->fail_at)
		return err_set(err, -EIO, "planted failure");
	if (memory->piece && count > memory->piece)
		count = memory->piece;
	if (memory->fail_at && memory->given + count > memory->fail_at)
		count = memory->fail_at - memory->given;
	free(memory->held);
	memory->held = malloc(count ? count : 1);
	if (count)
		memcpy(memory->held, memory->data + memory->given, count);
	*data = memory->held;
	memory->given += count;
	return (ssize_t)count;
}

static inline void memory_stream_init(struct memory_stream *memory, const void *data, size_t size,
				      size_t piece)
{
	*memory = (struct memory_stream){
		.stream.next = memory_stream_next, .data = data, .size = size, .piece = piece
	};
}

static inline void memory_stream_release(struct memory_stream *memory)
{
	free(memory->held);
	memory->held = NULL;
}

#endif
