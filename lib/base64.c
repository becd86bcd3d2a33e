#include "lib/base64.h"

#include <errno.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *data, size_t size)
{
	const unsigned char *from = data;

	for (size_t i = 0; i < size; i += 3) {
		unsigned int bits = (unsigned int)from[i] << 16;
		char quad[4];

		if (i + 1 < size)
			bits |= (unsigned int)from[i + 1] << 8;
		if (i + 2 < size)
			bits |= from[i + 2];
		quad[0] = digits[bits >> 18];
		quad[1] = digits[bits >> 12 & 63];
		quad[2] = i + 1 < size ? digits[bits >> 6 & 63] : '=';
		quad[3] = i + 2 < size ? digits[bits & 63] : '=';
		buf_append(out, quad, sizeof(quad));
	}
}

static int value_of(char c)
{
	const char *at;

	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

int base64_decode(struct buf *out, const char *text)
{
	unsigned int bits = 0, count = 0;

	for (; *text && *text != '='; text++) {
		int value = value_of(*text);
		char byte;

		if (value < 0)
			return -EINVAL;
		bits = (bits << 6 | (unsigned int)value) & 0xffff;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		byte = (char)(bits >> count & 0xff);
		buf_append(out, &byte, 1);
	}
	return text[strspn(text, "=")] ? -EINVAL : 0;
}
