/* tar_builder - archives written by hand, entry by entry, so that they can be as bad as they like. */
#ifndef TESTS_UNIT_TAR_BUILDER_H
#define TESTS_UNIT_TAR_BUILDER_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

struct tar_header {
	const char *name; /* up to 100 bytes; longer ones by tar_pax() */
	char type;	  /* '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' dir, '6' fifo */
	unsigned int mode, uid, gid;
	long long size, mtime;
	const char *link;
	unsigned int major, minor;
};

static inline void tar_pad(struct buf *out)
{
	static const char zeros[512];

	if (out->size % 512)
		buf_append(out, zeros, 512 - out->size % 512);
}

static inline void tar_header(struct buf *out, struct tar_header h)
{
	unsigned char block[512] = { 0 };
	unsigned int sum = 8 * ' ';

	memcpy(block, h.name, strnlen(h.name, 100));
	snprintf((char *)block + 100, 8, "%07o", h.mode);
	snprintf((char *)block + 108, 8, "%07o", h.uid);
	snprintf((char *)block + 116, 8, "%07o", h.gid);
	snprintf((char *)block + 124, 12, "%011llo", h.size);
	snprintf((char *)block + 136, 12, "%011llo", h.mtime);
	block[156] = (unsigned char)h.type;
	if (h.link)
		memcpy(block + 157, h.link, strnlen(h.link, 100));
	memcpy(block + 257, "ustar\00000", 8);
	snprintf((char *)block + 329, 8, "%07o", h.major);
	snprintf((char *)block + 337, 8, "%07o", h.minor);
	for (int i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? 0 : block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
	block[155] = ' ';
	buf_append(out, block, sizeof(block));
}

static inline void tar_content(struct buf *out, const void *data, size_t size)
{
	buf_append(out, data, size);
	tar_pad(out);
}

static inline void tar_file(struct buf *out, const char *name, unsigned int mode, const char *text)
{
	tar_header(out, (struct tar_header){ .name = name, .type = '0', .mode = mode,
					     .size = (long long)strlen(text), .mtime = 1000 });
	tar_content(out, text, strlen(text));
}

static inline void tar_dir(struct buf *out, const char *name, unsigned int mode)
{
	tar_header(out, (struct tar_header){ .name = name, .type = '5', .mode = mode,
					     .mtime = 2000 });
}

static inline void tar_link(struct buf *out, char type, const char *name, const char *target)
{
	tar_header(out, (struct tar_header){ .name = name, .type = type, .mode = 0777,
					     .link = target, .mtime = 3000 });
}

/* One line of a pax header; the value may hold any bytes. */
static inline void tar_pax_line(struct buf *out, const char *key, const void *value, size_t size)
{
	size_t rest = strlen(key) + size + 3, total = rest + 1; /* ' ', '=' and the newline */
	char digits[24];

	while ((size_t)snprintf(digits, sizeof(digits), "%zu", total) + rest != total)
		total++;
	buf_append_format(out, "%zu %s=", total, key);
	buf_append(out, value, size);
	buf_append_text(out, "\n");
}

/* A pax header for the next entry, of one or more lines. */
static inline void tar_pax(struct buf *out, const struct buf *lines)
{
	tar_header(out, (struct tar_header){ .name = "pax", .type = 'x', .mode = 0644,
					     .size = (long long)lines->size });
	tar_content(out, lines->data, lines->size);
}

static inline void tar_pax_text(struct buf *out, const char *key, const char *value)
{
	BUF_CLEANUP struct buf lines = BUF_INIT;

	tar_pax_line(&lines, key, value, strlen(value));
	tar_pax(out, &lines);
}

static inline void tar_end(struct buf *out)
{
	static const char zeros[1024];

	buf_append(out, zeros, sizeof(zeros));
}

#endif
