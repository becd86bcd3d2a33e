/*
 * tunnel - a way through an HTTP proxy: CONNECT (RFC 9110, 9.3.6), after which the stream leads to the host
 * itself. What the proxy sees of it is the host's name and port, and the proxy's own password.
 */
#ifndef NET_TUNNEL_H
#define NET_TUNNEL_H

#include "config/proxy.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "net/stream.h"

/* Connects to the proxy itself: for plain http, whose requests then name the whole URL. Errors name the proxy. */
int tunnel_connect(struct stream *stream, const struct proxy *proxy, int connect_ms, int stall_ms,
		   struct err *err);

/*
 * Behind tunnel_connect(): on to `authority` ("host:port", IPv6 in brackets), which is what `stream` names as its peer
 * from then on. The answer has to be there within `answer_ms`.
 */
int tunnel_open(struct stream *stream, const struct proxy *proxy, const char *authority,
		int answer_ms, struct err *err);

/* Appends Proxy-Authorization where there is a user. */
void tunnel_append_credentials(struct buf *request, const struct proxy *proxy);

/* The error for a proxy that wants other credentials: 407, or 401 to CONNECT (tinyproxy). */
int tunnel_refused(const struct proxy *proxy, int status, struct err *err);

#endif
