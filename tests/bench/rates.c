/*
 * rates - one stage of a pull over so many bytes, for tests/bench/instructions: how much work it is a byte.
 *
 *	rates STAGE BYTES [FILE]
 *
 * sha256 (the processor's instructions where there are some), sha256-portable, chacha20 (with poly1305: TLS
 * where the processor has no AES): over BYTES bytes of memory. decompress, tar: FILE's first BYTES
 * bytes that come out; tar reads an archive that is not compressed, and writes nothing.
 * Prints the seconds that it took.
 */
#include <bearssl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/fd.h"
#include "lib/sha256.h"
#include "lib/sha256_engine.h"
#include "store/decompress.h"
#include "store/tar.h"

#define PIECE (128 * 1024)
#define FILE_SIZE_MAX (512u << 20)

struct memory {
	struct stream stream;
	const unsigned char *data;
	size_t left;
};

static ssize_t memory_next(struct stream *stream, const unsigned char **data, struct err *err)
{
	struct memory *memory = (struct memory *)stream;
	size_t size = memory->left < PIECE ? memory->left : PIECE;

	(void)err;
	*data = memory->data;
	memory->data += size;
	memory->left -= size;
	return (ssize_t)size;
}

static const struct sha256_engine *portable(void)
{
	const struct sha256_engine *const *engine = sha256_engines;

	while (engine[1])
		engine++;
	return *engine;
}

static void hash(const unsigned char *data, size_t size, const struct sha256_engine *engine)
{
	char hex[SHA256_HEX + 1];
	struct sha256 sha;

	sha256_init(&sha);
	if (engine)
		sha.engine = engine;
	for (size_t at = 0; at < size; at += PIECE)
		sha256_update(&sha, data + at, size - at < PIECE ? size - at : PIECE);
	sha256_final_hex(&sha, hex);
}

static void decipher(unsigned char *data, size_t size)
{
	unsigned char key[32] = { 1 }, nonce[12] = { 2 }, tag[16];
	const size_t record = 16384;

	for (size_t at = 0; at < size; at += record)
		br_poly1305_ctmul_run(key, nonce, data + at, size - at < record ? size - at : record, "head",
				      4, tag, br_chacha20_ct_run, 0);
}

static void fail(const char *what, const struct err *err)
{
	fprintf(stderr, "rates: %s: %s\n", what, err->text);
	exit(1);
}

static void decompress(struct memory *memory, size_t bytes)
{
	struct err err = ERR_INIT;
	struct decompress plain;
	const unsigned char *data;
	ssize_t got = 1;

	decompress_init(&plain, &memory->stream, DECOMPRESS_WINDOW_LOG);
	for (size_t done = 0; done < bytes && got > 0; done += (size_t)got)
		got = stream_next(&plain.stream, &data, &err);
	if (got < 0)
		fail("decompress", &err);
	decompress_release(&plain);
}

static void read_tar(struct memory *memory, size_t bytes)
{
	struct err err = ERR_INIT;
	struct archive_entry *entry;
	const void *data;
	struct tar tar;
	int64_t offset;
	size_t size, done = 0;
	int rc = 0;

	tar_open(&tar, &memory->stream);
	while (done < bytes && (rc = tar_next(&tar, &entry, &err)) > 0)
		for (done += 512; (rc = tar_data(&tar, &data, &size, &offset, &err)) > 0;)
			done += size;
	if (rc < 0)
		fail("tar", &err);
	tar_close(&tar);
}

static void run(const char *stage, struct memory *memory, unsigned char *data, size_t bytes)
{
	if (!strcmp(stage, "sha256"))
		hash(data, bytes, NULL);
	else if (!strcmp(stage, "sha256-portable"))
		hash(data, bytes, portable());
	else if (!strcmp(stage, "chacha20"))
		decipher(data, bytes);
	else if (!strcmp(stage, "decompress"))
		decompress(memory, bytes);
	else if (!strcmp(stage, "tar"))
		read_tar(memory, bytes);
}

int main(int argc, char **argv)
{
	struct buf file = BUF_INIT;
	struct timespec begin, end;
	size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned char *data = calloc(bytes + 1, 1);

	if (!bytes || !data) {
		fputs("usage: rates STAGE BYTES [FILE]\n", stderr);
		return 2;
	}
	if (argc > 3 && fd_read_file(AT_FDCWD, argv[3], &file, FILE_SIZE_MAX) < 0) {
		perror(argv[3]);
		return 1;
	}
	struct memory memory = { { memory_next }, (unsigned char *)file.data, file.size };

	clock_gettime(CLOCK_MONOTONIC, &begin);
	run(argv[1], &memory, data, bytes);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.6f\n", (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
	buf_release(&file);
	free(data);
	return 0;
}
