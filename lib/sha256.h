/*
 * sha256 - FIPS 180-4 SHA-256 of a stream. sha256_init, sha256_update any number of times, then
 * sha256_final once (the state is spent).
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include <bearssl_hash.h>
#include <stddef.h>

#define SHA256_BYTES 32
#define SHA256_HEX (2 * SHA256_BYTES)

struct sha256 {
	br_sha256_context state;
};

void sha256_init(struct sha256 *hash);
void sha256_update(struct sha256 *hash, const void *data, size_t size);
/* Lower-case hex and a NUL. */
void sha256_final_hex(struct sha256 *hash, char hex[static SHA256_HEX + 1]);
void sha256_hex(const void *data, size_t size, char hex[static SHA256_HEX + 1]);

#endif
