/*
 * daemon - the agent as its clients see it: one connection to its socket, blocking.
 *
 *	daemon_open(&daemon, host, err)
 *	daemon_request(&daemon, "GET", "/containers/json", NULL, err)	-> the status
 *	daemon_read(&daemon, &data, &size, err)				pieces of the body, or
 *	daemon_json(&daemon, &json, err)				all of it
 *	daemon_close(&daemon)
 *
 * One request at a time; after its body was read to the end another one may follow.
 */
#ifndef AGENT_CLI_DAEMON_H
#define AGENT_CLI_DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "net/http.h"

#define DAEMON_HOST_DEFAULT "unix:///run/berth/berth.sock"
#define DAEMON_BODY_MAX (16 * 1024 * 1024)
#define DAEMON_READ_SIZE 16384

struct daemon {
	int fd;
	struct http_parser parser;
	bool over; /* the body at hand was read to the end */
	size_t start, end; /* of what is not used yet in data */
	char data[DAEMON_READ_SIZE];
};

#define DAEMON_CLEANUP __attribute__((cleanup(daemon_close)))
#define DAEMON_INIT { .fd = -1 }

/* "unix:///path" or a plain path. NULL: BERTH_HOST, DOCKER_HOST, then the default. */
int daemon_open(struct daemon *daemon, const char *host, struct err *err);
void daemon_close(struct daemon *daemon); /* also after a failed open, or none */

/* `body`: JSON, or NULL. The status, or a negative code with the reason. */
int daemon_request(struct daemon *daemon, const char *method, const char *target,
		   const json_t *body, struct err *err);

/* The same, but a status of 400 and above is an error with the agent's own message (-ENOENT for 404, else -EREMOTEIO). */
int daemon_call(struct daemon *daemon, const char *method, const char *target, const json_t *body,
		struct err *err);

/* Asks to change over to a raw stream: 0 when the connection belongs to the caller now. */
int daemon_upgrade(struct daemon *daemon, const char *target, const json_t *body, struct err *err);

/* What came behind the answer to an upgrade. */
void daemon_early(const struct daemon *daemon, const char **data, size_t *size);

/* 1 and a piece, valid until the next call; 0 at the end. */
int daemon_read(struct daemon *daemon, const char **data, size_t *size, struct err *err);
int daemon_json(struct daemon *daemon, json_t **out, struct err *err);

/* A request whose answer is JSON. */
int daemon_get(struct daemon *daemon, const char *target, json_t **out, struct err *err);

/* Percent-encoding of what stands in a path or a parameter. */
void daemon_escape(struct buf *out, const char *text);

#endif
