/* First byte: a key as DER (even), or PEM texts of a certificate and a key (odd; both are the same one). */
#include <stdlib.h>
#include <string.h>

#include "net/identity.h"
#include "net/private_key.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_inside(struct der number, const unsigned char *data, size_t size)
{
	if (number.size > 0 && (number.data < data || number.data + number.size > data + size))
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct private_key key;

	if (size == 0)
		return 0;
	if (data[0] & 1) {
		char *text = xstrndup((const char *)data + 1, size - 1);

		identity_free(identity_new(text, text, "fuzz", NULL));
		free(text);
		return 0;
	}
	if (private_key_parse(&key, data + 1, size - 1) < 0)
		return 0;
	if (key.curve) {
		check_inside(key.x, data + 1, size - 1);
		return 0;
	}
	const struct der numbers[] = { key.n, key.p, key.q, key.dp, key.dq, key.iq };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		check_inside(numbers[i], data + 1, size - 1);
	return 0;
}
