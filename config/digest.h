/*
 * digest - the name of content: "sha256:" and 64 lower-case hex digits, as the OCI image spec
 * (descriptor.md, "Digests") writes it.
 *
 * Only sha256 is taken: it is what registries serve, and one hash function less is 10 kB less.
 * A digest is always valid or has an empty text (DIGEST_NONE: "there is none").
 */
#ifndef CONFIG_DIGEST_H
#define CONFIG_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_PREFIX "sha256:"
#define DIGEST_HEX_SIZE 64
#define DIGEST_TEXT_SIZE 72 /* prefix, hex digits, NUL */

struct digest {
	char text[DIGEST_TEXT_SIZE];
};

#define DIGEST_NONE ((struct digest){ "" })

/* 0 or -EINVAL; *digest is unchanged on error. */
int digest_parse(struct digest *digest, const char *text);

/* Why `text` is not a digest, for an error message: "only sha256 digests are supported". */
const char *digest_fault(const char *text);

/* From 64 hex digits without the prefix, as file names have them. 0 or -EINVAL. */
int digest_from_hex(struct digest *digest, const char *hex);

/* The hex digits, borrowed from the digest. "" when there is none. */
const char *digest_hex(const struct digest *digest);

/* Two absent digests are equal. */
bool digest_equal(const struct digest *a, const struct digest *b);
bool digest_is_none(const struct digest *digest);

/* Hashes bytes at hand; a stream goes through lib/sha256 and digest_from_hex(). */
void digest_of(struct digest *digest, const void *data, size_t size);

#endif
