/*
 * connection - one client on the API's socket: reads requests one after the other, hands each to
 * its route, sends what the handler queued. The server's side of HTTP/1.1 keep-alive.
 *
 * While a request is being answered nothing more is read, so input is bounded by one request and a
 * client that sends ahead waits. A client that goes away ends its request at once.
 */
#ifndef AGENT_API_CONNECTION_H
#define AGENT_API_CONNECTION_H

#include <stdbool.h>

#include "agent/api/request.h"
#include "agent/loop.h"
#include "lib/list.h"

#define CONNECTION_IDLE_MS (5 * 60 * 1000) /* between two requests */
#define CONNECTION_RECEIVE_MS (60 * 1000)  /* without a byte in the middle of a request */

enum connection_state {
	CONNECTION_IDLE,      /* waits for a request */
	CONNECTION_RECEIVING, /* has a part of one */
	CONNECTION_ANSWERING, /* a handler has it */
	CONNECTION_HIJACKED,  /* the descriptor has been given away */
};

struct connection {
	struct list node; /* in the server's connections */
	struct agent *agent;
	struct loop *loop;
	int fd;
	enum connection_state state;
	struct watch watch;
	struct timer timer;
	struct http_parser parser;
	struct buf input;  /* read and not yet parsed */
	struct buf output; /* queued and not yet sent */
	bool close_after;  /* no further request on this connection */
	struct request request;
};

/* Takes the descriptor. */
struct connection *connection_new(struct list *connections, struct agent *agent, struct loop *loop,
				  int fd);
void connection_free(struct connection *connection);

/* Queued output waits: called by the replies. */
void connection_wake(struct connection *connection);

#endif
