/*
 * sha256_engine - the ways to hash a block: with the processor's own instructions, or portably. For
 * lib/sha256.c, which takes the first that the machine has, and for the test, which tries them all.
 */
#ifndef LIB_SHA256_ENGINE_H
#define LIB_SHA256_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the compiler can build an engine for; whether the processor has it is asked at run time. */
#if defined(__x86_64__)
#define SHA256_X86 1
#elif defined(__AARCH64EL__) || (defined(__ARMEL__) && !defined(__clang__))
/* 32 bits: clang's arm_neon.h is an error unless the whole file is built for NEON. */
#define SHA256_ARM 1
#endif

struct sha256_engine {
	const char *name;
	bool (*is_there)(void);
	/* Hashes `count` blocks of 64 bytes, aligned anyhow, into `state` (FIPS 180-4, 6.2.2). */
	void (*blocks)(uint32_t *state, const unsigned char *data, size_t count);
};

extern const struct sha256_engine sha256_x86, sha256_arm, sha256_portable;

/* Best first. The last one is portable; NULL ends the list. */
extern const struct sha256_engine *const sha256_engines[];

/* The constants K of FIPS 180-4, 4.2.2, in the order of the rounds. */
extern const uint32_t sha256_constants[64];

#endif
