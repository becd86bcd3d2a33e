#include "lib/xxh64.h"

#include <endian.h>
#include <string.h>

#define PRIME_1 0x9E3779B185EBCA87u
#define PRIME_2 0xC2B2AE3D27D4EB4Fu
#define PRIME_3 0x165667B19E3779F9u
#define PRIME_4 0x85EBCA77C2B2AE63u
#define PRIME_5 0x27D4EB2F165667C5u

static inline uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline uint64_t read64(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

static inline uint64_t read32(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static inline uint64_t mix(uint64_t lane, uint64_t input)
{
	return rotate(lane + input * PRIME_2, 31) * PRIME_1;
}

static const unsigned char *add_stripes(uint64_t lanes[static 4], const unsigned char *at,
					size_t count)
{
	uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];

	for (; count; count--, at += XXH64_STRIPE) {
		a = mix(a, read64(at));
		b = mix(b, read64(at + 8));
		c = mix(c, read64(at + 16));
		d = mix(d, read64(at + 24));
	}
	lanes[0] = a;
	lanes[1] = b;
	lanes[2] = c;
	lanes[3] = d;
	return at;
}

void xxh64_init(struct xxh64 *hash)
{
	*hash = (struct xxh64){
		.lanes = { PRIME_1 + PRIME_2, PRIME_2, 0, -PRIME_1 },
	};
}

void xxh64_update(struct xxh64 *hash, const void *data, size_t size)
{
	size_t held = hash->total % XXH64_STRIPE;
	const unsigned char *at = data;

	if (!size)
		return;
	hash->total += size;
	if (held) {
		size_t more = XXH64_STRIPE - held;

		if (more > size)
			more = size;
		memcpy(hash->rest + held, at, more);
		at += more;
		size -= more;
		if (held + more < XXH64_STRIPE)
			return;
		add_stripes(hash->lanes, hash->rest, 1);
	}
	at = add_stripes(hash->lanes, at, size / XXH64_STRIPE);
	memcpy(hash->rest, at, size % XXH64_STRIPE);
}

static uint64_t join_lanes(const uint64_t lanes[static 4])
{
	uint64_t value = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) +
			 rotate(lanes[3], 18);

	for (int i = 0; i < 4; i++)
		value = (value ^ mix(0, lanes[i])) * PRIME_1 + PRIME_4;
	return value;
}

static uint64_t add_rest(uint64_t value, const unsigned char *at, size_t size)
{
	for (; size >= 8; size -= 8, at += 8)
		value = rotate(value ^ mix(0, read64(at)), 27) * PRIME_1 + PRIME_4;
	if (size >= 4) {
		value = rotate(value ^ read32(at) * PRIME_1, 23) * PRIME_2 + PRIME_3;
		at += 4;
		size -= 4;
	}
	for (; size; size--, at++)
		value = rotate(value ^ *at * PRIME_5, 11) * PRIME_1;
	return value;
}

uint64_t xxh64_value(const struct xxh64 *hash)
{
	uint64_t value = hash->total >= XXH64_STRIPE ? join_lanes(hash->lanes) : PRIME_5;

	value = add_rest(value + hash->total, hash->rest, hash->total % XXH64_STRIPE);
	value = (value ^ value >> 33) * PRIME_2;
	value = (value ^ value >> 29) * PRIME_3;
	return value ^ value >> 32;
}

uint64_t xxh64_of(const void *data, size_t size)
{
	struct xxh64 hash;

	xxh64_init(&hash);
	xxh64_update(&hash, data, size);
	return xxh64_value(&hash);
}
