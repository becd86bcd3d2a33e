#include "lib/sha256.h"

void sha256_init(struct sha256 *hash)
{
	br_sha256_init(&hash->state);
}

void sha256_update(struct sha256 *hash, const void *data, size_t size)
{
	br_sha256_update(&hash->state, data, size);
}

void sha256_final_hex(struct sha256 *hash, char hex[static SHA256_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[SHA256_BYTES];

	br_sha256_out(&hash->state, bytes);
	for (int i = 0; i < SHA256_BYTES; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[SHA256_HEX] = '\0';
}

void sha256_hex(const void *data, size_t size, char hex[static SHA256_HEX + 1])
{
	struct sha256 hash;

	sha256_init(&hash);
	sha256_update(&hash, data, size);
	sha256_final_hex(&hash, hex);
}
