/*
 * request - one call of the API as its handler sees it, and the ways to answer it.
 *
 * A handler is called with the whole request and must not block. It does one of these:
 *
 *	reply_json(), reply_error(), reply_empty()	the answer at once, or later from a callback
 *	reply_begin(), reply_write() ..., reply_end()	in pieces, now and from later callbacks
 *	request_hijack()				takes the connection for another protocol
 *
 * Whoever answers later sets `release` and `data`: release is called once when the request is over,
 * answered or because the client has gone, and the request must not be touched afterwards. Replies
 * are only queued: no reply function ends the request before the caller is back in the loop.
 *
 * Back-pressure: a stream writes no more than reply_room() bytes, and goes on when `on_room` is
 * called. So a slow client costs REPLY_QUEUE_MAX and nothing else.
 */
#ifndef AGENT_API_REQUEST_H
#define AGENT_API_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/api/route.h"
#include "agent/api/target.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "net/http.h"

#define REQUEST_BODY_MAX (1024 * 1024)
#define REPLY_QUEUE_MAX (64 * 1024)
#define REPLY_QUEUE_LOW (16 * 1024)

struct agent;
struct connection;

struct request {
	struct connection *connection;
	struct agent *agent;
	const struct http_message *message; /* method and header fields */
	struct target target;
	char name[ROUTE_NAME_MAX + 1]; /* what "*" in the route stood for */
	struct buf body;

	void (*release)(struct request *request);
	void (*on_room)(struct request *request);
	void *data;

	/* private */
	bool replied; /* the head of the reply is queued */
	bool chunked, over, no_body;
};

/* `json` is taken. */
void reply_json(struct request *request, int status, json_t *json);
void reply_text(struct request *request, int status, const char *text);
void reply_empty(struct request *request, int status);

/* {"message": "..."}, as every error of the API. */
void reply_error(struct request *request, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The status goes by the code: -ENOENT 404, -EALREADY 304, -EINVAL 400, -EBUSY and -EEXIST 409, -ENOTSUP 501, else 500. */
void reply_err(struct request *request, const struct err *err);

void reply_begin(struct request *request, int status, const char *content_type);
void reply_write(struct request *request, const void *data, size_t size);
void reply_json_line(struct request *request, json_t *json); /* taken; one line of a stream */
void reply_end(struct request *request);
/* How many bytes the queue takes before REPLY_QUEUE_MAX; 0 when it is full. */
size_t reply_room(const struct request *request);

/* The body as a JSON object; an empty body is an empty object. Answers 400 and returns -EINVAL when it is none. */
int request_json(struct request *request, json_t **out);

/* The parameters h and w, rows and columns of a terminal. Answers 400 and returns -EINVAL when they can't be. */
int request_size(struct request *request, unsigned short *rows, unsigned short *columns);

/*
 * Takes the connection: answers 101 (200 to a client that did not ask for an upgrade) and returns
 * the descriptor, non-blocking, with what the client sent behind its request in `early`. The request is
 * over, without `release`. From the handler only. A negative errno value when the client has gone.
 */
int request_hijack(struct request *request, const char *content_type, struct buf *early);

#endif
