/*
 * gunzip - gzip (RFC 1952) to bytes: any number of members behind each other.
 *
 * Members' CRC-32 and length aren't checked: a layer's SHA-256 covers the same bytes, and leaving
 * the CRC out saves more than a quarter of the work. Use it for nothing that isn't hashed.
 */
#ifndef STORE_GUNZIP_H
#define STORE_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

#include "lib/err.h"

#define GUNZIP_HEADER_MAX 65536 /* bytes of name, comment and extra fields of one member */

enum gunzip_part {
	GUNZIP_FIXED,
	GUNZIP_EXTRA_SIZE,
	GUNZIP_EXTRA,
	GUNZIP_NAME,
	GUNZIP_COMMENT,
	GUNZIP_HEADER_CRC,
	GUNZIP_BODY,
	GUNZIP_TRAILER,
};

struct gunzip {
	z_stream inflate;
	enum gunzip_part part;
	unsigned int flags;	  /* of the member's header */
	unsigned int count;	  /* bytes of the part so far */
	unsigned int extra;	  /* bytes of the extra field */
	unsigned int header_size; /* bytes of the header so far */
};

int gunzip_init(struct gunzip *gunzip, struct err *err);
void gunzip_release(struct gunzip *gunzip);

/*
 * Takes bytes from *in (advancing it) and puts some into `out`; returns how many. 0 means that it
 * wants more input, never that it ended. -EINVAL: this is no gzip.
 */
long gunzip_run(struct gunzip *gunzip, const unsigned char **in, size_t *in_size,
		unsigned char *out, size_t out_size, struct err *err);

/* May the input end here? */
bool gunzip_is_between_members(const struct gunzip *gunzip);

#endif
