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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BUF_CLEANUP struct buf whole = BUF_INIT, cut = BUF_INIT;
	int rc = decompress(data, size, 0, &whole);
	int again = decompress(data, size, 1 + size % 13, &cut);

	/* zstd needs no window, and so refuses none, when it sees a whole small frame at once. */
	if (rc == -EFBIG || again == -EFBIG)
		return 0;
	/* Up to the place of an error, one may have given more than the other. */
	if (rc != again && whole.size < OUT_MAX && cut.size < OUT_MAX)
		abort();
	if (!rc && whole.size < OUT_MAX &&
	    (whole.size != cut.size || memcmp(buf_text(&whole), buf_text(&cut), whole.size)))
		abort();
	return 0;
}
