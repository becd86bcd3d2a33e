#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = BUF_INIT;
}

void buf_clear(struct buf *buf)
{
	buf->size = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

char *buf_reserve(struct buf *buf, size_t more)
{
	size_t wanted;

	if (__builtin_add_overflow(buf->size, more, &wanted) ||
	    __builtin_add_overflow(wanted, 1, &wanted))
		die_no_memory();
	if (wanted > buf->capacity) {
		size_t capacity = buf->capacity ? buf->capacity : 64;

		while (capacity < wanted)
			if (__builtin_mul_overflow(capacity, 2, &capacity))
				die_no_memory();
		buf->data = xrealloc(buf->data, capacity);
		buf->capacity = capacity;
		buf->data[buf->size] = '\0';
	}
	return buf->data + buf->size;
}

void buf_added(struct buf *buf, size_t count)
{
	buf->size += count;
	buf->data[buf->size] = '\0';
}

void buf_append(struct buf *buf, const void *data, size_t size)
{
	char *end = buf_reserve(buf, size);

	if (size)
		memcpy(end, data, size);
	buf_added(buf, size);
}

void buf_append_text(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_append_format(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		die_no_memory();
	vsnprintf(buf_reserve(buf, (size_t)length), (size_t)length + 1, format, again);
	va_end(again);
	buf_added(buf, (size_t)length);
}

void buf_consume(struct buf *buf, size_t count)
{
	if (!count)
		return;
	memmove(buf->data, buf->data + count, buf->size - count);
	buf->size -= count;
	buf->data[buf->size] = '\0';
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_steal(struct buf *buf)
{
	char *data = buf->data ? buf->data : xstrdup("");

	*buf = BUF_INIT;
	return data;
}
