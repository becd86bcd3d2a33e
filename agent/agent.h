/*
 * agent - the daemon: everything it holds. One object, passed around; there are no globals.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <jansson.h>
#include <stdint.h>

#include "agent/budget.h"
#include "agent/container/plug.h"
#include "agent/loop.h"
#include "agent/networks/networks.h"
#include "agent/pull/fetch_sessions.h"
#include "agent/upkeep/heal.h"
#include "config/agent_config.h"
#include "lib/list.h"
#include "store/store.h"

struct api_server;
struct job;
struct check;

struct agent {
	struct loop loop;
	const char *config_path;
	struct agent_config *config; /* the last good one */
	char config_error[ERR_TEXT_MAX]; /* why the file on disk isn't in use; empty: it is */
	char name[256];	    /* the device's */
	int64_t started_ms; /* time_monotonic_ms() */
	struct store store;
	int64_t last_seen_s; /* when the store was written to last, Unix time */
	int run_fd; /* the run directory */
	struct list apps;
	struct list containers;
	struct networks networks;
	struct list pulls; /* running and waiting, oldest first */
	struct timer pull_timer;
	struct timer sweep_timer;
	struct job *sweep_job; /* NULL: none runs */
	bool is_sweep_due;   /* something was thrown away since it began */
	struct fetch_sessions sessions;
	bool is_collect_due; /* a collection had to wait for a pull */
	bool is_relink_broken; /* links to unchanged files have failed: pulls write all until the next start */
	bool has_unfinished; /* the store may have records of pulls (store/unfinished.h) */
	unsigned int lookers; /* checks of all of the store: nothing is collected under them */
	struct heal heal;
	struct check *boot_check; /* under way, or NULL */
	struct timer boot_timer;
	bool is_boot_clean;	/* boot_check.h */
	bool is_boot_checked;
	struct budget budget;
	struct plug_watch plug_watch;
	struct api_server *api;
};

/* Reads agent.ini again; a bad one changes nothing. */
int agent_reload(struct agent *agent, struct err *err);

/* The document of `berth status --json` (DESIGN: fixed). A new reference. */
json_t *status_json(struct agent *agent);

#endif
