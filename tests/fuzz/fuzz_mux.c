/* First byte: how the stream is cut. However it is cut, the same bytes come out, and no more than went in. */
#include <stdlib.h>
#include <string.h>

#include "agent/api/mux.h"
#include "lib/buf.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int run(const char *data, size_t size, size_t piece, struct buf *out)
{
	struct mux mux = { 0 };
	struct mux_step step;
	int rc = 0;

	for (size_t at = 0; at < size; at += piece) {
		size_t left = size - at < piece ? size - at : piece;
		const char *rest = data + at;

		while ((rc = mux_parse(&mux, rest, left, &step)) > 0) {
			if (!step.size || step.used > left || step.data < rest ||
			    step.data + step.size > rest + step.used)
				abort();
			buf_append(out, step.data, step.size);
			rest += step.used;
			left -= step.used;
		}
		if (rc < 0)
			return rc;
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct buf BUF_CLEANUP whole = BUF_INIT;
	struct buf BUF_CLEANUP cut = BUF_INIT;
	int rc;

	if (!size)
		return 0;
	rc = run((const char *)data + 1, size - 1, size, &whole);
	if (run((const char *)data + 1, size - 1, data[0] % 16 + 1, &cut) != rc ||
	    cut.size != whole.size || (whole.size && memcmp(cut.data, whole.data, whole.size)))
		abort();
	return 0;
}
