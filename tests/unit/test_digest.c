#include <errno.h>

#include "config/digest.h"
#include "tests/unit/test.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void parses_what_is_a_sha256(void)
{
	struct digest digest = DIGEST_NONE;

	CHECK_INT(digest_parse(&digest, "sha256:" EMPTY), 0);
	CHECK_TEXT(digest.text, "sha256:" EMPTY);
	CHECK_TEXT(digest_hex(&digest), EMPTY);
	CHECK(!digest_is_none(&digest));
}

static void refuses_everything_else_and_keeps_the_old(void)
{
	static const char *const wrong[] = {
		"",
		EMPTY,
		"sha256:",
		"sha256:" EMPTY "0",
		"sha256:e3",
		"sha512:" EMPTY EMPTY,
		"SHA256:" EMPTY,
		"sha256: " EMPTY,
		"sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	};
	struct digest digest, before;

	digest_of(&before, "x", 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		digest = before;
		CHECK_INT(digest_parse(&digest, wrong[i]), -EINVAL);
		CHECK(digest_equal(&digest, &before));
	}
}

static void tells_what_is_wrong(void)
{
	CHECK_HAS(digest_fault("latest"), "sha256: and 64 hex digits");
	CHECK_HAS(digest_fault("sha512:" EMPTY EMPTY), "only sha256");
	CHECK_HAS(digest_fault("sha256:abc"), "64 hex digits");
	CHECK_HAS(
		digest_fault(
			"sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
		"lower-case");
}

static void hashes_bytes(void)
{
	struct digest digest, parsed;

	digest_of(&digest, "", 0);
	CHECK_INT(digest_from_hex(&parsed, EMPTY), 0);
	CHECK(digest_equal(&digest, &parsed));
	digest_of(&digest, "abc", 3);
	CHECK_TEXT(digest.text,
		   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	CHECK(!digest_equal(&digest, &parsed));
}

static void none_is_a_value(void)
{
	struct digest a = DIGEST_NONE, b = DIGEST_NONE;

	CHECK(digest_is_none(&a));
	CHECK(digest_equal(&a, &b));
	CHECK_TEXT(digest_hex(&a), "");
}

int main(void)
{
	RUN(parses_what_is_a_sha256);
	RUN(refuses_everything_else_and_keeps_the_old);
	RUN(tells_what_is_wrong);
	RUN(hashes_bytes);
	RUN(none_is_a_value);
	return test_end();
}
