/*
 * app - one app of agent.ini on its way through updates: drives the state machine of
 * agent/update, owns the container of the running generation, polls the tag, probes, restarts.
 *
 * What is wanted (config, record.stopped) and what is (container state) are kept apart; every
 * event ends in app_step(), which moves the one towards the other.
 */
#ifndef AGENT_APP_H
#define AGENT_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/container.h"
#include "agent/health.h"
#include "agent/pull.h"
#include "agent/update.h"
#include "config/app_config.h"

struct agent;

struct app {
	struct list node; /* in agent->apps */
	struct agent *agent;
	struct app_config *config; /* as agent.ini wants it; owned */
	struct digest settings;	   /* app_config_digest(config) */
	struct record record;	   /* as it is on flash */

	struct container *container;	/* of `running`; NULL when none */
	const struct generation *wanted; /* what should run: &record.current, &record.trying or NULL */
	struct health_monitor health;
	struct timer probation_timer, restart_timer;
	int64_t backoff_ms;

	struct pull *pull;
	bool resolving; /* the pull at hand is a resolve */
	struct timer poll_timer;
	int poll_failures;
	struct digest candidate; /* what the tag resolved to; empty: not asked yet */
	int64_t checked_ns;	 /* when the registry last answered */
	char error[ERR_TEXT_MAX]; /* why it can't go on at the moment; empty: nothing */
	bool apply_asked;	 /* `berth update` */
	bool leaving;		 /* removed from agent.ini: freed once its container is gone */
};

/* Loads the record. Does not start anything. */
struct app *app_new(struct agent *agent, const struct app_config *config);
void app_free(struct app *app); /* the container, if any, goes on running */

/* After the containers of a former agent were adopted. */
void app_boot(struct app *app);

/* agent.ini was read again. */
void app_reconfigure(struct app *app, const struct app_config *config);
/* It is not in agent.ini any more: stop and remove it, with its record. */
void app_leave(struct app *app);

/* The user's commands. They return at once; -EALREADY when there is nothing to do. */
int app_update(struct app *app, struct err *err);   /* poll now, and apply what waits */
int app_rollback(struct app *app, struct err *err); /* to the previous generation */
int app_start(struct app *app, struct err *err);
int app_stop(struct app *app, int64_t timeout_ms, struct err *err);

struct app *app_find(struct agent *agent, const char *name); /* NULL: none */
struct app *app_of_container(const struct container *container);

/* idle, resolving, pulling, staged, switching, probation or rolling-back. */
const char *app_phase_name(const struct app *app);

#endif
