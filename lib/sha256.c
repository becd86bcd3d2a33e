#include "lib/sha256.h"

#include <endian.h>
#include <string.h>

#include "lib/sha256_engine.h"

#define LENGTH_AT (SHA256_BLOCK - sizeof(uint64_t)) /* in the last block */

const struct sha256_engine *const sha256_engines[] = {
#ifdef SHA256_X86
	&sha256_x86,
#endif
#ifdef SHA256_ARM
	&sha256_arm,
#endif
	&sha256_portable,
	NULL,
};

/* Asked once: CPUID leaves a virtual machine, which takes longer than a short hash. */
static const struct sha256_engine *best_engine(void)
{
	static const struct sha256_engine *best;

	if (!best) {
		const struct sha256_engine *const *engine = sha256_engines;

		while (!(*engine)->is_there())
			engine++;
		best = *engine;
	}
	return best;
}

void sha256_init(struct sha256 *hash)
{
	*hash = (struct sha256){
		.engine = best_engine(),
		.state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, /* FIPS 180-4, 5.3.3 */
			   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 },
	};
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

void sha256_update(struct sha256 *hash, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	size_t used = hash->size % SHA256_BLOCK;

	if (!size) /* data may be NULL */
		return;
	hash->size += size;
	if (used) {
		size_t part = min_size(size, SHA256_BLOCK - used);

		memcpy(hash->block + used, bytes, part);
		if (used + part < SHA256_BLOCK)
			return;
		hash->engine->blocks(hash->state, hash->block, 1);
		bytes += part;
		size -= part;
	}
	if (size >= SHA256_BLOCK)
		hash->engine->blocks(hash->state, bytes, size / SHA256_BLOCK);
	memcpy(hash->block, bytes + size / SHA256_BLOCK * SHA256_BLOCK, size % SHA256_BLOCK);
}

/* FIPS 180-4, 5.1.1: a one bit, zeros, and the size in bits at the end of a block. */
static void pad(struct sha256 *hash)
{
	static const unsigned char padding[SHA256_BLOCK] = { 0x80 };
	const uint64_t bits = htobe64(hash->size * 8);
	size_t used = hash->size % SHA256_BLOCK;

	/* Modulo one block, as the type is unsigned: 1 to 64 bytes. */
	sha256_update(hash, padding, (LENGTH_AT - 1 - used) % SHA256_BLOCK + 1);
	sha256_update(hash, &bits, sizeof(bits));
}

void sha256_final_hex(struct sha256 *hash, char hex[static SHA256_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";

	pad(hash);
	for (int i = 0; i < SHA256_HEX; i++)
		hex[i] = digits[hash->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
	hex[SHA256_HEX] = '\0';
}

void sha256_hex(const void *data, size_t size, char hex[static SHA256_HEX + 1])
{
	struct sha256 hash;

	sha256_init(&hash);
	sha256_update(&hash, data, size);
	sha256_final_hex(&hash, hex);
}
