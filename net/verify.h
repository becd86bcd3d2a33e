/*
 * verify - decides whether a server's certificate chain is good, for BearSSL's TLS engine, and
 * remembers in words why it is not.
 *
 * A wrapper around BearSSL's "minimal" engine, which checks signatures, dates, CA flags and key
 * usages. Around it: the chain is collected first and put in order; only the anchors the chain can
 * lead to are decoded; and host names, IP addresses and the purpose are checked here, since the
 * minimal engine knows no addresses, falls back to the CN and takes client certificates.
 */
#ifndef NET_VERIFY_H
#define NET_VERIFY_H

#include <bearssl_x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "net/tls.h"
#include "net/trust.h"

#define VERIFY_CHAIN_MAX 10   /* certificates */
#define VERIFY_CHAIN_SIZE_MAX 65536
#define VERIFY_ANCHORS_MAX 8  /* of those whose subject fits; more only where names collide */

struct verifier {
	const br_x509_class *vtable; /* first: what BearSSL holds is a pointer to this */
	const char *host;
	const struct trust *trust;
	struct tls_time time;
	struct err err; /* code 0 while there is nothing to complain about */
	/* private */
	struct buf chain;
	size_t ends[VERIFY_CHAIN_MAX];
	size_t count;
	br_x509_minimal_context minimal;
	br_x509_trust_anchor anchors[VERIFY_ANCHORS_MAX];
	void *anchor_memory[VERIFY_ANCHORS_MAX];
	size_t anchor_count;
};

/* All arguments are borrowed until verifier_release(). */
void verifier_init(struct verifier *verifier, const char *host, const struct trust *trust,
		   const struct tls_time *time);
void verifier_release(struct verifier *verifier);

#endif
