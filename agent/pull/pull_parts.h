/*
 * pull_parts - what the pull*.c share: one struct, and who does what.
 *
 *	pull.c		the queue, and the life of a pull: resolve, compare with the store, pull, commit
 *	pull_plan.c	what the image consists of, before its first layer comes: noted on flash, and room for it
 *	pull_base.c	which layers the store has of the version before
 *	pull_lanes.c	how many lanes there are, and those besides the first
 *	pull_helpers.c	starts the helpers, takes their reports, sees them end
 *	pull_watch.c	stops a pull that doesn't get on: the next ones wait for it
 *	pull_relink.c	layers with files that are linked to those, when unpack has ended
 */
#ifndef AGENT_PULL_PULL_PARTS_H
#define AGENT_PULL_PULL_PARTS_H

#include "agent/helper/lane.h"
#include "agent/pull/pull.h"
#include "lib/list.h"
#include "lib/sha256.h"
#include "store/stage.h"

enum pull_step {
	STEP_WAIT_RESOLVE,
	STEP_RESOLVING,
	STEP_CHECKING, /* whether what the store has is whole */
	STEP_WAIT_PULL,
	STEP_PULLING,
	STEP_ENDED,
};

enum pull_role { ROLE_FETCH, ROLE_DECODE, ROLE_UNPACK, ROLE_RELINK, PULL_ROLES };

/* One process of a pull, and how it ended. */
struct pull_helper {
	struct pull *pull;
	unsigned int lane;
	enum pull_role role;
	struct job *job; /* NULL: not started, or it has ended */
	struct err err;
	bool is_echo;	 /* the error only says that another helper has stopped, or was stopped */
	bool blames_image;
	bool is_waiting; /* fetch: for its link or its registry, as it says */
};

struct pull {
	struct list node; /* in agent->pulls */
	struct agent *agent;
	struct pull_request request;
	enum pull_step step;
	char name[REFERENCE_TEXT_SIZE]; /* for people */
	struct pull_helper helpers[LANES_MAX][PULL_ROLES];
	unsigned int lane_count; /* most that there may be; they are started when the layers are known */
	json_t *have; /* diff IDs in the store when the helpers were started */
	struct stage stage;
	bool has_stage, is_cancelled;
	char session_key[SHA256_HEX + 1]; /* of the fetch that runs */
	bool without_mirrors; /* one of them may have sent other bytes */
	bool is_stopping; /* the helpers were asked to end */
	struct digest *plan; /* diff IDs of all its layers, once they are known */
	size_t plan_count;
	struct space available, floor; /* when it began */
	struct digest *base;  /* diff IDs to look for unchanged files in, lowest first */
	size_t base_count;
	struct held_layer *held; /* verified, waiting for relink */
	size_t held_count;
	struct timer stall;  /* runs out when nothing moves */
	int64_t stall_ms;
	struct check *check; /* NULL: none is under way */
	struct pull_result result;
};

/* pull_helpers.c. Every layer gets into the store this way. */
int pull_commit_layer(struct pull *pull, const struct layer_meta *meta, unsigned int number,
		      struct err *err);

/* pull_helpers.c. An error of pull_start_helpers() may leave some of them running: stop them. */
int pull_start_head(struct pull *pull, struct err *err);
int pull_start_helpers(struct pull *pull, struct err *err);
/* What a lane's processes shall bring; documents may be NULL. */
struct pull_lane {
	unsigned int number;
	const struct digest *asked;
	const char *manifest, *config;
};
int pull_start_lane(struct pull *pull, const struct pull_lane *lane, struct err *err);
bool pull_has_helpers(const struct pull *pull);
/* Asks those that run to end; what follows their end is called as ever. */
void pull_stop_helpers(struct pull *pull);
/* The helper whose error tells why it all failed; NULL: none has one. */
const struct pull_helper *pull_find_culprit(const struct pull *pull);

/* What a helper's report says of an error, and that it has ended. */
void pull_take_error(struct pull_helper *helper, const char *line);
void pull_take_end(struct pull_helper *helper, int status);

/* pull_base.c. Fills pull->base; nothing found is no error. */
void pull_find_base(struct pull *pull);

/*
 * pull_relink.c. Layers that unpack has reported as such wait until all helpers have ended, well or not; then
 * pull_start_relink() has them linked and commits them, and pull_finish() is called. False: there is nothing to
 * do, or helpers[0][ROLE_RELINK] has the error.
 */
int pull_hold_layer(struct pull *pull, const struct layer_meta *meta, unsigned int number, struct err *err);
json_t *pull_base_json(const struct pull *pull);
bool pull_start_relink(struct pull *pull);

/* pull_lanes.c. Starts the other lanes, as many as there are layers for; on an error stop those that run. */
unsigned int pull_count_lanes(const struct agent_config *config);
int pull_start_lanes(struct pull *pull, const char *manifest_digest, struct err *err);

/* pull_helpers.c. What fetch says that the reference stands for: a digest in it can't stand for another one. */
int pull_take_digest(struct pull *pull, const char *text, struct err *err);

/* pull_plan.c. Looks what is free before anything is written. */
int pull_look_at_space(struct pull *pull, struct err *err);
/* The store was full: says how full and what helps, and when to try again. */
void pull_explain_full(struct pull *pull);
/* An error, also that the record can't be written, ends the pull before a layer is committed. There is but one plan. */
int pull_take_plan(struct pull *pull, const json_t *layers, struct err *err);
bool pull_plan_has(const struct pull *pull, const struct digest *diff_id);
/* The pull has ended well: the record goes. */
void pull_forget_plan(struct pull *pull);

/*
 * pull_watch.c. Nothing else ends a helper that hangs. A link that is slow or gone is not its business: fetch says
 * what it waits for, and gives up by itself. What takes longest without a word is syncfs() on slow flash.
 */
#define PULL_STALL_MS (30 * 60 * 1000)
void pull_watch(struct pull *pull, int64_t stall_ms);
/* Its fetch or unpack has reported something. */
void pull_moves(struct pull *pull);
void pull_watch_end(struct pull *pull);

/* pull.c. What happens when the helpers have ended: the one that asked, or all of a pull. */
void pull_resolved(struct pull *pull);
void pull_finish(struct pull *pull);

#endif
