/* Archives that are only too much of something. */
#include <errno.h>

#include "store/extract.h"
#include "tests/unit/memory_stream.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tar_builder.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct err err;

/* One block, over and over: an archive without end. */
struct endless {
	struct stream stream;
	const struct buf *block;
};

static ssize_t endless_next(struct stream *stream, const unsigned char **data, struct err *unused)
{
	const struct endless *endless = (const struct endless *)stream;

	(void)unused;
	*data = (const unsigned char *)endless->block->data;
	return (ssize_t)endless->block->size;
}

static int unpack(struct stream *stream, struct extract_result *result)
{
	int dir = fd_open_dir(scratch.fd, "tree", 0755);
	int rc;

	err = (struct err)ERR_INIT;
	rc = extract(stream, dir, NULL, NULL, result, &err);
	close(dir);
	return rc;
}

static void entries_are_counted(void)
{
	BUF_CLEANUP struct buf block = BUF_INIT;
	struct endless endless = { .stream.next = endless_next, .block = &block };
	struct extract_result result;

	for (int i = 0; i < 64; i++)
		tar_file(&block, ".wh.nothing", 0644, "");
	CHECK_INT(unpack(&endless.stream, &result), -EFBIG);
	CHECK_HAS(err.text, "more than 1000000 entries");
}

static void extended_headers_are_bounded(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT, lines = BUF_INIT;
	struct memory_stream memory;
	struct extract_result result;
	char *value = calloc(1, 2 << 20);

	memset(value, 'v', (2 << 20) - 1);
	tar_pax_line(&lines, "SCHILY.xattr.user.large", value, (2 << 20) - 1);
	tar_pax(&tar, &lines);
	tar_file(&tar, "x", 0644, "x");
	tar_end(&tar);
	memory_stream_init(&memory, tar.data, tar.size, 4096);
	CHECK_INT(unpack(&memory.stream, &result), -EINVAL);
	CHECK_HAS(err.text, "too large");
	memory_stream_release(&memory);
	free(value);
}

int main(void)
{
	scratch_open(&scratch);
	RUN(entries_are_counted);
	RUN(extended_headers_are_bounded);
	scratch_close(&scratch);
	return test_end();
}
