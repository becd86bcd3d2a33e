/*
 * buf - a growable byte buffer that is always followed by a NUL byte.
 *
 * Zero-initialised is empty (BUF_INIT). Running out of memory ends the process, so appending
 * cannot fail; whoever reads foreign bytes into a buf checks its own limit first.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* NULL while nothing was ever appended; use buf_text() for a string */
	size_t size;
	size_t capacity;
};

#define BUF_INIT ((struct buf){ 0 })
#define BUF_CLEANUP __attribute__((cleanup(buf_release)))

void buf_release(struct buf *buf);
void buf_clear(struct buf *buf); /* keeps the memory */

/* Makes room for `more` bytes behind the content and returns where they go; buf_added() counts them in. */
char *buf_reserve(struct buf *buf, size_t more);
void buf_added(struct buf *buf, size_t count);

void buf_append(struct buf *buf, const void *data, size_t size);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_format(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Removes `count` bytes from the front. */
void buf_consume(struct buf *buf, size_t count);

/* The content as a string ("" when empty), owned by the buf. */
const char *buf_text(const struct buf *buf);

/* Gives the content away (to be freed with free()) and leaves the buf empty. */
char *buf_steal(struct buf *buf);

#endif
