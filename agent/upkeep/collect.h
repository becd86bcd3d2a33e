/*
 * collect - what the store may forget: everything that no generation, container, tag or unfinished
 * pull needs.
 */
#ifndef AGENT_UPKEEP_COLLECT_H
#define AGENT_UPKEEP_COLLECT_H

#include "config/digest.h"

struct agent;

/* Skipped while a pull writes or a record is not on flash: what ends that calls it again. */
void collect(struct agent *agent);

/*
 * Records of unfinished pulls that nobody will go on with any more are dropped, and what only they
 * kept is collected: the tag or agent.ini has moved on. Cheap when there are none.
 */
void collect_unfinished(struct agent *agent);

/* Once at start: another one for each of them. */
void collect_count_start(struct agent *agent);

#endif
