/*
 * SHA-256 with the cryptographic extension of ARMv8: "Arm Architecture Reference Manual", SHA256H,
 * SHA256H2, SHA256SU0, SHA256SU1. The same for 64 and 32 bits: boards with an ARMv8 processor often
 * run a 32-bit system. Not every ARMv8 processor has them (the Raspberry Pi 3 and 4 do not).
 */
#include "lib/sha256_engine.h"

#ifdef SHA256_ARM

#ifdef __clang__
/* clang before 16 hides the intrinsics unless the whole file is built for them. */
#ifndef __ARM_FEATURE_SHA2
#define __ARM_FEATURE_SHA2 1
#endif
#define TARGET __attribute__((target("crypto")))
#elif defined(__aarch64__)
#define TARGET __attribute__((target("+crypto")))
#else
#define TARGET __attribute__((target("arch=armv8-a,fpu=crypto-neon-fp-armv8")))
#endif

#include <arm_neon.h>
#include <sys/auxv.h>

#include "lib/sha256.h"

/* By force: -Os would keep the state in memory and call for every four rounds. */
#define INLINE TARGET static inline __attribute__((always_inline))

/* Linux, arch/arm/include/uapi/asm/hwcap.h; musl has no name for it. */
#if defined(__arm__) && !defined(HWCAP2_SHA2)
#define HWCAP2_SHA2 (1 << 3)
#endif

static bool arm_is_there(void)
{
#ifdef __aarch64__
	return getauxval(AT_HWCAP) & HWCAP_SHA2;
#else
	return getauxval(AT_HWCAP2) & HWCAP2_SHA2;
#endif
}

struct working {
	uint32x4_t abcd, efgh;
};

INLINE void four_rounds(struct working *v, uint32x4_t words, const uint32_t *k)
{
	uint32x4_t sum = vaddq_u32(words, vld1q_u32(k)), abcd = v->abcd;

	v->abcd = vsha256hq_u32(abcd, v->efgh, sum);
	v->efgh = vsha256h2q_u32(v->efgh, abcd, sum);
}

/* The next four words of the message schedule from the last 16, oldest first. */
INLINE uint32x4_t schedule(uint32x4_t w0, uint32x4_t w1, uint32x4_t w2, uint32x4_t w3)
{
	return vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3);
}

INLINE uint32x4_t load_words(const unsigned char *data)
{
	return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data)));
}

TARGET static void one_block(struct working *v, const unsigned char *data)
{
	const uint32_t *k = sha256_constants;
	const struct working before = *v;
	uint32x4_t w0 = load_words(data), w1 = load_words(data + 16);
	uint32x4_t w2 = load_words(data + 32), w3 = load_words(data + 48);

	/* In a loop, -Os does not mix rounds and schedule: slow on an in-order A53. */
#pragma GCC unroll 3
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
	v->abcd = vaddq_u32(v->abcd, before.abcd);
	v->efgh = vaddq_u32(v->efgh, before.efgh);
}

TARGET static void arm_blocks(uint32_t *state, const unsigned char *data, size_t count)
{
	struct working v = { .abcd = vld1q_u32(state), .efgh = vld1q_u32(state + 4) };

	for (; count; count--, data += SHA256_BLOCK)
		one_block(&v, data);
	vst1q_u32(state, v.abcd);
	vst1q_u32(state + 4, v.efgh);
}

const struct sha256_engine sha256_arm = {
	.name = "ARMv8 SHA2",
	.is_there = arm_is_there,
	.blocks = arm_blocks,
};

#endif
