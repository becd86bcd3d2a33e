/* base64 - RFC 4648, as HTTP and docker's files use it. */
#ifndef LIB_BASE64_H
#define LIB_BASE64_H

#include "lib/buf.h"

/* Appends the encoded text, with padding. */
void base64_encode(struct buf *out, const void *data, size_t size);

/*
 * Appends the decoded bytes. Takes the standard and the URL-safe alphabet, with or without padding.
 * 0, or -EINVAL: `out` may hold a part then.
 */
int base64_decode(struct buf *out, const char *text);

#endif
