/* delete - takes away what create has made, and whatever still runs in the container. */
#ifndef AGENT_RUN_DELETE_H
#define AGENT_RUN_DELETE_H

#include <stdbool.h>

#include "agent/run/state.h"
#include "lib/err.h"

/*
 * A running container is refused unless `force`, which also makes a container that does not exist
 * a success.
 */
int delete_container(const char *root, const char *id, bool force, struct err *err);

/* The same by force for one whose state, and perhaps cgroup (else NULL), are at hand. */
int delete_opened(const struct state *state, const struct cgroup *cgroup, const char *root,
		  struct err *err);

#endif
