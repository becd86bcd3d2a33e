/*
 * check - looks whether layers, or all of the store, are what they were, in a helper (agent/helper/fsck.c).
 *
 * Layers that turn out damaged become suspect (store/suspect.h) and are told in the log. Healing them is
 * heal.h's.
 */
#ifndef AGENT_UPKEEP_CHECK_H
#define AGENT_UPKEEP_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/digest.h"
#include "lib/err.h"
#include "store/layer_check.h"

struct agent;
struct check;

struct check_request {
	enum check_depth depth;
	const struct digest *layers; /* copied; count 0: all of the store */
	size_t layer_count;
	void (*on_line)(const json_t *line, void *data); /* as the helper reports them; may be NULL */
	/* `rc`: 0, or why it could not be looked. Called once, not from within check_start(). */
	void (*on_end)(const struct err *err, void *data);
	void *data;
};

/* NULL with the reason: nothing was started. */
struct check *check_start(struct agent *agent, const struct check_request *request, struct err *err);

/* Nobody waits for it any more. */
void check_stop(struct check *check);

#endif
