#include "net/identity.h"

#include <bearssl_ec.h>
#include <bearssl_rsa.h>
#include <bearssl_ssl.h>
#include <bearssl_x509.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "net/failure.h"
#include "net/pem.h"
#include "net/private_key.h"

_Static_assert((int)CURVE_P256 == BR_EC_secp256r1 && (int)CURVE_P384 == BR_EC_secp384r1 &&
		       (int)CURVE_P521 == BR_EC_secp521r1,
	       "curves are numbered as in BearSSL");

struct identity {
	struct buf ders[IDENTITY_CHAIN_MAX];
	br_x509_certificate chain[IDENTITY_CHAIN_MAX];
	size_t count;
	struct buf key_der; /* what `key` points into */
	struct private_key key;
	br_rsa_private_key rsa;
	br_ec_private_key ec;
};

/* The certificate chain. */

static int add_certificate(struct identity *identity, const struct buf *der, const char *setting,
			   struct err *err)
{
	struct buf *copy = &identity->ders[identity->count];

	if (identity->count == IDENTITY_CHAIN_MAX)
		return err_set(err, FAILURE_TLS, "cert = %s: more than %d certificates", setting,
			       IDENTITY_CHAIN_MAX);
	buf_append(copy, der->data, der->size);
	identity->chain[identity->count++] =
		(br_x509_certificate){ (unsigned char *)copy->data, copy->size };
	return 0;
}

static int take_chain(struct identity *identity, const char *text, const char *setting, struct err *err)
{
	struct buf der BUF_CLEANUP = BUF_INIT;
	char label[PEM_LABEL_MAX + 1];
	size_t offset = 0;
	int ret;

	while ((ret = pem_next(text, strlen(text), &offset, label, &der)) != 0) {
		if (strcmp(label, "CERTIFICATE"))
			continue;
		if (ret < 0)
			return err_set(err, FAILURE_TLS, "cert = %s: certificate %zu is no PEM text", setting,
				       identity->count + 1);
		ret = add_certificate(identity, &der, setting, err);
		if (ret < 0)
			return ret;
	}
	if (identity->count == 0)
		return err_set(err, FAILURE_TLS, "cert = %s: no certificate in it (PEM: -----BEGIN CERTIFICATE-----)",
			       setting);
	return 0;
}

/* The key. */

static int explain_key(int code, const char *setting, struct err *err)
{
	if (code == -ENOTSUP)
		return err_set(err, FAILURE_TLS, "key = %s: berth needs an RSA key of %d to %d bits or an EC key on P-256, "
			       "P-384 or P-521", setting, PRIVATE_KEY_RSA_BITS_MIN, PRIVATE_KEY_RSA_BITS_MAX);
	return err_set(err, FAILURE_TLS, "key = %s: the key is damaged", setting);
}

/* "ENCRYPTED PRIVATE KEY" is PKCS#8's way, "Proc-Type: 4,ENCRYPTED" in front of the base64 that of the older forms. */
static bool is_encrypted(const char *text, const char *label)
{
	return !strcmp(label, "ENCRYPTED PRIVATE KEY") || strstr(text, "Proc-Type: 4,ENCRYPTED");
}

static bool is_key(const char *label)
{
	return !strcmp(label, "PRIVATE KEY") || !strcmp(label, "RSA PRIVATE KEY") ||
	       !strcmp(label, "EC PRIVATE KEY") || !strcmp(label, "ENCRYPTED PRIVATE KEY");
}

static int take_key(struct identity *identity, const char *text, const char *setting, struct err *err)
{
	struct buf *der = &identity->key_der;
	char label[PEM_LABEL_MAX + 1];
	size_t offset = 0;
	int ret;

	do
		ret = pem_next(text, strlen(text), &offset, label, der);
	while (ret != 0 && !is_key(label));
	if (ret == 0)
		return err_set(err, FAILURE_TLS, "key = %s: no private key in it (PEM: -----BEGIN PRIVATE KEY-----)",
			       setting);
	if (is_encrypted(text, label))
		return err_set(err, FAILURE_TLS, "key = %s: the key is encrypted, and nobody is there to give the password; "
			       "write it in the clear: openssl pkey -in KEY -out PLAIN", setting);
	if (ret > 0)
		ret = private_key_parse(&identity->key, der->data, der->size);
	return ret < 0 ? explain_key(ret, setting, err) : 0;
}

/* BearSSL's forms of the key. It only reads them. */
static void set_key(struct identity *identity)
{
	const struct private_key *key = &identity->key;

	identity->ec = (br_ec_private_key){ key->curve, (unsigned char *)key->x.data, key->x.size };
	identity->rsa = (br_rsa_private_key){
		.n_bitlen = key->n_bits,
		.p = (unsigned char *)key->p.data,
		.plen = key->p.size,
		.q = (unsigned char *)key->q.data,
		.qlen = key->q.size,
		.dp = (unsigned char *)key->dp.data,
		.dplen = key->dp.size,
		.dq = (unsigned char *)key->dq.data,
		.dqlen = key->dq.size,
		.iq = (unsigned char *)key->iq.data,
		.iqlen = key->iq.size,
	};
}

/* Do they belong together? */

static bool is_rsa_match(const struct private_key *key, const br_rsa_public_key *public)
{
	const unsigned char *n = public->n;
	size_t size = public->nlen;

	while (size > 0 && *n == 0)
		n++, size--;
	return der_is(key->n, n, size);
}

static bool is_ec_match(const struct identity *identity, const br_ec_public_key *public)
{
	unsigned char point[BR_EC_KBUF_PUB_MAX_SIZE];
	br_ec_public_key own;

	return public->curve == identity->ec.curve &&
	       br_ec_compute_pub(br_ec_get_default(), &own, point, &identity->ec) > 0 &&
	       der_is((struct der){ own.q, own.qlen }, public->q, public->qlen);
}

static int check_match(const struct identity *identity, const char *setting, struct err *err)
{
	br_x509_decoder_context *decoder = xcalloc(1, sizeof(*decoder));
	bool is_match = false;

	br_x509_decoder_init(decoder, NULL, NULL);
	br_x509_decoder_push(decoder, identity->chain[0].data, identity->chain[0].data_len);
	const br_x509_pkey *public = br_x509_decoder_get_pkey(decoder);

	if (public && public->key_type == BR_KEYTYPE_RSA)
		is_match = !identity->key.curve && is_rsa_match(&identity->key, &public->key.rsa);
	else if (public && public->key_type == BR_KEYTYPE_EC)
		is_match = identity->key.curve && is_ec_match(identity, &public->key.ec);
	bool is_readable = public;

	free(decoder);
	if (is_match)
		return 0;
	if (!is_readable)
		return err_set(err, FAILURE_TLS, "cert = %s: the first certificate can't be read", setting);
	return err_set(err, FAILURE_TLS, "key = %s is not the key of the first certificate in cert", setting);
}

struct identity *identity_new(const char *certificate, const char *key, const char *setting,
			      struct err *err)
{
	struct identity *identity = xcalloc(1, sizeof(*identity));
	int ret = take_chain(identity, certificate, setting, err);

	if (ret == 0)
		ret = take_key(identity, key, setting, err);
	if (ret == 0) {
		set_key(identity);
		ret = check_match(identity, setting, err);
	}
	if (ret == 0)
		return identity;
	identity_free(identity);
	return NULL;
}

void identity_free(struct identity *identity)
{
	if (!identity)
		return;
	for (size_t i = 0; i < identity->count; i++)
		buf_release(&identity->ders[i]);
	if (identity->key_der.data)
		explicit_bzero(identity->key_der.data, identity->key_der.size);
	buf_release(&identity->key_der);
	free(identity);
}

/* Which CAs the server would like is not looked at: there is one identity, and the server says so if it is the wrong one. */
void identity_use(const struct identity *identity, br_ssl_client_context *client)
{
	if (identity->key.curve)
		br_ssl_client_set_single_ec(client, identity->chain, identity->count, &identity->ec, BR_KEYTYPE_SIGN,
					    BR_KEYTYPE_EC, br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
	else
		br_ssl_client_set_single_rsa(client, identity->chain, identity->count, &identity->rsa,
					     br_rsa_pkcs1_sign_get_default());
}
