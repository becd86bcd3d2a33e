#include "net/verify.h"

#include <bearssl_ec.h>
#include <bearssl_hash.h>
#include <bearssl_rsa.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/time.h"
#include "net/certificate.h"
#include "net/failure.h"
#include "version.h"

#define DAY_SECONDS 86400
#define DAYS_TO_1970 719528 /* from 1 January of year 0, where BearSSL's calendar starts */
#define RSA_BYTES_MIN 256   /* 2048 bits */

/* The chain after it was put in order: path[0] is the server's certificate. */
struct path {
	struct certificate certificates[VERIFY_CHAIN_MAX];
	struct der bytes[VERIFY_CHAIN_MAX];
	size_t count;
};

static struct verifier *verifier_of(const br_x509_class **ctx)
{
	return (struct verifier *)(void *)ctx; /* vtable is the first member */
}

static void date_of(char text[static TIME_TEXT_MAX], int64_t unix_s)
{
	time_format(text, unix_s * NS_PER_S);
	text[strcspn(text, "T")] = '\0';
}

/* Anchors. */

struct anchor {
	br_x509_decoder_context decoder; /* holds the public key */
	struct buf name;
};

static void append_name(void *ctx, const void *data, size_t size)
{
	buf_append(ctx, data, size);
}

/* Passes over what BearSSL can't use, such as Ed25519 keys: other anchors may do. */
static void add_anchor(struct verifier *verifier, const struct buf *der)
{
	struct anchor *anchor = xcalloc(1, sizeof(*anchor));

	br_x509_decoder_init(&anchor->decoder, append_name, &anchor->name);
	br_x509_decoder_push(&anchor->decoder, der->data, der->size);
	const br_x509_pkey *key = br_x509_decoder_get_pkey(&anchor->decoder);

	if (!key) {
		buf_release(&anchor->name);
		free(anchor);
		return;
	}
	verifier->anchor_memory[verifier->anchor_count] = anchor;
	verifier->anchors[verifier->anchor_count++] = (br_x509_trust_anchor){
		.dn = { .data = (unsigned char *)anchor->name.data, .len = anchor->name.size },
		.flags = br_x509_decoder_isCA(&anchor->decoder) ? BR_X509_TA_CA : 0,
		.pkey = *key,
	};
}

static bool is_wanted(const struct certificate *anchor, const struct path *path)
{
	for (size_t i = 0; i < path->count; i++)
		if (certificate_issued_by(&path->certificates[i], anchor))
			return true;
	const struct der *leaf = &path->certificates[0].subject; /* trusted directly */

	return anchor->subject.size == leaf->size &&
	       !memcmp(anchor->subject.data, leaf->data, leaf->size);
}

static void find_anchors(struct verifier *verifier, const struct path *path)
{
	struct buf der BUF_CLEANUP = BUF_INIT;
	size_t offset = 0;
	struct certificate anchor;
	int ret;

	while ((ret = trust_next(verifier->trust, &offset, &der)) != 0)
		if (ret > 0 && verifier->anchor_count < VERIFY_ANCHORS_MAX &&
		    certificate_parse(&anchor, der.data, der.size) == 0 && is_wanted(&anchor, path))
			add_anchor(verifier, &der);
}

/* Order. */

static struct der chain_part(const struct verifier *verifier, size_t i)
{
	size_t begin = i > 0 ? verifier->ends[i - 1] : 0;

	return (struct der){ (const unsigned char *)verifier->chain.data + begin,
			     verifier->ends[i] - begin };
}

static void path_add(struct path *path, const struct certificate *certificate, struct der bytes)
{
	path->certificates[path->count] = *certificate;
	path->bytes[path->count++] = bytes;
}

/*
 * RFC 5246 wants the server's certificate first and each next one to certify the one before;
 * servers in the field shuffle the rest and add what doesn't belong. So: start with the first, and
 * look for each one's issuer among those that are left.
 */
static int order_chain(struct verifier *verifier, struct path *path)
{
	struct certificate all[VERIFY_CHAIN_MAX];
	bool used[VERIFY_CHAIN_MAX] = { false };

	if (verifier->count == 0)
		return err_set(&verifier->err, FAILURE_TLS, "the server sent no certificate");
	for (size_t i = 0; i < verifier->count; i++) {
		struct der bytes = chain_part(verifier, i);

		if (certificate_parse(&all[i], bytes.data, bytes.size) == 0)
			continue;
		if (i == 0)
			return err_set(&verifier->err, FAILURE_TLS,
				       "the server's certificate can't be read");
		used[i] = true;
	}
	size_t next = 0;

	while (next < verifier->count) {
		const struct certificate *last = &all[next];

		used[next] = true;
		path_add(path, last, chain_part(verifier, next));
		if (certificate_issued_by(last, last))
			break;
		for (next = 0; next < verifier->count; next++)
			if (!used[next] && certificate_issued_by(last, &all[next]))
				break;
	}
	return 0;
}

/* Words. */

/* What the clock says, and what was taken for the time instead. */
static void describe_now(const struct verifier *verifier, char *text, size_t size)
{
	char clock[TIME_TEXT_MAX], now[TIME_TEXT_MAX];

	date_of(clock, verifier->time.clock_s);
	date_of(now, verifier->time.now_s);
	if (verifier->time.clock_s == verifier->time.now_s)
		snprintf(text, size, "device clock says %s", clock);
	else
		snprintf(text, size, "device clock says %s, but it was %s already; set the clock", clock, now);
}

static int explain_dates(struct verifier *verifier, const struct path *path)
{
	int64_t now_s = verifier->time.now_s;
	char date[TIME_TEXT_MAX], now[2 * TIME_TEXT_MAX + 80];

	describe_now(verifier, now, sizeof(now));
	for (size_t i = 0; i < path->count; i++) {
		const struct certificate *certificate = &path->certificates[i];
		const char *whose = i > 0 ? "an intermediate CA's certificate" : "certificate";

		if (certificate->not_after < now_s) {
			date_of(date, certificate->not_after);
			return err_set(&verifier->err, FAILURE_TLS, "%s expired %s (%s)", whose, date, now);
		}
		if (certificate->not_before > now_s) {
			date_of(date, certificate->not_before);
			return err_set(&verifier->err, FAILURE_TLS, "%s is valid from %s on (%s)", whose, date, now);
		}
	}
	return 0;
}

static void explain(struct verifier *verifier, const struct path *path, unsigned code)
{
	struct err *err = &verifier->err;

	switch (code) {
	case BR_ERR_X509_EXPIRED:
		if (explain_dates(verifier, path) == 0)
			err_set(err, FAILURE_TLS, "certificate is not valid at this time");
		break;
	case BR_ERR_X509_NOT_TRUSTED:
	case BR_ERR_X509_DN_MISMATCH:
		err_set(err, FAILURE_TLS, "signed by an unknown CA (set %s)",
			verifier->trust->setting);
		break;
	case BR_ERR_X509_BAD_SIGNATURE:
		err_set(err, FAILURE_TLS,
			"certificate is not signed by the CA it names (set %s to the right one)",
			verifier->trust->setting);
		break;
	case BR_ERR_X509_WEAK_PUBLIC_KEY:
		err_set(err, FAILURE_TLS, "certificate has an RSA key of less than %d bits",
			RSA_BYTES_MIN * 8);
		break;
	case BR_ERR_X509_NOT_CA:
	case BR_ERR_X509_FORBIDDEN_KEY_USAGE:
		err_set(err, FAILURE_TLS, "a certificate in the chain may not be used as it is");
		break;
	case BR_ERR_X509_CRITICAL_EXTENSION:
	case BR_ERR_X509_UNSUPPORTED:
	case BR_ERR_X509_WRONG_KEY_TYPE:
		err_set(err, FAILURE_TLS,
			"certificate needs what berth lacks (RSA up to 4096 bits or ECDSA on P-256, "
			"P-384, P-521, with SHA-256 or longer; no name constraints)");
		break;
	default:
		err_set(err, FAILURE_TLS, "the certificate chain is broken (code %u)", code);
	}
}

/* What the minimal engine leaves to us. 0: good. */
static unsigned check_leaf(struct verifier *verifier, const struct path *path)
{
	const struct certificate *leaf = &path->certificates[0];
	char names[200];

	if (!certificate_is_for(leaf, verifier->host)) {
		certificate_names(leaf, names, sizeof(names));
		err_set(&verifier->err, FAILURE_TLS, "certificate is for %s, not %s", names,
			verifier->host);
		return BR_ERR_X509_BAD_SERVER_NAME;
	}
	if (!leaf->serves) {
		err_set(&verifier->err, FAILURE_TLS,
			"certificate is no server's (its extended key usage lacks serverAuth)");
		return BR_ERR_X509_FORBIDDEN_KEY_USAGE;
	}
	/* An anchor that is the server's own certificate is taken without a look at its dates. */
	return explain_dates(verifier, path) < 0 ? BR_ERR_X509_EXPIRED : 0;
}

static bool are_valid(const struct path *path, int64_t at_s)
{
	for (size_t i = 0; i < path->count; i++)
		if (path->certificates[i].not_after < at_s || path->certificates[i].not_before > at_s)
			return false;
	return true;
}

/* See struct tls_time. */
static bool is_clock_right(const struct verifier *verifier, const struct path *path)
{
	const struct tls_time *time = &verifier->time;

	return time->clock_s < time->now_s && time->clock_s >= BUILD_TIME && !are_valid(path, time->now_s) &&
	       are_valid(path, time->clock_s);
}

/* BearSSL's minimal engine over the ordered chain. */

static void start_minimal(struct verifier *verifier)
{
	br_x509_minimal_context *minimal = &verifier->minimal;
	int64_t days = verifier->time.now_s / DAY_SECONDS;

	br_x509_minimal_init(minimal, &br_sha256_vtable, verifier->anchors, verifier->anchor_count);
	br_x509_minimal_set_hash(minimal, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(minimal, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(minimal, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_rsa(minimal, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_ecdsa(minimal, br_ec_get_default(), br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_minrsa(minimal, RSA_BYTES_MIN);
	br_x509_minimal_set_time(minimal, (uint32_t)(days + DAYS_TO_1970),
				 (uint32_t)(verifier->time.now_s % DAY_SECONDS));
}

static unsigned run_minimal(struct verifier *verifier, const struct path *path)
{
	const br_x509_class **engine;

	start_minimal(verifier);
	engine = &verifier->minimal.vtable;
	(*engine)->start_chain(engine, NULL);
	for (size_t i = 0; i < path->count; i++) {
		(*engine)->start_cert(engine, (uint32_t)path->bytes[i].size);
		(*engine)->append(engine, path->bytes[i].data, path->bytes[i].size);
		(*engine)->end_cert(engine);
	}
	return (*engine)->end_chain(engine);
}

/* The methods of br_x509_class. */

static void start_chain(const br_x509_class **ctx, const char *server_name)
{
	(void)server_name; /* the host is checked here, and may be an address */
	(void)ctx;
}

static void start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct verifier *verifier = verifier_of(ctx);

	if (verifier->count >= VERIFY_CHAIN_MAX || length > VERIFY_CHAIN_SIZE_MAX ||
	    verifier->chain.size + length > VERIFY_CHAIN_SIZE_MAX)
		err_set(&verifier->err, FAILURE_TLS, "the certificate chain is too long");
}

static void append(const br_x509_class **ctx, const unsigned char *data, size_t size)
{
	struct verifier *verifier = verifier_of(ctx);

	if (!verifier->err.code)
		buf_append(&verifier->chain, data, size);
}

static void end_cert(const br_x509_class **ctx)
{
	struct verifier *verifier = verifier_of(ctx);

	if (!verifier->err.code)
		verifier->ends[verifier->count++] = verifier->chain.size;
}

static unsigned end_chain(const br_x509_class **ctx)
{
	struct verifier *verifier = verifier_of(ctx);
	struct path path = { .count = 0 };

	if (verifier->err.code || order_chain(verifier, &path) < 0)
		return BR_ERR_X509_LIMIT_EXCEEDED;
	find_anchors(verifier, &path);
	if (is_clock_right(verifier, &path))
		verifier->time.now_s = verifier->time.clock_s;
	unsigned code = run_minimal(verifier, &path);

	if (code != 0)
		explain(verifier, &path, code);
	else
		code = check_leaf(verifier, &path);
	buf_release(&verifier->chain);
	return code;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	const struct verifier *verifier = (const struct verifier *)(const void *)ctx;
	const br_x509_class *const *engine = &verifier->minimal.vtable;

	return (*engine)->get_pkey(engine, usages);
}

static const br_x509_class verifier_class = {
	.context_size = sizeof(struct verifier),
	.start_chain = start_chain,
	.start_cert = start_cert,
	.append = append,
	.end_cert = end_cert,
	.end_chain = end_chain,
	.get_pkey = get_pkey,
};

void verifier_init(struct verifier *verifier, const char *host, const struct trust *trust,
		   const struct tls_time *time)
{
	*verifier = (struct verifier){
		.vtable = &verifier_class,
		.host = host,
		.trust = trust,
		.time = *time,
	};
}

void verifier_release(struct verifier *verifier)
{
	buf_release(&verifier->chain);
	for (size_t i = 0; i < verifier->anchor_count; i++) {
		struct anchor *anchor = verifier->anchor_memory[i];

		buf_release(&anchor->name);
		free(anchor);
	}
	verifier->anchor_count = 0;
}
