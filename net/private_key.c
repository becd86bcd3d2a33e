#include "net/private_key.h"

#include <errno.h>

#define TAG_PARAMETERS 0xa0

static int take_number(struct der *in, struct der *number)
{
	if (der_expect(in, DER_INTEGER, number) < 0)
		return -EINVAL;
	while (number->size > 0 && *number->data == 0)
		number->data++, number->size--;
	return 0;
}

/* A version: one small number. */
static int take_version(struct der *in)
{
	struct der number;

	if (take_number(in, &number) < 0 || number.size > 1)
		return -EINVAL;
	return number.size ? number.data[0] : 0;
}

static unsigned bits_of(struct der number)
{
	unsigned bits = (unsigned)number.size * 8;

	for (unsigned first = number.size ? number.data[0] : 0; first && !(first & 0x80); first <<= 1)
		bits--;
	return bits;
}

/* PKCS#1, behind its version: 0, or 1 for keys with more than two primes. */
static int take_rsa(struct private_key *key, struct der in)
{
	struct der e, d;

	if (take_number(&in, &key->n) < 0 || take_number(&in, &e) < 0 || take_number(&in, &d) < 0 ||
	    take_number(&in, &key->p) < 0 || take_number(&in, &key->q) < 0 || take_number(&in, &key->dp) < 0 ||
	    take_number(&in, &key->dq) < 0 || take_number(&in, &key->iq) < 0 || in.size > 0)
		return -EINVAL;
	if (key->n.size > PRIVATE_KEY_RSA_BITS_MAX / 8)
		return -ENOTSUP;
	key->n_bits = bits_of(key->n);
	if (key->n_bits < PRIVATE_KEY_RSA_BITS_MIN)
		return -ENOTSUP;
	/* The primes are as long as each other, give or take a byte; and odd, or they are none. */
	if (!key->p.size || !key->q.size || key->p.size > key->n.size || key->q.size > key->n.size ||
	    key->dp.size > key->p.size || key->dq.size > key->q.size || key->iq.size > key->p.size ||
	    !(key->p.data[key->p.size - 1] & 1) || !(key->q.data[key->q.size - 1] & 1))
		return -EINVAL;
	return 0;
}

static enum private_key_curve curve_of(struct der oid)
{
	static const unsigned char p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
	static const unsigned char p384[] = { 0x2b, 0x81, 4, 0, 0x22 };
	static const unsigned char p521[] = { 0x2b, 0x81, 4, 0, 0x23 };

	if (der_is(oid, p256, sizeof(p256)))
		return CURVE_P256;
	if (der_is(oid, p384, sizeof(p384)))
		return CURVE_P384;
	return der_is(oid, p521, sizeof(p521)) ? CURVE_P521 : CURVE_NONE;
}

/* SEC1, behind its version. `curve` is what PKCS#8 said, if it did. */
static int take_ec(struct private_key *key, struct der in, enum private_key_curve curve)
{
	struct der part, oid;
	unsigned tag;

	if (der_expect(&in, DER_OCTETS, &key->x) < 0)
		return -EINVAL;
	while (key->x.size > 0 && *key->x.data == 0)
		key->x.data++, key->x.size--;
	while (in.size > 0) {
		if (der_next(&in, &tag, &part, NULL) < 0)
			return -EINVAL;
		if (tag != TAG_PARAMETERS || curve)
			continue;
		if (der_expect(&part, DER_OID, &oid) < 0) /* parameters that are spelled out */
			return -ENOTSUP;
		curve = curve_of(oid);
	}
	key->curve = curve;
	if (!curve)
		return -ENOTSUP;
	return key->x.size > 0 && key->x.size <= 66 ? 0 : -EINVAL;
}

static int take_pkcs8(struct private_key *key, struct der algorithm, struct der in)
{
	static const unsigned char rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 };
	static const unsigned char ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1 };
	struct der oid, parameter, octets, inner;

	if (der_expect(&algorithm, DER_OID, &oid) < 0 || der_expect(&in, DER_OCTETS, &octets) < 0)
		return -EINVAL;
	if (!der_is(oid, rsa, sizeof(rsa)) && !der_is(oid, ec, sizeof(ec)))
		return -ENOTSUP;
	if (der_expect(&octets, DER_SEQUENCE, &inner) < 0)
		return -EINVAL;
	int version = take_version(&inner);

	if (der_is(oid, rsa, sizeof(rsa)))
		return version == 0 ? take_rsa(key, inner) : -EINVAL;
	if (version != 1)
		return -EINVAL;
	if (der_expect(&algorithm, DER_OID, &parameter) < 0)
		return -ENOTSUP;
	enum private_key_curve curve = curve_of(parameter);

	return curve ? take_ec(key, inner, curve) : -ENOTSUP;
}

int private_key_parse(struct private_key *key, const void *data, size_t size)
{
	struct der all = { data, size }, in, first, rest;
	unsigned tag;

	*key = (struct private_key){ .curve = CURVE_NONE };
	if (der_expect(&all, DER_SEQUENCE, &in) < 0)
		return -EINVAL;
	int version = take_version(&in);

	rest = in;
	if (version < 0 || version > 1 || der_next(&rest, &tag, &first, NULL) < 0)
		return -EINVAL;
	if (tag == DER_SEQUENCE)
		return take_pkcs8(key, first, rest);
	if (tag == DER_OCTETS)
		return version == 1 ? take_ec(key, in, CURVE_NONE) : -EINVAL;
	if (tag != DER_INTEGER)
		return -EINVAL;
	return version == 0 ? take_rsa(key, in) : -ENOTSUP;
}
