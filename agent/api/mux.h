/*
 * mux - Docker's multiplexed stream, in which logs, exec and attach carry stdout and stderr: frames
 * of u8 stream, u8[3] zero, u32 length big-endian, and `length` bytes.
 *
 *	while ((rc = mux_parse(&mux, data, size, &step)) > 0) {
 *		step.stream, step.data, step.size	a piece of one stream, inside of data
 *		data += step.used, size -= step.used;
 *	}
 */
#ifndef AGENT_API_MUX_H
#define AGENT_API_MUX_H

#include <stddef.h>
#include <stdint.h>

#define MUX_HEADER 8
#define MUX_STDIN 0
#define MUX_STDOUT 1
#define MUX_STDERR 2
#define MUX_ERROR 3 /* from the daemon itself */

void mux_header(unsigned char header[static MUX_HEADER], int stream, size_t size);

/* Reads such a stream. All zero at first. */
struct mux {
	unsigned char header[MUX_HEADER];
	size_t header_size;
	uint32_t left; /* of the frame at hand */
};

struct mux_step {
	size_t used;
	int stream;
	const char *data;
	size_t size;
};

/* 1: a piece; 0: all of data is used, more is needed; -EPROTO: this is no such stream. */
int mux_parse(struct mux *mux, const char *data, size_t size, struct mux_step *step);

#endif
