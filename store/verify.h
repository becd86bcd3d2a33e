/*
 * verify - a stage that hashes what passes and lets the stream end only if digest and size are right.
 *
 * What came out before the end is not yet known to be good: whoever used it must call
 * verify_finish() and throw the result away when that fails.
 */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/digest.h"
#include "lib/sha256.h"
#include "store/stream.h"

#define VERIFY_SIZE_UNKNOWN (-1)

struct verify {
	struct stream stream;
	struct stream *from;
	const char *what; /* for errors: "layer 2" */
	struct digest expected;
	int64_t size;  /* bytes it must have, or VERIFY_SIZE_UNKNOWN */
	int64_t limit; /* bytes it may have */
	int64_t seen;
	struct sha256 hash;
	struct err failure; /* the first; code 0: none */
	bool ended;
};

/* Arguments are borrowed. -EBADMSG: digest or size is wrong; -EFBIG: over the limit. */
void verify_init(struct verify *verify, struct stream *from, const char *what,
		 const struct digest *expected, int64_t size, int64_t limit);

/* Reads what the consumer left (a tar's padding) up to the end and says whether all of it was right. */
int verify_finish(struct verify *verify, struct err *err);

#endif
