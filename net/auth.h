/*
 * auth - what to put into Authorization for one repository of one registry.
 *
 * With a name and a password, Basic is sent from the first request on, so that a poll stays one
 * request; a registry that wants a Bearer token answers 401 and says where to get it, with the
 * credentials or, for public images, without (distribution project, "Token Authentication").
 *
 *	send the request with auth_value()
 *	401: auth_answer() reads the challenge, gets a token; 0: send the request again
 *
 * A token is kept for the run; when it expires meanwhile the next 401 brings a new one.
 */
#ifndef NET_AUTH_H
#define NET_AUTH_H

#include <stdbool.h>

#include "lib/err.h"
#include "net/client.h"

#define AUTH_TOKEN_MAX 7000    /* has to fit a header line */
#define AUTH_RESPONSE_MAX 65536

struct auth {
	const char *registry;	/* for errors; these four are borrowed */
	const char *repository; /* the scope to ask for when the challenge names none */
	const char *username;	/* NULL: none */
	const char *password;
	bool allow_plain;	/* the token service may speak plain http */
	/* private */
	char *value;
	bool is_token;
};

/* The first four fields and allow_plain are set by the caller; the rest is 0. */
void auth_init(struct auth *auth);
void auth_release(struct auth *auth);

/* "Basic ...", "Bearer ..." or NULL. */
const char *auth_value(const struct auth *auth);

/*
 * The client holds the 401 answer (its body is given up). 0: there is something new to try.
 * FAILURE_UNAUTHORIZED: there is nothing, and what the user has to do about it.
 */
int auth_answer(struct auth *auth, struct client *client, struct err *err);

/* The text and code for credentials that are missing or wrong. */
int auth_refused(const struct auth *auth, struct err *err);

#endif
