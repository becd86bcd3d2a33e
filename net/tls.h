/*
 * tls - a TLS client without I/O: bytes go in and out of buffers, stream.c moves them. BearSSL is
 * behind it, and another library can take its place without anyone noticing.
 *
 * The engine has four doors. tls_state() tells which are open; tls_buffer() gives the memory
 * behind an open one, tls_moved() tells how much of it was filled or taken.
 *
 *	TLS_SEND_RECORD		bytes for the peer are waiting		take, tls_moved
 *	TLS_RECEIVE_RECORD	bytes from the peer are wanted		fill, tls_moved
 *	TLS_SEND_APP		application data may be written		fill, tls_moved, tls_flush
 *	TLS_RECEIVE_APP		application data has come		take, tls_moved
 *	TLS_CLOSED		it is over: tls_reason() tells why
 *
 * TLS 1.2, ECDHE with AES-GCM or ChaCha20-Poly1305. One buffer serves both directions (16 kB
 * less): request and answer take turns anyway.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "net/trust.h"

enum tls_door {
	TLS_CLOSED = 1,
	TLS_SEND_RECORD = 2,
	TLS_RECEIVE_RECORD = 4,
	TLS_SEND_APP = 8,
	TLS_RECEIVE_APP = 16,
};

struct tls;
struct identity;

/* What a later handshake with the same server can take up. */
struct tls_session {
	unsigned char id_size; /* 0: the server gave none */
	unsigned char id[32];
	uint16_t version;
	uint16_t suite;
	unsigned char secret[48];
};

/*
 * When certificates have to be valid, Unix time: at now_s, the later of the clock and what is known of the past. A clock that
 * is behind that, but not before this program was built, may be right all the same (something on flash
 * has a date from the future): then it is enough to be valid at clock_s.
 */
struct tls_time {
	int64_t now_s;
	int64_t clock_s;
};

/* All borrowed until tls_free(). */
struct tls_settings {
	const struct trust *trust;	 /* anchors the server's certificate has to lead to */
	const struct identity *identity; /* for servers that ask who we are; NULL: nobody */
	const struct tls_session *session; /* of an earlier connection to the same server; NULL: none */
	struct tls_time time;
};

/* A client that wants to talk to `host`. NULL without randomness, or when berth was built without TLS. */
struct tls *tls_new(const char *host, const struct tls_settings *settings, struct err *err);
void tls_free(struct tls *tls);

/*
 * After the handshake: the session that it made or took up. A server that took one up was not asked for its
 * certificate: it knew the secret that it had agreed upon when it was.
 */
void tls_get_session(const struct tls *tls, struct tls_session *session);

unsigned tls_state(const struct tls *tls);
unsigned char *tls_buffer(struct tls *tls, enum tls_door door, size_t *size);
void tls_moved(struct tls *tls, enum tls_door door, size_t count);
void tls_flush(struct tls *tls); /* makes a record of what was written */
void tls_close(struct tls *tls); /* queues close_notify */

/* Sets `err` (FAILURE_TLS) to why the engine closed; 0 when the peer said goodbye properly. */
int tls_reason(const struct tls *tls, struct err *err);

#endif
