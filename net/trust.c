#include "net/trust.h"

#include <errno.h>
#include <string.h>

#include "net/pem.h"

int trust_next(const struct trust *trust, size_t *offset, struct buf *der)
{
	char label[PEM_LABEL_MAX + 1];
	int ret;

	do
		ret = pem_next(trust->pem, trust->size, offset, label, der);
	while (ret != 0 && strcmp(label, "CERTIFICATE"));
	return ret;
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
