/*
 * sha256 - FIPS 180-4 SHA-256 of a stream. sha256_init, sha256_update any number of times, then
 * sha256_final_hex once (the state is spent). Uses the processor's instructions for it where there
 * are some: lib/sha256_engine.h.
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX (2 * SHA256_BYTES)
#define SHA256_BLOCK 64

struct sha256 {
	const struct sha256_engine *engine;
	uint32_t state[SHA256_BYTES / 4];
	uint64_t size;			   /* bytes so far */
	unsigned char block[SHA256_BLOCK]; /* the last of them, which do not fill a block yet */
};

void sha256_init(struct sha256 *hash);
void sha256_update(struct sha256 *hash, const void *data, size_t size);
/* Lower-case hex and a NUL. */
void sha256_final_hex(struct sha256 *hash, char hex[static SHA256_HEX + 1]);
void sha256_hex(const void *data, size_t size, char hex[static SHA256_HEX + 1]);

#endif
