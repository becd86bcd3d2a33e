/*
 * xxh64 - XXH64, a fast 64-bit hash: notices damage, withstands no attacker.
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, with seed 0.
 *
 *	xxh64_init(&hash); xxh64_update(&hash, data, size) ...; value = xxh64_value(&hash);
 *
 * libzstd has one too, but keeps it to itself.
 */
#ifndef LIB_XXH64_H
#define LIB_XXH64_H

#include <stddef.h>
#include <stdint.h>

#define XXH64_STRIPE 32 /* bytes */

struct xxh64 {
	uint64_t lanes[4];
	uint64_t total; /* bytes */
	unsigned char rest[XXH64_STRIPE];
};

void xxh64_init(struct xxh64 *hash);
void xxh64_update(struct xxh64 *hash, const void *data, size_t size);
/* Of what was added so far; more may follow. */
uint64_t xxh64_value(const struct xxh64 *hash);

/* All at once. */
uint64_t xxh64_of(const void *data, size_t size);

#endif
