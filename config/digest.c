#include "config/digest.h"

#include <errno.h>
#include <string.h>

#include "lib/sha256.h"

#define PREFIX_SIZE (sizeof(DIGEST_PREFIX) - 1)

_Static_assert(PREFIX_SIZE + DIGEST_HEX_SIZE + 1 == DIGEST_TEXT_SIZE, "room for the whole text");
_Static_assert(DIGEST_HEX_SIZE == SHA256_HEX, "a digest is a SHA-256");

static bool is_hex(const char *hex)
{
	return strlen(hex) == DIGEST_HEX_SIZE && strspn(hex, "0123456789abcdef") == DIGEST_HEX_SIZE;
}

int digest_from_hex(struct digest *digest, const char *hex)
{
	if (!is_hex(hex))
		return -EINVAL;
	memcpy(digest->text, DIGEST_PREFIX, PREFIX_SIZE);
	memcpy(digest->text + PREFIX_SIZE, hex, DIGEST_HEX_SIZE + 1);
	return 0;
}

int digest_parse(struct digest *digest, const char *text)
{
	if (strncmp(text, DIGEST_PREFIX, PREFIX_SIZE))
		return -EINVAL;
	return digest_from_hex(digest, text + PREFIX_SIZE);
}

const char *digest_fault(const char *text)
{
	const char *colon = strchr(text, ':');

	if (!colon || colon == text)
		return "a digest is written as sha256: and 64 hex digits";
	if (strncmp(text, DIGEST_PREFIX, PREFIX_SIZE))
		return "only sha256 digests are supported";
	if (strlen(text) != DIGEST_TEXT_SIZE - 1)
		return "a sha256 digest has 64 hex digits";
	return "a digest has lower-case hex digits only";
}

const char *digest_hex(const struct digest *digest)
{
	return digest_is_none(digest) ? "" : digest->text + PREFIX_SIZE;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return !strcmp(a->text, b->text);
}

bool digest_is_none(const struct digest *digest)
{
	return !digest->text[0];
}

void digest_of(struct digest *digest, const void *data, size_t size)
{
	memcpy(digest->text, DIGEST_PREFIX, PREFIX_SIZE);
	sha256_hex(data, size, digest->text + PREFIX_SIZE);
}
