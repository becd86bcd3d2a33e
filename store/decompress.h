/*
 * decompress - a stage that gives a layer's tar, whatever it was compressed with: gzip, zstd or
 * nothing. Which one it is the first bytes tell: media types are wrong often enough, and a digest
 * decides in the end.
 *
 * Memory: 170 kB with gzip; with zstd the window of the frame, up to 2^window_log bytes, and 0.5 MB.
 */
#ifndef STORE_DECOMPRESS_H
#define STORE_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/manifest.h"
#include "store/gunzip.h"
#include "store/stream.h"
#include "store/unzstd.h"

#define DECOMPRESS_PIECE (128 * 1024) /* bytes a call gives, at most */
#define DECOMPRESS_WINDOW_LOG 23      /* 8 MiB: what zstd needs up to level 19 */
#define DECOMPRESS_MAGIC 4

struct decompress {
	struct stream stream;
	struct stream *from;
	int window_log;
	bool begun, ended;
	enum compression kind;
	unsigned char *out; /* DECOMPRESS_PIECE bytes */

	const unsigned char *in; /* what is left of the last piece */
	size_t in_size;
	const unsigned char *after; /* follows `in` while that is `magic` */
	size_t after_size;
	unsigned char magic[DECOMPRESS_MAGIC];

	struct gunzip gunzip; /* of these two the one that `kind` names */
	struct unzstd unzstd;
	struct err failure;
};

/* `from` is borrowed. Errors: -EINVAL damaged, -EFBIG a zstd window over 2^window_log bytes. */
void decompress_init(struct decompress *decompress, struct stream *from, int window_log);
void decompress_release(struct decompress *decompress);

#endif
