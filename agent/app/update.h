/*
 * update - which version of an app should run: a state machine over a durable record.
 *
 * A generation is an image digest and the app's settings together, so that a bad change of
 * agent.ini is undone like a bad image. The record of an app names three: current (good), previous
 * (the good one before), trying (the candidate).
 *
 * Deciding is pure: update_next() changes the record for an event and says what to do. The driver
 * (agent/app/app.c) writes the record durably and only then acts. After a power cut at any point the
 * record that was read back gets UPDATE_BOOT, and the table's boot row says how to go on.
 *
 *	idle ── candidate pulled ─► staged ── apply ─► switching ── started ─► probation ── good ─► idle
 *	                                                   │ failed               │ bad
 *	                                                   └──► rolling-back ◄────┘
 *	                                                          └── current started, or can't be ─► idle, refused
 */
#ifndef AGENT_APP_UPDATE_H
#define AGENT_APP_UPDATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "config/reference.h"
#include "lib/err.h"

#define UPDATE_REFUSED_MAX 16
#define UPDATE_REASON_MAX 256
/* A candidate whose probation was cut short this often by reboots is rolled back. */
#define UPDATE_ATTEMPTS_MAX 3

#define CONTAINER_ID_SIZE 65 /* 64 hex digits and a NUL */

enum update_phase {
	PHASE_IDLE,
	PHASE_STAGED,	    /* `trying` is in the store, the current one still runs */
	PHASE_SWITCHING,    /* the current one is being stopped, `trying` started */
	PHASE_PROBATION,    /* `trying` runs and is watched */
	PHASE_ROLLING_BACK, /* `trying` was bad: the current one is started again */
	PHASE_COUNT
};

enum update_last { LAST_NONE, LAST_UPDATED, LAST_ROLLED_BACK, LAST_FAILED, LAST_COUNT };

extern const char *const update_phase_names[PHASE_COUNT]; /* as in status JSON */
extern const char *const update_last_names[LAST_COUNT];

struct generation {
	char container[CONTAINER_ID_SIZE]; /* empty: there is no such generation */
	char reference[REFERENCE_TEXT_SIZE]; /* canonical image reference it was pulled by */
	struct digest image;		   /* what the tag resolved to: manifest or index */
	struct digest manifest;		   /* of this platform: the same as `image`, or what the index names */
	struct digest config;		   /* image ID */
	struct digest settings;		   /* app_config_digest() */
	json_t *settings_json;		   /* the app's settings; a reference is held */
};

/* What was bad and isn't tried again unless the user insists: this image with these settings. */
struct refusal {
	struct digest image;
	struct digest settings;
};

struct record {
	enum update_phase phase;
	enum update_last last;
	char reason[UPDATE_REASON_MAX];
	struct generation current, previous, trying;
	struct refusal refused[UPDATE_REFUSED_MAX]; /* oldest first */
	size_t refused_count;
	int attempts; /* boots into the candidate's probation */
	bool stopped; /* by the user: stays so over reboots */
	uint32_t first_id; /* of the app's own users and groups (agent/app/id_range.h); 0: it has none */
};

enum update_event_kind {
	UPDATE_BOOT,	     /* the agent has started; `running` tells what was found */
	UPDATE_STAGE,	     /* `candidate` is in the store now */
	UPDATE_APPLY,	     /* policy or the user lets the staged one be switched in */
	UPDATE_STARTED,	     /* the container that an action asked for runs */
	UPDATE_START_FAILED, /* it could not be started */
	UPDATE_NO_ROOM,	     /* it could not be started because a file system is full, or a port taken: nobody's fault */
	UPDATE_GOOD,	     /* probation is over, healthy */
	UPDATE_BAD,	     /* it exited or is unhealthy */
	UPDATE_ROLLBACK,     /* the user wants the previous one */
	UPDATE_STOP,	     /* the user wants it stopped */
	UPDATE_START,	     /* the user wants it started */
	UPDATE_DROP,	     /* the staged candidate is not wanted any more */
	UPDATE_PARDON,	     /* the user insists on `candidate`, which was refused */
	UPDATE_EVENT_COUNT
};

extern const char *const update_event_names[UPDATE_EVENT_COUNT];

struct update_event {
	enum update_event_kind kind;
	const char *reason;		    /* START_FAILED, BAD: why, one line */
	const struct generation *candidate; /* STAGE: copied; PARDON: its image and settings count */
	bool apply;			    /* BOOT, STAGE: the candidate may be switched in now */
	bool running;			    /* BOOT: the container of the generation at hand still runs */
};

enum update_action {
	ACTION_NONE,
	ACTION_INSTALL,	      /* there is no generation at all: resolve and pull */
	ACTION_RUN_CURRENT,   /* stop whatever else runs, then run `current` */
	ACTION_RUN_TRYING,    /* the same with `trying` */
	ACTION_RETRY_TRYING,  /* nothing to go back to: restart `trying` with back-off */
	ACTION_WATCH_TRYING,  /* it runs: start probation */
	ACTION_SETTLE,	      /* the running one is current: remove the others' containers, collect */
	ACTION_STOP,	      /* stop what runs */
	ACTION_COUNT
};

extern const char *const update_action_names[ACTION_COUNT];

enum update_action update_next(struct record *record, const struct update_event *event);

bool generation_exists(const struct generation *generation);
bool generation_is(const struct generation *generation, const struct digest *image,
		   const struct digest *settings);
void generation_copy(struct generation *to, const struct generation *from);
void generation_release(struct generation *generation);

bool update_is_refused(const struct record *record, const struct digest *image,
		       const struct digest *settings);
/* Switching or probation: `trying` is what should run. */
bool update_is_on_trial(const struct record *record);

void record_init(struct record *record);
void record_copy(struct record *to, const struct record *from); /* `to` is uninitialised */
void record_release(struct record *record);

/* The durable form. Parsing checks everything: flash goes bad. On error `record` is as after record_init(). */
json_t *record_to_json(const struct record *record);
int record_parse(struct record *record, const char *text, size_t size, struct err *err);

#endif
