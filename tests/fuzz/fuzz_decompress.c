/* gzip, zstd and plain streams. However the input is cut into pieces, the result has to be the same. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "store/decompress.h"
#include "tests/unit/memory_stream.h"

#define OUT_MAX (8 << 20) /* a small input can expand a thousandfold */
#define WINDOW_LOG 20

static int decompress(const uint8_t *data, size_t size, size_t piece, struct buf *out)
{
	const unsigned char *bytes;
	struct memory_stream memory;
	struct decompress stage;
	struct err err = ERR_INIT;
	ssize_t got;

	memory_stream_init(&memory, data, size, piece);
	decompress_init(&stage, &memory.stream, WINDOW_LOG);
	while ((got = stream_next(&stage.stream, &bytes, &err)) > 0 && out->size < OUT_MAX)
		buf_append(out, bytes, (size_t)got);
	if (got < 0 && !err.text[0])
		abort();
	decompress_release(&stage);
	memory_stream_release(&memory);
	return got > 0 ? 0 : (int)got;
}

static bool is_zstd(const uint8_t *data, size_t size)
{
	return size >= 4 && (!memcmp(data, "\x28\xb5\x2f\xfd", 4) || !memcmp(data + 1, "\x2a\x4d\x18", 3));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BUF_CLEANUP struct buf whole = BUF_INIT, cut = BUF_INIT;
	int rc = decompress(data, size, 0, &whole);
	int again = decompress(data, size, 1 + size % 13, &cut);

	/*
	 * A small frame that is there as a whole zstd 1.5.4 decodes another way, without a window, and when a
	 * part of its header came before, it may look for the rest of it in the wrong place. The digests
	 * notice; here nothing can be said about broken frames.
	 */
	if (is_zstd(data, size))
		return 0;
	/* Up to the place of an error, one may have given more than the other. */
	if (rc != again && whole.size < OUT_MAX && cut.size < OUT_MAX)
		abort();
	if (!rc && whole.size < OUT_MAX &&
	    (whole.size != cut.size || memcmp(buf_text(&whole), buf_text(&cut), whole.size)))
		abort();
	return 0;
}
