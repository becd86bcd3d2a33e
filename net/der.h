/*
 * der - elements of the Distinguished Encoding Rules (X.690), in which certificates and keys are written. A parser of
 * foreign bytes: what comes out lies within what went in.
 */
#ifndef NET_DER_H
#define NET_DER_H

#include <stdbool.h>
#include <stddef.h>

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
};

/* Bytes, borrowed. */
struct der {
	const unsigned char *data;
	size_t size;
};

/* Takes one element off the front: its content, and with its header where `whole` is given. 0 or -EINVAL. */
int der_next(struct der *in, unsigned *tag, struct der *content, struct der *whole);
/* The same, and it has to have this tag. */
int der_expect(struct der *in, unsigned tag, struct der *content);

bool der_is(struct der a, const void *data, size_t size);

#endif
