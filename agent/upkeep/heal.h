/*
 * heal - fetches what the store has lost: every image that an app's generation or a tag names and
 * that is not whole (a layer is missing or suspect, its config or manifest is damaged).
 *
 * One pull after the other, by digest. What can't be fetched is tried again, each minute at first, each
 * quarter of an hour in the end. A container that runs keeps the tree it has; it gets the new one at its
 * next start.
 */
#ifndef AGENT_UPKEEP_HEAL_H
#define AGENT_UPKEEP_HEAL_H

#include <stdbool.h>

#include "agent/loop.h"
#include "config/digest.h"
#include "lib/err.h"

struct agent;
struct pull;

#define HEAL_FAILED_MAX 32

/* In struct agent. */
struct heal {
	struct pull *pull;
	struct digest failed[HEAL_FAILED_MAX]; /* images, in this round */
	size_t failed_count;
	int rounds; /* in a row that left something */
	struct err err; /* why the last one failed; code 0: nothing did */
	struct timer timer;
	/* Called when a round is over, once; set by whoever waits for it. */
	void (*on_round)(struct agent *agent, void *data);
	void *data;
};

/* Begins a round, unless one is under way. on_round is called from the loop, also when there is nothing to do. */
void heal_now(struct agent *agent);

/* In this round, or the one before when none is under way. */
bool heal_has_failed(const struct agent *agent, const struct digest *image);

/* Are all layers of the image there and not suspect, and its documents? */
bool heal_is_whole(const struct agent *agent, const struct digest *config);

#endif
