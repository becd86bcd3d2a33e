/*
 * collect - what the store may forget: everything that no generation, container, tag or unfinished
 * pull needs.
 */
#ifndef AGENT_COLLECT_H
#define AGENT_COLLECT_H

#include "config/digest.h"

struct agent;

/* Skipped while a pull writes or a record is not on flash: what ends that calls it again. */
void collect(struct agent *agent);

/* Keeps a layer that no image has yet, until the next pull is complete: a broken one's next try counts on it. */
void collect_pin(struct agent *agent, const struct digest *diff_id);
void collect_unpin(struct agent *agent);

#endif
