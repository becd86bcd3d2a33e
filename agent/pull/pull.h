/*
 * pull - bring an image into the store: fetch, decode and unpack helpers with pipes between them.
 *
 * One resolve and one pull run at a time; others wait in a queue, so that memory and the link stay
 * bounded. Layers are committed one by one as they are verified: what a broken pull has finished
 * is not fetched again.
 */
#ifndef AGENT_PULL_PULL_H
#define AGENT_PULL_PULL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/digest.h"
#include "config/reference.h"
#include "lib/err.h"
#include "store/space.h"

struct agent;
struct pull;

/* What it ended with. Lives as long as the callback. */
struct pull_result {
	struct err err;		 /* code 0: it worked */
	struct space room;	 /* -ENOSPC: the pull can't work before so much is free */
	int64_t retry_after_s;	 /* as the registry wishes; 0: it said nothing */
	bool is_unusable;	 /* the image itself is bad: fetching it again gives the same */
	struct digest image;	 /* what the reference resolves to: manifest or index */
	struct digest manifest;	 /* of this platform; pulls only, as the next */
	struct digest config;	 /* image ID */
	int64_t fetched_bytes;	 /* of layers, compressed */
	bool is_by_mirror;	 /* a mirror told what the reference names: the registry is out of reach */
	bool was_present;	 /* the store had it all */
};

struct pull_request {
	struct reference reference;
	struct digest digest;	/* none: the reference is resolved first */
	bool resolve_only;	/* one HEAD request */
	bool tag;		/* the reference shall name the image in the store, as `docker pull` does */
	json_t *auth;		/* {"username","password"} of an API client, borrowed; NULL: as agent.ini says */
	/* An object as the helpers report it (agent/helper/fetch, unpack); may be NULL. */
	void (*on_progress)(struct pull *pull, const json_t *line, void *data);
	void (*on_end)(struct pull *pull, const struct pull_result *result, void *data);
	void *data;
};

/* Queues it. on_end is called exactly once, never from within this call; the pull is gone after it. */
struct pull *pull_start(struct agent *agent, const struct pull_request *request);

/* Nobody waits for it any more: stops it; on_end isn't called. */
void pull_cancel(struct pull *pull);

/* Does one of its fetches wait for its link or its registry? Others may go on meanwhile. */
bool pull_is_waiting(const struct pull *pull);

/* Does any pull write to the store at the moment? */
bool pull_is_any_writing(const struct agent *agent);

/* Is this image pulled, or about to be? */
bool pull_is_under_way(const struct agent *agent, const struct digest *image);

#endif
