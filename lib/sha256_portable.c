/*
 * Without special instructions. BearSSL's takes 39 instructions a byte on aarch64, this 30 (armv7: 40 and 38): on a board
 * whose processor has none, hashing is what bounds a pull.
 */
#include <endian.h>
#include <string.h>

#include "lib/sha256.h"
#include "lib/sha256_engine.h"

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

/* FIPS 180-4, 4.1.2. The majority of a, b and c: `ab` is a ^ b, `bc` the same of the round before. */
#define SUM0(x) (ROTATE(x, 2) ^ ROTATE(x, 13) ^ ROTATE(x, 22))
#define SUM1(x) (ROTATE(x, 6) ^ ROTATE(x, 11) ^ ROTATE(x, 25))
#define SIGMA0(x) (ROTATE(x, 7) ^ ROTATE(x, 18) ^ (x) >> 3)
#define SIGMA1(x) (ROTATE(x, 17) ^ ROTATE(x, 19) ^ (x) >> 10)

/* 6.2.2 step 3, with the variables' names moved on instead of their values. */
#define ROUND(a, b, c, d, e, f, g, h, i) \
	do { \
		uint32_t ab = (a) ^ (b); \
		(h) += SUM1(e) + ((g) ^ ((e) & ((f) ^ (g)))) + k[i] + w[i]; \
		(d) += (h); \
		(h) += SUM0(a) + ((b) ^ (ab & bc)); \
		bc = ab; \
	} while (0)

#define EIGHT_ROUNDS(i) \
	do { \
		ROUND(a, b, c, d, e, f, g, h, (i)); \
		ROUND(h, a, b, c, d, e, f, g, (i) + 1); \
		ROUND(g, h, a, b, c, d, e, f, (i) + 2); \
		ROUND(f, g, h, a, b, c, d, e, (i) + 3); \
		ROUND(e, f, g, h, a, b, c, d, (i) + 4); \
		ROUND(d, e, f, g, h, a, b, c, (i) + 5); \
		ROUND(c, d, e, f, g, h, a, b, (i) + 6); \
		ROUND(b, c, d, e, f, g, h, a, (i) + 7); \
	} while (0)

/* 6.2.2 step 1, the next 16 words in the place of the last. */
#define EXTEND(i) \
	(w[i] += SIGMA0(w[((i) + 1) & 15]) + w[((i) + 9) & 15] + SIGMA1(w[((i) + 14) & 15]))
#define EXTEND_FOUR(i) (EXTEND(i), EXTEND((i) + 1), EXTEND((i) + 2), EXTEND((i) + 3))

static void hash_block(uint32_t state[static 8], const unsigned char *data)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
	uint32_t bc = b ^ c, w[16];

	memcpy(w, data, sizeof(w));
	for (int i = 0; i < 16; i++)
		w[i] = be32toh(w[i]);
	for (const uint32_t *k = sha256_constants;; k += 16) {
		EIGHT_ROUNDS(0);
		EIGHT_ROUNDS(8);
		if (k == sha256_constants + 48)
			break;
		EXTEND_FOUR(0), EXTEND_FOUR(4), EXTEND_FOUR(8), EXTEND_FOUR(12);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

static bool always_there(void)
{
	return true;
}

static void portable_blocks(uint32_t *state, const unsigned char *data, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hash_block(state, data + i * SHA256_BLOCK);
}

const struct sha256_engine sha256_portable = {
	.name = "portable",
	.is_there = always_there,
	.blocks = portable_blocks,
};
