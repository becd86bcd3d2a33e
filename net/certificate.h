/*
 * certificate - what an X.509 certificate (RFC 5280) says about itself: whose it is, who signed it,
 * from when to when, for which names. A parser of foreign bytes in DER. It checks no signature:
 * BearSSL does that, but keeps to itself why it is unhappy, knows no IP addresses, and wants chains
 * in order; this is what the words, the addresses and the order come from.
 */
#ifndef NET_CERTIFICATE_H
#define NET_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/der.h"

struct certificate {
	struct der issuer; /* Name, compared byte by byte */
	struct der subject;
	int64_t not_before; /* Unix seconds */
	int64_t not_after;
	struct der names;    /* content of subjectAltName; empty when there is none */
	bool serves;	     /* extendedKeyUsage absent, or with serverAuth or anyExtendedKeyUsage */
};

/* 0 or -EINVAL. */
int certificate_parse(struct certificate *certificate, const void *data, size_t size);

bool certificate_issued_by(const struct certificate *certificate, const struct certificate *issuer);

/*
 * Is it for `host`, an IP address or a DNS name (RFC 6125)? Only subjectAltName counts. A wildcard is
 * the whole first label, stands for one label, and has two more behind it.
 */
bool certificate_is_for(const struct certificate *certificate, const char *host);

/* "a.example, *.b.example, 10.0.0.1", cut with "..." where it gets long; "no name" when there is none. */
void certificate_names(const struct certificate *certificate, char *text, size_t size);

#endif
