/*
 * pull - bring an image into the store: a fetch and an unpack helper with a pipe between them.
 *
 * One pull and one resolve run at a time; others wait in a queue, so that memory and the link stay
 * bounded. Layers are committed one by one as they are verified: what a broken pull has finished
 * is not fetched again.
 */
#ifndef AGENT_PULL_H
#define AGENT_PULL_H

#include <jansson.h>
#include <stdint.h>

#include "agent/job.h"
#include "config/digest.h"
#include "config/reference.h"
#include "lib/list.h"

struct agent;
struct pull;

/* What a resolve or pull ended with. Lives as long as the callback. */
struct pull_result {
	struct err err;	       /* code 0: it worked */
	int64_t retry_after_s; /* from the registry; 0: it said nothing */
	bool refused;	       /* trying the same again can't help (unauthorized, not found, platform...) */
	struct digest image;   /* what the tag resolves to */
	struct digest config;  /* image ID; pulls only */
	int64_t fetched_bytes; /* compressed bytes of the layers that were moved */
	bool was_present;      /* nothing had to be fetched */
};

struct pull_request {
	struct reference reference;
	struct digest digest;  /* empty text: resolve the tag first */
	bool resolve_only;     /* one HEAD request */
	bool tag;	       /* let the reference name the image in the store */
	const json_t *auth;    /* {"username","password"} from an API client, or NULL: by agent.ini */
	/* {"layer","current","total"} objects as fetch reports them, and texts; may be NULL */
	void (*on_progress)(struct pull *pull, const json_t *line, void *data);
	void (*on_end)(struct pull *pull, const struct pull_result *result, void *data);
	void *data;
};

/* Queues it. on_end is called exactly once, never from within this call. */
struct pull *pull_start(struct agent *agent, const struct pull_request *request);

/* Nobody waits for it any more: stops it, on_end isn't called. */
void pull_cancel(struct pull *pull);

bool pull_is_running(const struct pull *pull); /* else it waits in the queue */
const char *pull_waits_for(const struct pull *pull);

#endif
