/*
 * app - one app of agent.ini on its way through updates.
 *
 * What should run follows from the record (agent/app/update.h) alone: app_generation(). What does run is
 * `container`. Every event ends in app_step(), which moves the one towards the other. Six files:
 *
 *	app.c		the record: events in, decisions written down, then acted on; commands
 *	app_run.c	the container: start, stop, restart with back-off, health, probation
 *	app_trial.c	what a version wrote last that has failed its trial
 *	app_check.c	whether the image is whole, before a container starts
 *	app_track.c	the registry: poll the tag, pull the candidate, hand it over as staged
 *	app_room.c	the store is full: wait until it isn't
 */
#ifndef AGENT_APP_APP_H
#define AGENT_APP_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/app/health.h"
#include "agent/app/update.h"
#include "agent/container/container.h"
#include "agent/pull/pull.h"
#include "config/app_config.h"

struct agent;

struct app {
	struct list node; /* in agent->apps */
	struct agent *agent;
	struct app_config *config; /* as agent.ini wants it; owned */
	struct digest settings;	   /* app_config_digest(config) */

	/* app.c */
	struct record record;
	bool is_unsaved; /* the record on flash is older: the last write failed */
	struct timer save_timer;
	bool is_leaving; /* not in agent.ini any more: goes once nothing of it runs */

	/* app_run.c */
	struct container *container; /* the one that runs, or ran last; NULL: none yet */
	struct health_monitor health;
	struct timer probation_timer, restart_timer;
	bool is_probation_over; /* only the health verdict is missing */
	bool is_unhealthy;	/* it is being restarted for that */
	int64_t started_ms; /* time_monotonic_ms() when it was seen to start; 0: it does not run */
	int64_t backoff_ms;

	/* app_trial.c */
	char told[CONTAINER_ID_SIZE]; /* whose last words were told, for the record's reason */

	/* app_check.c */
	struct check *check;	 /* of the layers of what is due */
	struct digest checked;	 /* the image ID that was checked last; once in the life of the agent is enough */
	struct timer check_timer;
	int64_t heal_until_ms;	 /* monotonic: it may wait so long for a damaged image; 0: it has not begun */
	bool runs_damaged;	 /* because there was nothing better */
	bool stands_in;		 /* the previous version runs, the current one is damaged */
	unsigned int trials;	 /* that have ended, well or not, since the agent was started */

	/* app_track.c */
	struct pull *pull;
	bool is_resolving; /* what `pull` does */
	bool is_healing;   /* the same: for the generation that should run */
	struct timer poll_timer;
	int poll_failures;	 /* in a row */
	struct digest failed;	 /* what could not be pulled; none: nothing */
	int pull_failures;	 /* of that one, in a row */
	int64_t pull_again_ms;	 /* time_monotonic_ms() */
	struct timer room_timer; /* the store is too full for `failed`: looks for room */
	struct space room;	 /* that must be free */
	int64_t switch_again_ms; /* time_monotonic_ms(): not before that, there was no room */
	struct digest candidate; /* what the tag resolved to; none: not known yet */
	bool apply_asked;	 /* `berth update` */
	bool insists;		 /* `berth update APP`: on a refused one too */
	int64_t checked_ns;	 /* when the registry last answered; 0: never */
	int64_t fetched_bytes;	 /* by the last pull */

	char error[ERR_TEXT_MAX]; /* what keeps it from going on; empty: nothing */
	/* How it ended by itself, or why it could not be started, until it runs again; empty: well, or not at all. */
	char ended[ERR_TEXT_MAX];
};

/* Loads the record; starts nothing. A broken record is told, and as good as none. */
struct app *app_new(struct agent *agent, const struct app_config *config);
void app_free(struct app *app); /* what runs goes on running */

/* Once at start, after containers_adopt(). */
void app_boot(struct app *app);

/* agent.ini was read again. */
void app_reconfigure(struct app *app, const struct app_config *config);
/* It is not in agent.ini any more: stopped and removed, volumes excepted. */
void app_leave(struct app *app);

/* One that left agent.ini while no agent was there: its record, and the name of its image. */
void app_forget(struct agent *agent, const char *name);

/* The user's commands: accepted (0) or refused with the reason; what follows happens later. */
int app_update(struct app *app, bool insist, struct err *err); /* poll now, apply what waits; insist: even if refused */
int app_rollback(struct app *app, struct err *err); /* -ENOENT: there is no previous one */
int app_start(struct app *app, struct err *err);    /* -EALREADY */
int app_stop(struct app *app, int64_t timeout_ms, struct err *err);

struct app *app_find(struct agent *agent, const char *name); /* NULL: none */
/* The app whose generation this container is, or NULL. */
struct app *app_of_container(const struct container *container);

/* The generation that should run: current or trying, or previous when that stands in; NULL when stopped or not installed. */
const struct generation *app_generation(const struct app *app);

/* idle, resolving, pulling, staged, switching, probation or rolling-back. */
const char *app_phase_name(const struct app *app);

/* Between these files. */
void app_save(struct app *app); /* the record, again when it can't be written now */
void app_decide(struct app *app, const struct update_event *event); /* record, then act */
void app_step(struct app *app);			    /* app_run.c: towards app_generation() */
void app_stop_container(struct app *app, int64_t timeout_ms); /* app_run.c: the live one; as container_stop() */
void app_start_probation(struct app *app);	    /* app_run.c */
void app_restart_later(struct app *app);	    /* app_run.c: with back-off */
void app_retry(struct app *app);		    /* app_run.c: the same for one that may run, but badly */
void app_attach_found(struct app *app);		    /* app_run.c: at boot */
void app_take_over(struct app *app);		    /* app_run.c: one that was found running counts as started */
/*
 * app_trial.c: before app_decide() with a reason why the version on trial is no good. The last line that it wrote goes behind
 * the reason if `with_last`. False: all that is known already, and `reason` is the record's.
 */
bool app_tell_failure(struct app *app, char reason[static UPDATE_REASON_MAX], bool with_last);
bool app_must_wait(struct app *app, const struct generation *due); /* app_check.c: app_step() is called again */
void app_was_healed(struct app *app);	    /* app_check.c: something was */
void app_check_release(struct app *app);    /* app_check.c */
bool app_has_finished(const struct app *app);	    /* app_run.c: it ended, and its policy says that this was all */
bool app_is_running(const struct app *app);	    /* app_run.c: the right container, alive */
void app_remove_containers(struct app *app, const char *except_id); /* app_run.c */
void app_run_release(struct app *app);		    /* app_run.c */
void app_poll_now(struct app *app);		    /* app_track.c */
void app_poll_later(struct app *app, int64_t delay_ms); /* app_track.c */
void app_consider(struct app *app);		    /* app_track.c: is there something to change? */
void app_heal(struct app *app, const struct generation *generation); /* app_track.c: fetch what the store lost */
void app_reference_moved(struct app *app);	    /* app_track.c: what is asked or pulled of the old one is stale */
void app_track_release(struct app *app);	    /* app_track.c */
bool app_has_room_to_switch(struct app *app); /* app_room.c: if not, app_consider() is called when there is */
void app_found_no_room(struct app *app);	    /* app_room.c: a container could not be started for that */
void app_look_for_room(struct app *app);	    /* app_room.c: there may be some now */
void app_wait_for_room(struct app *app, const struct space *room); /* app_room.c: app_consider() when it is there */

#endif
