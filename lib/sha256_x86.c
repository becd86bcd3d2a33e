/*
 * SHA-256 with the SHA extensions of x86: Intel's "Software Developer's Manual", volume 2,
 * SHA256RNDS2, SHA256MSG1, SHA256MSG2. Goldmont, Zen, Ice Lake and later have them. Legacy SSE
 * encodings only, whose registers every 64-bit kernel keeps: XGETBV need not be asked.
 */
#include "lib/sha256_engine.h"

#ifdef SHA256_X86

#include <cpuid.h>
#include <immintrin.h>

#include "lib/sha256.h"

/* By force: -Os would keep the state in memory and call for every four rounds. */
#define INLINE TARGET static inline __attribute__((always_inline))

#define TARGET __attribute__((target("sha,ssse3")))

/* CPUID leaf 7, EBX bit 29, which not every <cpuid.h> has a name for. */
#define LEAF_7_EBX_SHA (1u << 29)

static bool x86_is_there(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & LEAF_7_EBX_SHA);
}

/* The eight words as the instruction wants them: the first that is named is the highest lane. */
struct working {
	__m128i abef, cdgh;
};

/* Two rounds put the new A, B, E, F where C, D, G, H were: after four the names are right again. */
INLINE void four_rounds(struct working *v, __m128i words, const uint32_t *k)
{
	__m128i sum = _mm_add_epi32(words, _mm_loadu_si128((const __m128i *)k));

	v->cdgh = _mm_sha256rnds2_epu32(v->cdgh, v->abef, sum);
	v->abef = _mm_sha256rnds2_epu32(v->abef, v->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/* The next four words of the message schedule from the last 16, oldest first. */
INLINE __m128i schedule(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
	__m128i minus_7 = _mm_alignr_epi8(w3, w2, 4);

	return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), minus_7), w3);
}

INLINE __m128i load_words(const unsigned char *data)
{
	const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data), swap);
}

TARGET static void one_block(struct working *v, const unsigned char *data)
{
	const uint32_t *k = sha256_constants;
	const struct working before = *v;
	__m128i w0 = load_words(data), w1 = load_words(data + 16);
	__m128i w2 = load_words(data + 32), w3 = load_words(data + 48);

	for (; k < sha256_constants + 48; k += 16) {
		four_rounds(v, w0, k);
		w0 = schedule(w0, w1, w2, w3);
		four_rounds(v, w1, k + 4);
		w1 = schedule(w1, w2, w3, w0);
		four_rounds(v, w2, k + 8);
		w2 = schedule(w2, w3, w0, w1);
		four_rounds(v, w3, k + 12);
		w3 = schedule(w3, w0, w1, w2);
	}
	four_rounds(v, w0, k);
	four_rounds(v, w1, k + 4);
	four_rounds(v, w2, k + 8);
	four_rounds(v, w3, k + 12);
	v->abef = _mm_add_epi32(v->abef, before.abef);
	v->cdgh = _mm_add_epi32(v->cdgh, before.cdgh);
}

INLINE __m128i pack(uint32_t lane3, uint32_t lane2, uint32_t lane1, uint32_t lane0)
{
	return _mm_set_epi32((int)lane3, (int)lane2, (int)lane1, (int)lane0);
}

TARGET static void x86_blocks(uint32_t *state, const unsigned char *data, size_t count)
{
	struct working v = {
		.abef = pack(state[0], state[1], state[4], state[5]),
		.cdgh = pack(state[2], state[3], state[6], state[7]),
	};
	uint32_t feba[4], hgdc[4];

	for (; count; count--, data += SHA256_BLOCK)
		one_block(&v, data);
	_mm_storeu_si128((__m128i *)feba, v.abef);
	_mm_storeu_si128((__m128i *)hgdc, v.cdgh);
	for (int i = 0; i < 2; i++) {
		state[i] = feba[3 - i];
		state[2 + i] = hgdc[3 - i];
		state[4 + i] = feba[1 - i];
		state[6 + i] = hgdc[1 - i];
	}
}

const struct sha256_engine sha256_x86 = {
	.name = "SHA-NI",
	.is_there = x86_is_there,
	.blocks = x86_blocks,
};

#endif
