/*
 * pause - freezes a running container and lets it go on, as docker pause and unpause.
 *
 * Freezing a busy container can take seconds, so `berth runtime pause` and `resume` do it, as jobs. Whether a
 * container is paused the cgroup knows: the next agent asks it (container_find_paused()). The owner
 * is told by CONTAINER_FROZEN and CONTAINER_THAWED.
 *
 * Who stops or kills a paused container need not care: container_stop() sends its signal first and then lets
 * the container go on, so that the signal is the first thing it sees.
 */
#ifndef AGENT_CONTAINER_PAUSE_H
#define AGENT_CONTAINER_PAUSE_H

#include <stdbool.h>

#include "lib/err.h"

struct container;

/*
 * `done` is called once, from the loop, unless this fails at once: -EBUSY, with a state that it can't be done in,
 * or while another pause is under way. err->code says how it went.
 */
int container_pause(struct container *container, bool paused,
		    void (*done)(const struct err *err, void *data), void *data, struct err *err);

/* Lets it go on if it is paused or is being paused; nobody waits for it. For whoever has sent a signal. */
void container_thaw(struct container *container);

/* When its shim has told that it runs, which may be to the next agent: state is paused when its cgroup is frozen. */
void container_find_paused(struct container *container);

/* The container goes away: whoever waits is told so. */
void container_pause_release(struct container *container);

#endif
