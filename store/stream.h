/*
 * stream - bytes that are pulled through a chain of stages, a piece at a time and without copies:
 *
 *	decode: frames from fetch -> verify (blob digest) -> decompress -> frames
 *	unpack: frames from decode -> verify (diff ID) -> tar
 *
 * A stage embeds a struct stream as its first member, holds a pointer to the stage before it and
 * lives on its user's stack.
 */
#ifndef STORE_STREAM_H
#define STORE_STREAM_H

#include <sys/types.h>

#include "lib/err.h"

struct stream {
	/*
	 * Sets *data to the next piece, valid until the next call, and returns its size; 0 at the
	 * end; a negative errno value with the reason. After 0 or an error it says the same again.
	 */
	ssize_t (*next)(struct stream *stream, const unsigned char **data, struct err *err);
};

static inline ssize_t stream_next(struct stream *stream, const unsigned char **data,
				  struct err *err)
{
	return stream->next(stream, data, err);
}

#endif
