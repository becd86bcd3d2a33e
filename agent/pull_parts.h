/*
 * pull_parts - what the pull*.c share: one struct, and who does what.
 *
 *	pull.c		the queue, and the life of a pull: resolve, compare with the store, pull, commit
 *	pull_helpers.c	starts the helpers, takes their reports, sees them end
 */
#ifndef AGENT_PULL_PARTS_H
#define AGENT_PULL_PARTS_H

#include "agent/pull.h"
#include "lib/list.h"
#include "store/stage.h"

enum pull_step {
	STEP_WAIT_RESOLVE,
	STEP_RESOLVING,
	STEP_WAIT_PULL,
	STEP_PULLING,
	STEP_ENDED,
};

struct pull {
	struct list node; /* in agent->pulls */
	struct agent *agent;
	struct pull_request request;
	enum pull_step step;
	char name[REFERENCE_TEXT_SIZE]; /* for people */
	struct job *fetch, *unpack;
	struct stage stage;
	bool has_stage, is_cancelled;
	struct pull_result result;
	struct err fetch_err, unpack_err;
	bool unpack_is_incomplete; /* its error only says that fetch stopped */
	bool fetch_blames_image, unpack_blames_image;
};

/* pull_helpers.c. An error of pull_start_helpers() may leave one of them running: stop it. */
int pull_start_head(struct pull *pull, struct err *err);
int pull_start_helpers(struct pull *pull, struct err *err);
/* Asks those that run to end; what follows their end is called as ever. */
void pull_stop_helpers(struct pull *pull);

/* pull.c. What happens when the helpers have ended: the one that asked, or all of a pull. */
void pull_resolved(struct pull *pull);
void pull_finish(struct pull *pull);

#endif
