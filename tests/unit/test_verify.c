#include <errno.h>

#include "store/verify.h"
#include "tests/unit/memory_stream.h"
#include "tests/unit/test.h"

static const char text[] = "the quick brown fox jumps over the lazy dog";

#define SIZE ((int64_t)sizeof(text) - 1)

/* Reads `calls` pieces first, as a consumer that stops early; then finishes. */
static int run(const char *expected_of, int64_t size, int64_t limit, int calls, struct err *err)
{
	const unsigned char *data;
	struct memory_stream memory;
	struct verify verify;
	struct digest digest;
	int rc;

	digest_of(&digest, expected_of, strlen(expected_of));
	memory_stream_init(&memory, text, (size_t)SIZE, 7);
	verify_init(&verify, &memory.stream, "blob", &digest, size, limit);
	while (calls-- > 0 && stream_next(&verify.stream, &data, err) > 0)
		;
	rc = verify_finish(&verify, err);
	if (rc < 0) /* it stays so */
		CHECK_INT(verify_finish(&verify, NULL), rc);
	memory_stream_release(&memory);
	return rc;
}

static void right_bytes_pass(void)
{
	struct err err = ERR_INIT;

	CHECK_INT(run(text, SIZE, SIZE, 100, &err), 0);
	CHECK_INT(run(text, VERIFY_SIZE_UNKNOWN, 1000, 100, &err), 0);
	CHECK_TEXT(err.text, "");
}

static void what_the_consumer_left_is_hashed_too(void)
{
	CHECK_INT(run(text, SIZE, SIZE, 0, NULL), 0);
	CHECK_INT(run(text, SIZE, SIZE, 3, NULL), 0);
	CHECK_INT(run("other", SIZE, SIZE, 3, NULL), -EBADMSG);
}

static void wrong_digest_and_size_are_told(void)
{
	struct err err = ERR_INIT;

	CHECK_INT(run("other", SIZE, SIZE, 100, &err), -EBADMSG);
	CHECK_HAS(err.text, "blob is damaged: its digest is sha256:");
	CHECK_INT(run(text, SIZE + 1, SIZE + 1, 100, &err), -EBADMSG);
	CHECK_HAS(err.text, "43 bytes instead of 44");
	CHECK_INT(run(text, SIZE - 1, SIZE - 1, 100, &err), -EBADMSG);
	CHECK_HAS(err.text, "more than its 42 bytes");
	CHECK_INT(run(text, VERIFY_SIZE_UNKNOWN, 20, 100, &err), -EFBIG);
	CHECK_HAS(err.text, "20 bytes");
}

static void errors_of_the_source_pass_through(void)
{
	struct err err = ERR_INIT;
	struct memory_stream memory;
	struct verify verify;
	struct digest digest;

	digest_of(&digest, text, strlen(text));
	memory_stream_init(&memory, text, (size_t)SIZE, 7);
	memory.fail_at = 10;
	verify_init(&verify, &memory.stream, "blob", &digest, SIZE, SIZE);
	CHECK_INT(verify_finish(&verify, &err), -EIO);
	CHECK_TEXT(err.text, "planted failure");
	memory.fail_at = 0;
	CHECK_INT(verify_finish(&verify, &err), -EIO);
	memory_stream_release(&memory);
}

int main(void)
{
	RUN(right_bytes_pass);
	RUN(what_the_consumer_left_is_hashed_too);
	RUN(wrong_digest_and_size_are_told);
	RUN(errors_of_the_source_pass_through);
	return test_end();
}
