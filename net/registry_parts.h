/*
 * registry_parts - what the registry*.c share.
 *
 *	registry.c	the protocol: one question, its authentication, what a status means; manifests
 *	registry_blob.c	blobs, from any byte on
 */
#ifndef NET_REGISTRY_PARTS_H
#define NET_REGISTRY_PARTS_H

#include "net/registry.h"

/* What is asked for: behind /v2/NAME/ in the URL, and in the words of an error. */
struct registry_want {
	const char *method;
	const char *kind;     /* "manifests" or "blobs" */
	const char *selector; /* tag or digest */
	const char *accept;
	uint64_t range_from;
	const char *if_range; /* see client_request */
	const struct url *if_range_origin;
};

/* Sends it, once more after a 401 that could be answered. 0: the status is 2xx, the body can be read. */
int registry_ask(struct registry *registry, const struct registry_want *want, struct err *err);

#endif
