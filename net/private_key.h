/*
 * private_key - an RSA or EC key out of its DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC1 (RFC 5915). A parser.
 *
 * BearSSL has a decoder too, which copies the key into a buffer; in 0.6 it takes that for 24 bytes larger than it is.
 * Here nothing is copied: the numbers are where they are in the text.
 */
#ifndef NET_PRIVATE_KEY_H
#define NET_PRIVATE_KEY_H

#include "net/der.h"

#define PRIVATE_KEY_RSA_BITS_MIN 2048
#define PRIVATE_KEY_RSA_BITS_MAX 4096

/* As TLS numbers them. */
enum private_key_curve { CURVE_NONE, CURVE_P256 = 23, CURVE_P384 = 24, CURVE_P521 = 25 };

/* Numbers are big-endian, without zeros in front. */
struct private_key {
	enum private_key_curve curve; /* CURVE_NONE: RSA */
	struct der x;		      /* EC: the secret number */
	struct der n, p, q, dp, dq, iq; /* RSA */
	unsigned n_bits;
};

/* 0; -EINVAL: broken; -ENOTSUP: a kind, curve or length that berth does not know. */
int private_key_parse(struct private_key *key, const void *data, size_t size);

#endif
