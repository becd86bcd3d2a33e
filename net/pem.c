#include "net/pem.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

static int base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* White space anywhere, padding at the end only. */
static int decode_base64(const char *text, size_t size, struct buf *out)
{
	unsigned bits = 0, count = 0;
	bool padded = false;

	if (size > PEM_DER_MAX * 2)
		return -EINVAL;
	char *to = buf_reserve(out, size / 4 * 3 + 3);
	size_t written = 0;

	for (size_t i = 0; i < size; i++) {
		int value = base64_value((unsigned char)text[i]);

		if (text[i] == '\n' || text[i] == '\r' || text[i] == ' ' || text[i] == '\t')
			continue;
		if (text[i] == '=') {
			padded = true;
			continue;
		}
		if (value < 0 || padded)
			return -EINVAL;
		bits = bits << 6 | (unsigned)value;
		if (++count % 4 == 0) {
			to[written++] = (char)(bits >> 16);
			to[written++] = (char)(bits >> 8);
			to[written++] = (char)bits;
		}
	}
	if (count % 4 == 1)
		return -EINVAL;
	if (count % 4 >= 2)
		to[written++] = (char)(count % 4 == 2 ? bits >> 4 : bits >> 10);
	if (count % 4 == 3)
		to[written++] = (char)(bits >> 2);
	buf_added(out, written);
	return 0;
}

/* The word behind BEGIN; returns what is behind it, or NULL. */
static const char *take_label(const char *text, const char *end, char label[static PEM_LABEL_MAX + 1])
{
	const char *dashes = memmem(text, (size_t)(end - text), DASHES, strlen(DASHES));
	size_t size = dashes ? (size_t)(dashes - text) : 0;

	label[0] = '\0';
	if (!dashes || size > PEM_LABEL_MAX)
		return dashes;
	memcpy(label, text, size);
	label[size] = '\0';
	return dashes + strlen(DASHES);
}

int pem_next(const char *text, size_t size, size_t *offset, char label[static PEM_LABEL_MAX + 1],
	     struct buf *der)
{
	const char *end = text + size, *begin = NULL;

	buf_clear(der);
	label[0] = '\0';
	if (*offset < size)
		begin = memmem(text + *offset, size - *offset, BEGIN, strlen(BEGIN));
	*offset = size;
	if (!begin)
		return 0;
	begin = take_label(begin + strlen(BEGIN), end, label);
	if (!begin)
		return -EINVAL;
	const char *stop = memmem(begin, (size_t)(end - begin), END, strlen(END));

	if (!stop)
		return -EINVAL;
	*offset = (size_t)(stop - text) + strlen(END);
	return decode_base64(begin, (size_t)(stop - begin), der) < 0 ? -EINVAL : 1;
}
