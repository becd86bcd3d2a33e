#include "store/decompress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Makes sure that there is input; 0 at its end. */
static ssize_t fill(struct decompress *d, struct err *err)
{
	ssize_t got;

	if (!d->in_size && d->after_size) {
		d->in = d->after;
		d->in_size = d->after_size;
		d->after_size = 0;
	}
	if (d->in_size)
		return (ssize_t)d->in_size;
	got = stream_next(d->from, &d->in, err);
	d->in_size = got > 0 ? (size_t)got : 0;
	return got;
}

/* The first bytes may come in pieces as small as one byte; then they are put together aside. */
static ssize_t read_magic(struct decompress *d, struct err *err)
{
	ssize_t first = fill(d, err);
	size_t have = 0;

	if (first >= DECOMPRESS_MAGIC) {
		memcpy(d->magic, d->in, DECOMPRESS_MAGIC);
		return DECOMPRESS_MAGIC;
	}
	while (have < DECOMPRESS_MAGIC) {
		ssize_t got = fill(d, err);
		size_t take;

		if (got < 0)
			return got;
		if (!got)
			break;
		take = (size_t)got < DECOMPRESS_MAGIC - have ? (size_t)got : DECOMPRESS_MAGIC - have;
		memcpy(d->magic + have, d->in, take);
		have += take;
		d->in += take;
		d->in_size -= take;
	}
	d->after = d->in;
	d->after_size = d->in_size;
	d->in = d->magic;
	d->in_size = have;
	return (ssize_t)have;
}

static enum compression detect(const unsigned char magic[static DECOMPRESS_MAGIC], size_t size)
{
	static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };

	if (size >= 2 && magic[0] == 0x1f && magic[1] == 0x8b)
		return COMPRESSION_GZIP;
	if (size < DECOMPRESS_MAGIC)
		return COMPRESSION_NONE;
	if (!memcmp(magic, zstd, sizeof(zstd)))
		return COMPRESSION_ZSTD;
	/* A skippable frame may come first: RFC 8878 section 3.1.2. */
	if ((magic[0] & 0xf0) == 0x50 && magic[1] == 0x2a && magic[2] == 0x4d && magic[3] == 0x18)
		return COMPRESSION_ZSTD;
	return COMPRESSION_NONE;
}

static int begin(struct decompress *d, struct err *err)
{
	ssize_t have = read_magic(d, err);

	if (have < 0)
		return (int)have;
	d->begun = true;
	d->kind = detect(d->magic, (size_t)have);
	if (d->kind == COMPRESSION_NONE)
		return 0;
	d->out = xmalloc(DECOMPRESS_PIECE);
	if (d->kind == COMPRESSION_GZIP)
		return gunzip_init(&d->gunzip, err);
	return unzstd_init(&d->unzstd, d->window_log, err);
}

static ssize_t next_plain(struct decompress *d, const unsigned char **data, struct err *err)
{
	ssize_t got = fill(d, err);

	*data = d->in;
	d->in_size = 0;
	return got;
}

static long run(struct decompress *d, struct err *err)
{
	if (d->kind == COMPRESSION_GZIP)
		return gunzip_run(&d->gunzip, &d->in, &d->in_size, d->out, DECOMPRESS_PIECE, err);
	return unzstd_run(&d->unzstd, &d->in, &d->in_size, d->out, DECOMPRESS_PIECE, err);
}

static int end(const struct decompress *d, struct err *err)
{
	bool whole = d->kind == COMPRESSION_GZIP ? gunzip_is_between_members(&d->gunzip) :
						   unzstd_is_between_frames(&d->unzstd);

	if (whole)
		return 0;
	return err_set(err, -EINVAL, "%s: the data ends too early",
		       d->kind == COMPRESSION_GZIP ? "gzip" : "zstd");
}

static ssize_t next_decompressed(struct decompress *d, const unsigned char **data, struct err *err)
{
	long got;

	*data = d->out;
	do {
		ssize_t have = fill(d, err);

		if (have < 0)
			return have;
		got = run(d, err);
		if (!have && !got)
			return end(d, err);
	} while (!got);
	return got;
}

static ssize_t pull(struct decompress *d, const unsigned char **data, struct err *err)
{
	if (!d->begun) {
		int rc = begin(d, err);

		if (rc < 0)
			return rc;
	}
	return d->kind == COMPRESSION_NONE ? next_plain(d, data, err) : next_decompressed(d, data, err);
}

static ssize_t decompress_next(struct stream *stream, const unsigned char **data, struct err *err)
{
	struct decompress *d = (struct decompress *)stream;
	ssize_t got;

	if (d->failure.code)
		return err_set(err, d->failure.code, "%s", d->failure.text);
	if (d->ended)
		return 0;
	got = pull(d, data, &d->failure);
	if (got < 0)
		return err_set(err, (int)got, "%s", d->failure.text);
	d->ended = !got;
	return got;
}

void decompress_init(struct decompress *decompress, struct stream *from, int window_log)
{
	*decompress = (struct decompress){
		.stream.next = decompress_next,
		.from = from,
		.window_log = window_log,
	};
}

void decompress_release(struct decompress *decompress)
{
	if (decompress->begun && decompress->kind == COMPRESSION_GZIP)
		gunzip_release(&decompress->gunzip);
	if (decompress->begun && decompress->kind == COMPRESSION_ZSTD)
		unzstd_release(&decompress->unzstd);
	free(decompress->out);
}
