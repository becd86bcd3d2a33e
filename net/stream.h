/*
 * stream - a connection to another machine: TCP, and TLS on top where asked. Blocking, with a
 * time-out on every wait.
 *
 *	stream_connect(&stream, host, port, stall_ms, err)
 *	stream_start_tls(&stream, host, settings, err)	only for https
 *	stream_write / stream_read ...
 *	stream_close(&stream)
 *
 * `waiting_for` names what the peer owes us ("the answer"), for the text of a time-out; whoever
 * uses the stream sets it. After an error only stream_close() is left. TLS that fails in its handshake is
 * FAILURE_TLS, later it is a connection that broke (-ECONNRESET).
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"
#include "net/pace.h"
#include "net/tls.h"

#define STREAM_PEER_SIZE 272
#define STREAM_TLS_MS 30000   /* for the whole handshake: some kB and some round trips over GPRS */
#define STREAM_SLOW_BYTES 8192 /* see slow_ms: in two minutes even a bad GPRS link does ten times that */

struct stream {
	int fd;		 /* -1: not open; non-blocking; a stream socket, so that SIGPIPE can be avoided */
	struct tls *tls; /* NULL: plain */
	bool is_secure;	 /* the TLS handshake is over */
	int stall_ms;	 /* the longest wait for one more byte, either way */
	int slow_ms;	 /* reads that wait this long in all have to bring STREAM_SLOW_BYTES; 0: no matter */
	char peer[STREAM_PEER_SIZE]; /* "host:port", for errors */
	struct pace *pace;	     /* what it reads is capped by; borrowed; NULL: nothing */
	const char *waiting_for;     /* a constant: "no byte for 60 s while waiting for ..." */
	/* private */
	int64_t deadline_ms; /* monotonic; 0: none */
	int limit_ms;	     /* what made the deadline */
	int64_t waited_ms;   /* by reads, since the rate was last looked at */
	size_t received;     /* meanwhile */
};

#define STREAM_CLOSED ((struct stream){ .fd = -1 })

/* See net/dial.h. */
int stream_connect(struct stream *stream, const char *host, uint16_t port, int connect_ms,
		   int stall_ms, struct err *err);

/* For a socket that is connected already; takes the descriptor. */
void stream_adopt(struct stream *stream, int fd, const char *peer, int stall_ms);

/* The TLS handshake. */
int stream_start_tls(struct stream *stream, const char *host, const struct tls_settings *settings,
		     struct err *err);

/*
 * From now on everything has to be over within limit_ms, however it trickles in; stall_ms does not count
 * meanwhile. 0: no limit any more.
 */
void stream_limit(struct stream *stream, int limit_ms);

/* At least one byte, or 0 at the end. A TLS peer that just hangs up counts as an end: HTTP tells whether one is due. */
ssize_t stream_read(struct stream *stream, void *data, size_t size, struct err *err);
/* All of it. */
int stream_write(struct stream *stream, const void *data, size_t size, struct err *err);

/* Has the peer sent something, or hung up, while nothing was asked? Then it can't be used again. */
bool stream_is_stale(const struct stream *stream);

bool stream_is_open(const struct stream *stream);
void stream_close(struct stream *stream);

#endif
