/*
 * pem - certificates and keys as text (RFC 7468): base64 of DER between "-----BEGIN LABEL-----" and "-----END ".
 * A parser of foreign bytes.
 */
#ifndef NET_PEM_H
#define NET_PEM_H

#include <stddef.h>

#include "lib/buf.h"

#define PEM_LABEL_MAX 40
#define PEM_DER_MAX 16384 /* bytes of one element; larger ones are refused */

/*
 * The next element at or after *offset, decoded into `der` (cleared first), and its label (empty when that is longer
 * than any we know). *offset is then behind it. 1, 0 at the end, or -EINVAL when what is between BEGIN and END isn't
 * base64 (*offset is behind it all the same).
 */
int pem_next(const char *text, size_t size, size_t *offset, char label[static PEM_LABEL_MAX + 1],
	     struct buf *der);

#endif
