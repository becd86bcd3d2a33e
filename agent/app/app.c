#include "agent/app/app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/upkeep/collect.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/record.h"
#include "store/tag.h"

#define SAVE_RETRY_MS 10000

struct app *app_find(struct agent *agent, const char *name)
{
	list_for_each(node, &agent->apps) {
		struct app *app = list_entry(node, struct app, node);

		if (!strcmp(app->config->name, name))
			return app;
	}
	return NULL;
}

struct app *app_of_container(const struct container *container)
{
	list_for_each(node, &container->agent->apps) {
		struct app *app = list_entry(node, struct app, node);

		if (!strcmp(app->record.current.container, container->id) ||
		    !strcmp(app->record.trying.container, container->id) ||
		    (app->stands_in && !strcmp(app->record.previous.container, container->id)))
			return app;
	}
	return NULL;
}

const struct generation *app_generation(const struct app *app)
{
	const struct record *record = &app->record;
	const struct generation *due =
		update_is_on_trial(record) ? &record->trying : &record->current;

	if (app->stands_in && !update_is_on_trial(record) && generation_exists(&record->previous))
		due = &record->previous;
	return record->stopped || app->is_leaving || !generation_exists(due) ? NULL : due;
}

const char *app_phase_name(const struct app *app)
{
	if (app->record.phase == PHASE_IDLE && app->pull)
		return app->is_resolving ? "resolving" : "pulling";
	return update_phase_names[app->record.phase];
}

static void save_again(struct timer *timer);

/*
 * A record that can't be written (full disk, failing flash) doesn't stop the app: it goes on in
 * memory. After a power cut the older record counts, which names an older version that is whole,
 * because nothing is collected while a record is unsaved.
 */
void app_save(struct app *app)
{
	JSON_CLEANUP json_t *json = NULL;
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct err err = ERR_INIT;

	networks_keep_sections(app);
	json = record_to_json(&app->record);
	json_append(&text, json);
	/* One that leaves has no record any more. */
	if (app->is_leaving || record_save(&app->agent->store, app->config->name, text.data,
					   text.size, &err) == 0) {
		app->is_unsaved = false;
		return;
	}
	log_error("app %s: %s (tried again every %d s)", app->config->name, err.text,
		  SAVE_RETRY_MS / 1000);
	app->is_unsaved = true;
	timer_start(&app->agent->loop, &app->save_timer, SAVE_RETRY_MS, save_again, app);
}

/* The reference names the image that runs, as after `docker pull`. */
static void tag_current(struct app *app)
{
	const struct generation *current = &app->record.current;
	struct tag tag = { .image = current->image, .manifest = current->manifest,
			   .config = current->config };
	struct err err = ERR_INIT;

	snprintf(tag.reference, sizeof(tag.reference), "%s", current->reference);
	if (image_tag(&app->agent->store, &tag, &err) == 0)
		return;
	log_warn("app %s: %s", app->config->name, err.text);
	timer_start(&app->agent->loop, &app->save_timer, SAVE_RETRY_MS, save_again, app);
}

/* Or every release that had a tag of its own would stay in the store. */
static void untag(struct agent *agent, const struct generation *former)
{
	struct err err = ERR_INIT;
	int rc;

	if (!generation_exists(former))
		return;
	list_for_each(node, &agent->apps) {
		const struct app *app = list_entry(node, struct app, node);

		if (!app->is_leaving && !strcmp(app->record.current.reference, former->reference))
			return;
	}
	rc = image_untag(&agent->store, former->reference, &err);
	if (rc < 0 && rc != -ENOENT)
		log_warn("%s", err.text);
}

static void settle(struct app *app)
{
	if (app->is_unsaved || app->is_leaving)
		return;
	tag_current(app);
	app_remove_containers(app, app->record.current.container);
	collect(app->agent);
	app_consider(app);
}

static void save_again(struct timer *timer)
{
	struct app *app = timer->data;

	if (app->is_unsaved)
		app_save(app);
	if (app->record.phase == PHASE_IDLE && generation_exists(&app->record.current))
		settle(app); /* which had to wait for this */
	else if (!app->is_unsaved)
		collect(app->agent);
}

static void act(struct app *app, enum update_action action)
{
	switch (action) {
	case ACTION_NONE:
		return;
	case ACTION_INSTALL:
		app_poll_now(app);
		return;
	case ACTION_RUN_CURRENT:
	case ACTION_RUN_TRYING:
		app->backoff_ms = 0;
		timer_stop(&app->restart_timer);
		if (app->record.phase == PHASE_ROLLING_BACK && app_is_running(app) &&
		    !app->container->is_stopping)
			app_take_over(app); /* it has stood in */
		else
			app_step(app);
		return;
	case ACTION_RETRY_TRYING:
		app_retry(app);
		return;
	case ACTION_WATCH_TRYING:
		app_start_probation(app);
		return;
	case ACTION_SETTLE:
		settle(app);
		return;
	case ACTION_STOP:
		timer_stop(&app->restart_timer);
		app_step(app);
		return;
	case ACTION_COUNT:
		return;
	}
}

static void log_decision(const struct app *app, const struct record *before,
			 const struct update_event *event)
{
	const struct record *after = &app->record;
	bool has_reason = event->reason && event->reason[0];

	if (before->phase != after->phase)
		log_info("app %s: %s: %s -> %s%s%s", app->config->name,
			 update_event_names[event->kind], update_phase_names[before->phase],
			 update_phase_names[after->phase], has_reason ? ": " : "",
			 has_reason ? event->reason : "");
}

void app_decide(struct app *app, const struct update_event *event)
{
	struct record before = app->record;
	enum update_action action;

	record_copy(&app->record, &before);
	action = update_next(&app->record, event);
	if (action == ACTION_SETTLE || action == ACTION_RETRY_TRYING)
		app->trials++;
	log_decision(app, &before, event);
	if (strcmp(before.current.container, app->record.current.container))
		app->stands_in = false; /* for one that is not current any more */
	app_save(app);
	if (strcmp(before.current.reference, app->record.current.reference))
		untag(app->agent, &before.current);
	record_release(&before);
	act(app, action);
}

/* No record is an empty one. */
static int load_record(struct agent *agent, const char *name, struct record *record,
		       struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = record_load(&agent->store, name, &text, err);

	record_init(record);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	return record_parse(record, buf_text(&text), text.size, err);
}

static void forget_record(struct agent *agent, const char *name, const struct record *record)
{
	struct err err = ERR_INIT;

	if (record_remove(&agent->store, name, &err) < 0)
		log_warn("app %s: %s", name, err.text);
	untag(agent, &record->current);
}

void app_forget(struct agent *agent, const char *name)
{
	struct record record;
	struct err err = ERR_INIT;

	if (load_record(agent, name, &record, &err) < 0)
		log_warn("app %s, which is not in agent.ini any more: %s", name, err.text);
	forget_record(agent, name, &record);
	record_release(&record);
}

struct app *app_new(struct agent *agent, const struct app_config *config)
{
	struct app *app = xcalloc(1, sizeof(*app));
	struct err err = ERR_INIT;

	app->agent = agent;
	app->config = app_config_copy(config);
	app_config_digest(app->config, &app->settings);
	if (load_record(agent, config->name, &app->record, &err) < 0)
		log_error("app %s: its record is damaged (%s): it is installed anew", config->name,
			  err.text);
	list_insert(&agent->apps, &app->node);
	return app;
}

void app_free(struct app *app)
{
	timer_stop(&app->save_timer);
	app_check_release(app);
	app_run_release(app);
	app_track_release(app);
	list_remove(&app->node);
	record_release(&app->record);
	app_config_free(app->config);
	free(app);
}

/* Until the tag is asked for again, or what is staged would be dropped, and fetched once more. */
static void recall_candidate(struct app *app)
{
	char reference[REFERENCE_TEXT_SIZE];

	reference_format(&app->config->ref, reference);
	if (app->record.phase == PHASE_STAGED && !strcmp(app->record.trying.reference, reference))
		app->candidate = app->record.trying.image;
}

void app_boot(struct app *app)
{
	struct update_event boot = {
		.kind = UPDATE_BOOT,
		.apply = app->config->update == UPDATE_AUTO,
	};

	recall_candidate(app);
	app_attach_found(app);
	boot.running = app_is_running(app);
	if (!app_has_finished(app))
		app_decide(app, &boot);
	app_take_over(app);
	app_consider(app);
	app_poll_later(app, 0);
}

void app_reconfigure(struct app *app, const struct app_config *config)
{
	bool has_moved = !reference_equal(&app->config->ref, &config->ref);

	app_config_free(app->config);
	app->config = app_config_copy(config);
	app_config_digest(app->config, &app->settings);
	app->error[0] = '\0';
	if (networks_keep_sections(app))
		app_save(app);
	if (has_moved)
		app_reference_moved(app);
	app_consider(app);
}

void app_leave(struct app *app)
{
	log_info("app %s: not in agent.ini any more: stopped and removed", app->config->name);
	app->is_leaving = true;
	forget_record(app->agent, app->config->name, &app->record);
	app_track_release(app);
	app_step(app);
}

int app_update(struct app *app, bool insist, struct err *err)
{
	if (app->record.stopped)
		return err_set(err, -EBUSY, "app %s is stopped; start it first: berth start %s",
			       app->config->name, app->config->name);
	app->failed = DIGEST_NONE;
	app->apply_asked = true;
	/* What is staged or on trial was not refused; when it fails now it shall be. */
	app->insists = insist && app->record.phase != PHASE_STAGED &&
		       !update_is_on_trial(&app->record);
	if (app->record.phase == PHASE_STAGED)
		app_decide(app, &(struct update_event){ .kind = UPDATE_APPLY });
	app_poll_now(app);
	return 0;
}

int app_rollback(struct app *app, struct err *err)
{
	const struct record *record = &app->record;
	const struct generation *back =
		update_is_on_trial(record) ? &record->current : &record->previous;

	if (!generation_exists(back))
		return err_set(err, -ENOENT, "app %s has no previous version to go back to",
			       app->config->name);
	if (record->phase == PHASE_ROLLING_BACK)
		return err_set(err, -EALREADY, "app %s is being rolled back", app->config->name);
	app_decide(app, &(struct update_event){ .kind = UPDATE_ROLLBACK });
	return 0;
}

int app_start(struct app *app, struct err *err)
{
	if (app_is_running(app) && !container_has_ended(app->container))
		return err_set(err, -EALREADY, "app %s is running already", app->config->name);
	/* Its shim is about to leave. How it has ended decides nothing any more. */
	if (app_is_running(app))
		app_stop_container(app, -1);
	timer_stop(&app->restart_timer);
	app_decide(app, &(struct update_event){ .kind = UPDATE_START });
	app_step(app);
	app_poll_later(app, 0);
	return 0;
}

int app_stop(struct app *app, int64_t timeout_ms, struct err *err)
{
	if (app->record.stopped)
		return err_set(err, -EALREADY, "app %s is stopped already", app->config->name);
	/*
	 * The signal first, so that the record becomes durable while the container ends. Who asked is answered when both
	 * is done; after a power cut before that the app may run, as if nobody had asked.
	 */
	if (app->container && container_is_alive(app->container))
		app_stop_container(app, timeout_ms);
	app_decide(app, &(struct update_event){ .kind = UPDATE_STOP });
	return 0;
}
