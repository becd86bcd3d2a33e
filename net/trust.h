/*
 * trust - the certificates a peer's certificate may lead to, as PEM text.
 *
 * A system's bundle has 150 of them, a handshake needs one or two. So the text is kept as it is
 * (borrowed, and may be a mapped file), and trust_find() decodes it on the fly, keeping only the
 * certificates whose subject is asked for. Base64 of public data needs no constant time, which
 * makes a pass over the whole bundle cheaper than decoding it once with BearSSL.
 */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"

#define TRUST_PEM_MAX (2u << 20)

struct trust {
	const char *pem; /* needs no NUL */
	size_t size;
	const char *setting; /* "ca = in [registry HOST]" or the bundle's path, for errors */
};

/*
 * The next certificate at or after *offset, decoded into `der` (cleared first); *offset is then behind it.
 * 1, 0 at the end, or -EINVAL when what is between BEGIN and END isn't base64 (*offset is behind it all the same).
 */
int trust_next(const struct trust *trust, size_t *offset, struct buf *der);

/* How many certificates there are; -EINVAL, with the reason, when one is broken or there is none. */
int trust_check(const struct trust *trust, struct err *err);

#endif
