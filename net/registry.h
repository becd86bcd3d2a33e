/*
 * registry - pulling from one repository: the OCI distribution spec 1.1, end to end of its pull
 * part, which Docker's registries speak too.
 *
 *	registry_open(&registry, &settings, &reference)
 *	registry_head(...)		what does the tag point to? One request
 *	registry_get_manifest(...)	index or manifest, whole
 *	registry_get_blob(...)		config or layer, streamed, from any byte on
 *	registry_close(&registry)
 *
 * Which protocol: https; plain http with `insecure`, and for a registry on loopback for which no
 * `ca` is set. (Docker tries https first and falls back; that would cost a poll a second request,
 * and a fallback can be forced by whoever sits in between.)
 *
 * Errors have the codes of net/failure.h and name the registry. After FAILURE_RETRY and FAILURE_SERVER,
 * retry_after_s tells how long the registry wants to be left alone.
 */
#ifndef NET_REGISTRY_H
#define NET_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/digest.h"
#include "config/reference.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "net/auth.h"
#include "net/client.h"
#include "net/trust.h"
#include "net/url.h"

#define REGISTRY_MEDIA_TYPE_MAX 127
#define REGISTRY_RETRY_AFTER_MAX 86400
#define REGISTRY_STALL_MS 30000
#define REGISTRY_ETAG_MAX 127 /* longer ones are not used */

/* All borrowed until registry_close(). */
struct registry_settings {
	bool insecure;
	bool has_ca;	      /* `trust` was set for this registry, rather than the system's bundle */
	struct trust trust;
	const char *username; /* NULL: anonymous */
	const char *password;
	const struct identity *identity; /* NULL: none. The registry's host alone sees it, nobody it redirects to */
	int64_t time_floor_s; /* see client_settings, as the next */
	const struct proxy_rules *proxies;
	struct sessions *sessions;
	int64_t bytes_per_s;  /* a cap on what is received; 0: none */
	int64_t stall_ms;     /* the longest wait for one more byte of a body; 0: REGISTRY_STALL_MS */
};

struct registry {
	const struct reference *reference;
	int64_t retry_after_s; /* 0: not said */
	/* private */
	bool plain;
	char host[URL_HOST_MAX + 1]; /* of it */
	struct client client;
	struct auth auth;
};

/* Takes pieces of a blob as they arrive; a negative value ends the transfer and is passed on. */
typedef int blob_sink(const char *data, size_t size, void *arg);

/* Does no I/O. `reference` is borrowed. */
void registry_open(struct registry *registry, const struct registry_settings *settings,
		   const struct reference *reference);
void registry_close(struct registry *registry);

/* Does the rule above lead to plain http? Then no trust anchors are needed. */
bool registry_is_plain(const struct reference *reference, bool insecure, bool has_ca);

/*
 * The digest and size of the manifest that the reference (its digest, or its tag) names. A registry that sends no usable
 * Docker-Content-Digest is asked for the manifest itself. FAILURE_DIGEST when the reference has another digest.
 */
int registry_head(struct registry *registry, struct digest *digest, int64_t *size, struct err *err);

/*
 * The manifest or index with this digest, of at most MANIFEST_SIZE_MAX bytes; FAILURE_DIGEST when the
 * bytes are others. media_type is the Content-Type as it came, without parameters.
 */
int registry_get_manifest(struct registry *registry, const struct digest *digest, struct buf *out,
			  char media_type[static REGISTRY_MEDIA_TYPE_MAX + 1], struct err *err);

/*
 * A blob on its way. The caller sets the first two and zeroes the rest; it borrows the digest.
 *
 *	while ((ret = registry_get_blob(&registry, &blob, sink, arg, err)) < 0 && "another try may help")
 *		"wait"
 */
struct registry_blob {
	const struct digest *digest;
	int64_t size;
	int64_t offset;	 /* bytes the sink has got: the next try goes on there */
	bool is_unranged; /* set it after -ESPIPE: the whole is asked for, and what is known skipped */
	/* private */
	char etag[REGISTRY_ETAG_MAX + 1]; /* of these bytes; empty: none known */
	struct url etag_origin;		  /* who gave it; without a target */
	bool is_etag_useless;
};

/*
 * The bytes of a blob from its offset on, until all `size` are there (0). They are not hashed: who keeps them does
 * that, over all tries; so bytes that are others after a cut are noticed. A registry that ignores ranges
 * (200) costs the skipped bytes again, no more. -ESPIPE: it gives other ranges than it is asked for.
 */
int registry_get_blob(struct registry *registry, struct registry_blob *blob, blob_sink *sink, void *arg,
		      struct err *err);

#endif
