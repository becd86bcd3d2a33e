/*
 * frame - what fetch tells decode, and decode unpack, over a pipe: a stream of typed frames.
 *
 * A frame is a header of 8 bytes, {u8 type, u8 zero[3], u32 length little-endian}, and `length`
 * bytes of payload, at most FRAME_PAYLOAD_MAX. The stream of one pull is
 *
 *	INDEX*  MANIFEST+  CONFIG+  ( LAYER DATA* LAYER_END )*  END
 *
 * INDEX, MANIFEST and CONFIG are whole documents: frames of the same type that follow each other
 * are one document cut in pieces (FRAME_DOCUMENT_MAX). INDEX is there when the digest that was
 * asked for is an index. LAYER's payload is the layer's place in manifest.layers as ASCII decimal,
 * DATA is the blob as it came over the wire, from decode on the tar that was in it. A stream that
 * ends without END is a pull that failed.
 *
 * The reader trusts nothing here: frames only carry bytes, digests say whether they are right.
 */
#ifndef AGENT_HELPER_FRAME_H
#define AGENT_HELPER_FRAME_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"

enum frame_type {
	FRAME_INDEX = 1,
	FRAME_MANIFEST,
	FRAME_CONFIG,
	FRAME_LAYER,
	FRAME_DATA,
	FRAME_LAYER_END,
	FRAME_END,
};

#define FRAME_HEADER_SIZE 8
#define FRAME_PAYLOAD_MAX (128 * 1024)
#define FRAME_WHOLE_MAX 64
#define FRAME_DOCUMENT_MAX (4 << 20)

struct frame {
	enum frame_type type;
	size_t size;
	const unsigned char *data; /* in the reader's buffer: valid until the next call */
};

/* Reads as much as there is with one system call, and hands it out where it lies. */
struct frame_reader {
	int fd; /* borrowed */
	unsigned char *buffer;
	size_t begin, end; /* what of it was read and not handed out */
	struct frame frame; /* its size: what is still to come of it */
};

void frame_reader_init(struct frame_reader *reader, int fd);
void frame_reader_release(struct frame_reader *reader);

/* Reads a header of FRAME_HEADER_SIZE bytes into type and size. -EPROTO when it is none. */
int frame_parse_header(struct frame *frame, const void *header, struct err *err);

/*
 * Waits for the next frame: 1 when there is one, 0 at the end of the stream between two frames,
 * negative on a broken header (-EPROTO), a frame cut short (-EPIPE) or a read error. One of more
 * than FRAME_WHOLE_MAX bytes may come in pieces, which are frames of its type.
 */
int frame_read(struct frame_reader *reader, struct frame *frame, struct err *err);

/*
 * Writes `size` bytes as frames of `type`: one, empty when size is 0, or as many as it takes. Waits while
 * the pipe is full. Returns 0 or a negative errno value; -EPIPE (SIGPIPE has to be ignored) when
 * the reader is gone.
 */
int frame_write(int fd, enum frame_type type, const void *data, size_t size);

#endif
