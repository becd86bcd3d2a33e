#include "net/der.h"

#include <errno.h>
#include <string.h>

int der_next(struct der *in, unsigned *tag, struct der *content, struct der *whole)
{
	const unsigned char *at = in->data;
	size_t left = in->size, length;

	if (left < 2 || (at[0] & 0x1f) == 0x1f)
		return -EINVAL;
	*tag = at[0];
	length = at[1];
	at += 2, left -= 2;
	if (length > 0x80) {
		size_t count = length - 0x80;

		if (count > 3 || count > left)
			return -EINVAL;
		for (length = 0; count > 0; count--, left--)
			length = length << 8 | *at++;
	} else if (length == 0x80) {
		return -EINVAL; /* indefinite length: BER, not DER */
	}
	if (length > left)
		return -EINVAL;
	*content = (struct der){ at, length };
	if (whole)
		*whole = (struct der){ in->data, (size_t)(at - in->data) + length };
	*in = (struct der){ at + length, left - length };
	return 0;
}

int der_expect(struct der *in, unsigned tag, struct der *content)
{
	unsigned found;

	if (der_next(in, &found, content, NULL) < 0 || found != tag)
		return -EINVAL;
	return 0;
}

bool der_is(struct der a, const void *data, size_t size)
{
	return a.size == size && !memcmp(a.data, data, size);
}
