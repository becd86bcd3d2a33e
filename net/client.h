/*
 * client - HTTP/1.1 requests without a body, to any number of hosts, one at a time.
 *
 *	client_init(&client, &settings)
 *	client_send(&client, &request, err)	follows redirects; then client_message() is the answer's head
 *	while ((ret = client_read(&client, &data, &size, err)) > 0) ...
 *	client_release(&client)
 *
 * Connections are kept open and used again: one to the registry, one to the CDN it redirects to. A
 * kept one that turns out to be dead is replaced without a word. What is left of an answer's body is
 * drained or cut off by the next client_send().
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/proxy.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "net/http.h"
#include "net/sessions.h"
#include "net/stream.h"
#include "net/trust.h"
#include "net/url.h"

#define CLIENT_CONNECTIONS 2
#define CLIENT_REDIRECTS_MAX 5
#define CLIENT_INPUT_SIZE 32768

struct client_settings {
	struct trust trust;    /* borrowed */
	const struct identity *identity; /* borrowed; NULL: none; shown to identity_host alone */
	const char *identity_host;
	struct sessions *sessions; /* borrowed; taken up, and noted here; NULL: none */
	int64_t time_floor_s;  /* it can't be earlier than that: see struct tls_time */
	const struct proxy_rules *proxies; /* borrowed; NULL: none */
	bool allow_plain;      /* redirects may lead from https to http */
	int connect_ms;
	int head_ms;  /* from a request to the end of its answer's head, however it trickles in; 0: stall_ms */
	int stall_ms; /* the longest wait for one more byte of a body */
	int slow_ms;  /* see stream.h; 0: a body may come as slowly as it likes */
	int64_t bytes_per_s; /* a cap on what is received, over all connections; 0: none */
};

struct client_request {
	const char *method; /* "GET" or "HEAD" */
	const struct url *url;
	const char *accept;	   /* or NULL */
	const char *authorization; /* or NULL; sent to the origin of `url` only, whatever it redirects to */
	uint64_t range_from;	   /* 0: everything; else "Range: bytes=N-" */
	const char *if_range;	   /* with a range: the ETag of which it is a part; or NULL */
	const struct url *if_range_origin; /* who gave that ETag; others don't know it */
};

struct connection {
	struct stream stream;
	struct url origin; /* without a target */
	const struct proxy *proxy; /* it leads through; NULL: none */
	unsigned long used_at;
};

struct client {
	struct client_settings settings;
	struct url url; /* that answered, after redirects */
	/* private */
	struct connection connections[CLIENT_CONNECTIONS];
	struct connection *active; /* has an answer to be read; NULL: none */
	unsigned long requests;
	struct pace pace;
	struct http_parser parser;
	char *input;
	size_t input_begin, input_end;
};

void client_init(struct client *client, const struct client_settings *settings);
void client_release(struct client *client);

/* 0 with an answer of whatever status (but 1xx or a redirect), or a negative code. */
int client_send(struct client *client, const struct client_request *request, struct err *err);

/* The head of the last answer; valid until the next client_send(). */
const struct http_message *client_message(const struct client *client);

/* The body's next piece, valid until the next call: 1; 0 at its end; negative when it is cut short or over the limit. */
int client_read(struct client *client, const char **data, size_t *size, struct err *err);
void client_limit_body(struct client *client, uint64_t bytes); /* right after client_send() */
/* All of it, which has to be at most `limit` bytes. */
int client_read_all(struct client *client, struct buf *out, size_t limit, struct err *err);

#endif
