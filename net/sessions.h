/*
 * sessions - TLS sessions that can be resumed, one for each of a few servers: a handshake that takes one up again
 * costs some hundred bytes and no public-key operation.
 *
 * fetch ends after each question, so a session has to travel: as text to the agent, which keeps it in memory, and
 * back to the next fetch with the same settings. Whoever knows a session can play its server: it is never on flash, and the
 * agent forgets it after some hours, so that certificates are looked at again (agent/pull/fetch_sessions.h). A session
 * vouches for a server as far as the trust anchors it was made with: servers with others need sessions of their own.
 *
 * Session IDs of TLS 1.2 (RFC 5246, 7.3) only; BearSSL has no tickets. Servers written in Go have nothing
 * else, so with them each handshake is a full one.
 */
#ifndef NET_SESSIONS_H
#define NET_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "net/tls.h"
#include "net/url.h"

#define SESSIONS_MAX 4 /* registry, token service, two CDNs */
#define SESSIONS_TEXT_MAX 2048

struct session {
	char host[URL_HOST_MAX + 1];
	uint16_t port;
	struct tls_session tls; /* id_size 0: the entry is free */
};

/* Zero-initialised is empty. */
struct sessions {
	struct session all[SESSIONS_MAX];
	size_t next; /* the entry that a new one goes into when all are taken */
};

/* NULL: none for this server. Borrowed, until the next sessions_put(). */
const struct tls_session *sessions_find(const struct sessions *sessions, const char *host, uint16_t port);
/* In the place of the one it had. One without an ID just removes that. */
void sessions_put(struct sessions *sessions, const char *host, uint16_t port, const struct tls_session *tls);

/* Appends them as one line of base64, nothing when there are none. At most SESSIONS_TEXT_MAX characters. */
void sessions_format(const struct sessions *sessions, struct buf *out);
/* A parser of what that wrote, or somebody else: 0, or -EINVAL and `sessions` is empty. */
int sessions_parse(struct sessions *sessions, const char *text, size_t size);

#endif
