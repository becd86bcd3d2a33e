/* First byte: as DER (even) or as a PEM bundle (odd) whose certificates are then looked at. */
#include <stdlib.h>
#include <string.h>

#include "net/certificate.h"
#include "net/trust.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void look(const void *data, size_t size)
{
	static const char *const hosts[] = { "a.example", "x.b.example", "10.0.0.1", "fd00::1" };
	struct certificate certificate;
	char names[100];

	if (certificate_parse(&certificate, data, size) < 0)
		return;
	memset(names, 'x', sizeof(names));
	certificate_names(&certificate, names, sizeof(names));
	if (!memchr(names, '\0', sizeof(names)))
		abort();
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		certificate_is_for(&certificate, hosts[i]);
	certificate_issued_by(&certificate, &certificate);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct buf der = BUF_INIT;
	size_t offset = 0;
	int ret;

	if (size == 0)
		return 0;
	if (!(data[0] & 1)) {
		look(data + 1, size - 1);
		return 0;
	}
	const struct trust trust = { (const char *)data + 1, size - 1, "bundle" };

	while ((ret = trust_next(&trust, &offset, &der)) != 0) {
		if (ret > 0 && der.size > 0)
			look(der.data, der.size);
		if (offset > trust.size)
			abort();
	}
	buf_release(&der);
	return 0;
}
