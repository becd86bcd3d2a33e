#include "agent/api/mux.h"

#include <errno.h>
#include <string.h>

void mux_header(unsigned char header[static MUX_HEADER], int stream, size_t size)
{
	memset(header, 0, MUX_HEADER);
	header[0] = (unsigned char)stream;
	for (int i = 0; i < 4; i++)
		header[4 + i] = (unsigned char)(size >> (24 - 8 * i));
}

static int take_header(struct mux *mux)
{
	const unsigned char *header = mux->header;

	if (header[0] > MUX_ERROR || header[1] || header[2] || header[3])
		return -EPROTO;
	mux->left = (uint32_t)header[4] << 24 | (uint32_t)header[5] << 16 |
		    (uint32_t)header[6] << 8 | header[7];
	/* An empty frame has no piece: the next one begins. */
	if (!mux->left)
		mux->header_size = 0;
	return 0;
}

static int read_header(struct mux *mux, const char *data, size_t size, size_t *used)
{
	while (!mux->left && *used < size) {
		mux->header[mux->header_size++] = (unsigned char)data[(*used)++];
		if (mux->header_size == MUX_HEADER && take_header(mux) < 0)
			return -EPROTO;
	}
	return 0;
}

int mux_parse(struct mux *mux, const char *data, size_t size, struct mux_step *step)
{
	*step = (struct mux_step){ 0 };
	if (read_header(mux, data, size, &step->used) < 0)
		return -EPROTO;
	if (step->used == size)
		return 0;
	step->stream = mux->header[0];
	step->data = data + step->used;
	step->size = size - step->used < mux->left ? size - step->used : mux->left;
	step->used += step->size;
	mux->left -= (uint32_t)step->size;
	if (!mux->left)
		mux->header_size = 0;
	return 1;
}
