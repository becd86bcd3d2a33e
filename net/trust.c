#include "net/trust.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END "

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

	if (size > TRUST_CERTIFICATE_MAX * 2)
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

static const char *find(const struct trust *trust, size_t offset, const char *word)
{
	return memmem(trust->pem + offset, trust->size - offset, word, strlen(word));
}

int trust_next(const struct trust *trust, size_t *offset, struct buf *der)
{
	const char *begin = *offset < trust->size ? find(trust, *offset, BEGIN) : NULL;

	buf_clear(der);
	if (!begin) {
		*offset = trust->size;
		return 0;
	}
	begin += strlen(BEGIN);
	const char *end = find(trust, (size_t)(begin - trust->pem), END);

	if (!end) {
		*offset = trust->size;
		return -EINVAL;
	}
	*offset = (size_t)(end - trust->pem) + strlen(END);
	return decode_base64(begin, (size_t)(end - begin), der) < 0 ? -EINVAL : 1;
}

int trust_check(const struct trust *trust, struct err *err)
{
	struct buf der BUF_CLEANUP = BUF_INIT;
	size_t offset = 0;
	int count = 0, ret;

	while ((ret = trust_next(trust, &offset, &der)) > 0)
		count++;
	if (ret < 0)
		return err_set(err, -EINVAL, "%s: certificate %d is no PEM text", trust->setting,
			       count + 1);
	if (count == 0)
		return err_set(err, -EINVAL,
			       "%s: no certificate in it (PEM: -----BEGIN CERTIFICATE-----)",
			       trust->setting);
	return count;
}
