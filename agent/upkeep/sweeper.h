/*
 * sweeper - has what the store has thrown away removed, by one job at a time, off the loop.
 */
#ifndef AGENT_UPKEEP_SWEEPER_H
#define AGENT_UPKEEP_SWEEPER_H

struct agent;

/* Soon after this; harmless when there is nothing. When it is done apps that wait for room are told. */
void sweeper_start(struct agent *agent);

#endif
