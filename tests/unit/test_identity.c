/* A device's own certificate and key: every form of them, and what is wrong with others. */
#include <errno.h>
#include <stdlib.h>

#include "net/identity.h"
#include "net/pem.h"
#include "net/private_key.h"
#include "tests/unit/identities.h"
#include "tests/unit/test.h"

static struct err err;

static bool works(const char *certificate, const char *key)
{
	err = ERR_INIT;
	struct identity *identity = identity_new(certificate, key, "in [registry a.io]", &err);

	identity_free(identity);
	return identity;
}

static void every_form_is_read(void)
{
	CHECK(works(RSA_CERTIFICATE, RSA_PKCS8));
	CHECK(works(RSA_CERTIFICATE, RSA_PKCS1));
	CHECK(works(P256_CERTIFICATE, P256_PKCS8));
	CHECK(works(P256_CERTIFICATE, P256_SEC1));
	CHECK(works(P256_CERTIFICATE, P256_PARAMETERS));
	CHECK(works(P384_CERTIFICATE, P384_PKCS8));
	CHECK(works(P384_CERTIFICATE P256_CERTIFICATE, P384_SEC1));
	CHECK(works(RSA_PKCS8 RSA_CERTIFICATE, RSA_PKCS8 RSA_CERTIFICATE)); /* one file */
	CHECK_TEXT(err.text, "");
}

static void keys_of_others_are_told(void)
{
	CHECK(!works(RSA_CERTIFICATE, P256_PKCS8));
	CHECK_TEXT(err.text, "key = in [registry a.io] is not the key of the first certificate in cert");
	CHECK(!works(P256_CERTIFICATE, RSA_PKCS8));
	CHECK(!works(P256_CERTIFICATE, P384_SEC1));
	CHECK_HAS(err.text, "is not the key of");
	CHECK(!works(P256_CERTIFICATE P384_CERTIFICATE, P384_SEC1));
	CHECK_HAS(err.text, "is not the key of");
}

static void what_is_unusable_is_told(void)
{
	CHECK(!works(RSA_CERTIFICATE, RSA_LOCKED));
	CHECK_HAS(err.text, "the key is encrypted");
	CHECK(!works(RSA_CERTIFICATE, RSA_PKCS1_LOCKED));
	CHECK_HAS(err.text, "openssl pkey -in KEY -out PLAIN");
	CHECK(!works(RSA_CERTIFICATE, RSA_WEAK));
	CHECK_HAS(err.text, "an RSA key of 2048 to 4096 bits or an EC key on P-256");
	CHECK(!works(RSA_CERTIFICATE, ED25519_PKCS8));
	CHECK_HAS(err.text, "berth needs an RSA key");
	CHECK(!works(P256_CERTIFICATE, K1_PKCS8));
	CHECK_HAS(err.text, "berth needs an RSA key");
	CHECK(!works(RSA_CERTIFICATE, RSA_CERTIFICATE));
	CHECK_HAS(err.text, "no private key in it");
	CHECK(!works(RSA_PKCS8, RSA_PKCS8));
	CHECK_HAS(err.text, "no certificate in it");
	CHECK(!works(RSA_CERTIFICATE, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
	CHECK_HAS(err.text, "the key is damaged");
	CHECK(!works("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", RSA_PKCS8));
	CHECK_HAS(err.text, "the first certificate can't be read");
}

/* Each byte left out, or another one: a key, or a reason, and no byte outside touched. */
static void broken_keys_do_no_harm(void)
{
	static const char *const keys[] = { RSA_PKCS8, RSA_PKCS1, P256_PKCS8, P521_SEC1 };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct buf der BUF_CLEANUP = BUF_INIT;
		char label[PEM_LABEL_MAX + 1];
		struct private_key key;
		size_t offset = 0;

		REQUIRE(pem_next(keys[i], strlen(keys[i]), &offset, label, &der) == 1);
		CHECK_INT(private_key_parse(&key, der.data, der.size), 0);
		for (size_t size = 0; size < der.size; size++) {
			char *copy = malloc(size + 1);

			memcpy(copy, der.data, size);
			CHECK(private_key_parse(&key, copy, size) < 0);
			free(copy);
			der.data[size] ^= 0x41;
			(void)private_key_parse(&key, der.data, der.size);
			der.data[size] ^= 0x41;
		}
	}
}

int main(void)
{
	RUN(every_form_is_read);
	RUN(keys_of_others_are_told);
	RUN(what_is_unusable_is_told);
	RUN(broken_keys_do_no_harm);
	return test_end();
}
