/* Streams that gzip(1) and zstd(1) made, read back in pieces of every awkward size, and damaged ones. */
#include <errno.h>
#include <fcntl.h>
#include <zlib.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "store/decompress.h"
#include "tests/unit/memory_stream.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct scratch scratch;

/* Some of it repeats, some doesn't: both matches and literals. */
static void make_plain(struct buf *plain, size_t size)
{
	unsigned int seed = 1;

	while (plain->size < size) {
		seed = seed * 1103515245 + 12345;
		buf_append_format(plain, "line %zu of %u ............................\n",
				  plain->size, seed);
	}
	plain->size = size;
}

/* stdin -> COMMAND -> stdout, by the shell. */
static void filter(const struct buf *in, struct buf *out, const char *command)
{
	char whole[1024];

	CHECK_INT(fd_replace_file_volatile(scratch.fd, "in", in->data, in->size, 0600), 0);
	snprintf(whole, sizeof(whole), "cd %s && { %s; } <in >out", scratch.path, command);
	CHECK_INT(system(whole), 0);
	CHECK_INT(fd_read_file(scratch.fd, "out", out, 64 << 20), 0);
}

static int decompress(const struct buf *in, size_t piece, struct buf *out, struct err *err)
{
	const unsigned char *data;
	struct memory_stream memory;
	struct decompress stage;
	ssize_t got;

	memory_stream_init(&memory, in->data, in->size, piece);
	decompress_init(&stage, &memory.stream, DECOMPRESS_WINDOW_LOG);
	while ((got = stream_next(&stage.stream, &data, err)) > 0)
		buf_append(out, data, (size_t)got);
	CHECK_INT(stream_next(&stage.stream, &data, NULL), got);
	decompress_release(&stage);
	memory_stream_release(&memory);
	return (int)got;
}

static void check_same(const struct buf *in, const struct buf *plain, size_t piece)
{
	BUF_CLEANUP struct buf out = BUF_INIT;
	struct err err = ERR_INIT;

	CHECK_INT(decompress(in, piece, &out, &err), 0);
	CHECK_TEXT(err.text, "");
	CHECK(out.size == plain->size && !memcmp(buf_text(&out), buf_text(plain), plain->size));
}

static void check_command(const char *command, size_t size)
{
	BUF_CLEANUP struct buf plain = BUF_INIT, packed = BUF_INIT;

	make_plain(&plain, size);
	filter(&plain, &packed, command);
	check_same(&packed, &plain, 0);
	check_same(&packed, &plain, 65536);
	check_same(&packed, &plain, 4093);
	if (size <= 100000)
		check_same(&packed, &plain, 1);
}

static void what_the_tools_make_is_read_back(void)
{
	static const char *const commands[] = {
		"cat", "gzip -n", "gzip -1", "gzip -9 -N", "zstd -q -3", "zstd -q -19",
		"zstd -q --no-check -1", "zstd -q --format=gzip 2>/dev/null || gzip",
		/* several members and frames, also empty ones */
		"(head -c 1000 | gzip; cat | gzip; gzip </dev/null)",
		"(head -c 1000 | zstd -q; cat | zstd -q; zstd -q </dev/null)",
	};
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		check_command(commands[i], 100000);
		check_command(commands[i], 3 << 20);
	}
}

static void gzip_headers_with_every_field(void)
{
	BUF_CLEANUP struct buf plain = BUF_INIT, packed = BUF_INIT;
	unsigned char out[4096];
	gz_header header = {
		.name = (Bytef *)(uintptr_t)"layer.tar", .comment = (Bytef *)(uintptr_t)"a comment",
		.extra = (Bytef *)(uintptr_t)"extra field", .extra_len = 11, .hcrc = 1,
	};
	z_stream z = { 0 };

	make_plain(&plain, 1000);
	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	deflateSetHeader(&z, &header);
	z.next_in = (Bytef *)plain.data;
	z.avail_in = (uInt)plain.size;
	z.next_out = out;
	z.avail_out = sizeof(out);
	CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_append(&packed, out, z.total_out);
	deflateEnd(&z);
	for (size_t piece = 1; piece < 40; piece++)
		check_same(&packed, &plain, piece);
}

static void zstd_skippable_frames_are_skipped(void)
{
	BUF_CLEANUP struct buf plain = BUF_INIT, frame = BUF_INIT, packed = BUF_INIT;
	static const char skippable[] = "\x5a\x2a\x4d\x18\x05\0\0\0hello";

	make_plain(&plain, 5000);
	filter(&plain, &frame, "zstd -q");
	buf_append(&packed, skippable, sizeof(skippable) - 1);
	buf_append(&packed, frame.data, frame.size);
	buf_append(&packed, skippable, sizeof(skippable) - 1);
	check_same(&packed, &plain, 0);
	check_same(&packed, &plain, 1);
}

static void nothing_at_all_is_an_empty_stream(void)
{
	BUF_CLEANUP struct buf nothing = BUF_INIT, tiny = BUF_INIT;

	check_same(&nothing, &nothing, 0);
	for (int i = 0; i < 5; i++) {
		buf_append_text(&tiny, "x");
		check_same(&tiny, &tiny, 1);
	}
}

/* Cut anywhere, or with something behind it, it must not look whole. */
static void damage_is_noticed(const char *command, const char *name)
{
	BUF_CLEANUP struct buf plain = BUF_INIT, packed = BUF_INIT;
	size_t whole;

	make_plain(&plain, 2000);
	filter(&plain, &packed, command);
	whole = packed.size;
	for (packed.size = 4; packed.size < whole; packed.size++) {
		BUF_CLEANUP struct buf out = BUF_INIT;
		struct err err = ERR_INIT;

		CHECK_INT(decompress(&packed, 0, &out, &err), -EINVAL);
		CHECK_HAS(err.text, name);
	}
	buf_append_text(&packed, "behind it");
	BUF_CLEANUP struct buf out = BUF_INIT;

	CHECK_INT(decompress(&packed, 0, &out, NULL), -EINVAL);
}

static void cut_and_trailed_gzip_is_refused(void)
{
	damage_is_noticed("gzip", "gzip: ");
}

static void cut_and_trailed_zstd_is_refused(void)
{
	damage_is_noticed("zstd -q", "zstd: ");
}

static void large_zstd_windows_are_refused_with_a_hint(void)
{
	BUF_CLEANUP struct buf plain = BUF_INIT, packed = BUF_INIT, out = BUF_INIT;
	struct err err = ERR_INIT;

	make_plain(&plain, 9 << 20);
	filter(&plain, &packed, "zstd -q -3 --long=24");
	CHECK_INT(decompress(&packed, 0, &out, &err), -EFBIG);
	CHECK_HAS(err.text, "more than 8 MiB");
	CHECK_HAS(err.text, "--long");
	CHECK_INT(out.size, 0);

	buf_clear(&packed);
	filter(&plain, &packed, "zstd -q -3 --long=23");
	check_same(&packed, &plain, 65536);
}

static void endless_gzip_headers_are_refused(void)
{
	BUF_CLEANUP struct buf packed = BUF_INIT, out = BUF_INIT;
	struct err err = ERR_INIT;

	buf_append(&packed, "\x1f\x8b\x08\x08\0\0\0\0\0\0", 10); /* a name ... */
	for (int i = 0; i < 70000; i++)
		buf_append_text(&packed, "x"); /* ... without an end */
	CHECK_INT(decompress(&packed, 0, &out, &err), -EINVAL);
	CHECK_HAS(err.text, "65536");
}

static void errors_of_the_source_pass_through(void)
{
	BUF_CLEANUP struct buf plain = BUF_INIT, packed = BUF_INIT;
	static const char *const commands[] = { "cat", "gzip", "zstd -q" };

	make_plain(&plain, 20000);
	for (size_t i = 0; i < 3; i++) {
		const unsigned char *data;
		struct err err = ERR_INIT;
		struct memory_stream memory;
		struct decompress stage;
		ssize_t got;

		buf_clear(&packed);
		filter(&plain, &packed, commands[i]);
		memory_stream_init(&memory, packed.data, packed.size, 100);
		memory.fail_at = packed.size / 2;
		decompress_init(&stage, &memory.stream, DECOMPRESS_WINDOW_LOG);
		while ((got = stream_next(&stage.stream, &data, &err)) > 0)
			;
		CHECK_INT(got, -EIO);
		CHECK_TEXT(err.text, "planted failure");
		decompress_release(&stage);
		memory_stream_release(&memory);
	}
}

int main(void)
{
	scratch_open(&scratch);
	RUN(what_the_tools_make_is_read_back);
	RUN(gzip_headers_with_every_field);
	RUN(zstd_skippable_frames_are_skipped);
	RUN(nothing_at_all_is_an_empty_stream);
	RUN(cut_and_trailed_gzip_is_refused);
	RUN(cut_and_trailed_zstd_is_refused);
	RUN(large_zstd_windows_are_refused_with_a_hint);
	RUN(endless_gzip_headers_are_refused);
	RUN(errors_of_the_source_pass_through);
	scratch_close(&scratch);
	return test_end();
}
