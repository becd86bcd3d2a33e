/* Before a container starts: are its layers whole? See app.h. */
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/upkeep/check.h"
#include "agent/upkeep/heal.h"
#include "lib/log.h"
#include "lib/time.h"
#include "store/image.h"

#define HEAL_WAIT_MS 20000 /* a registry that doesn't answer must not keep the app from running */
#define LOOK_AGAIN_MS 250

static void checked(const struct err *err, void *data)
{
	struct app *app = data;

	(void)err; /* it was logged; what can't be checked is started as it is */
	app->check = NULL;
	app_step(app);
}

/* False: there is nothing to check, or no way. */
static bool start_check(struct app *app, const struct generation *due)
{
	struct check_request request = { .depth = CHECK_STAT, .on_end = checked, .data = app };
	struct image_config *image;
	struct err err = ERR_INIT;

	app->checked = due->config;
	app->heal_until_ms = 0;
	if (image_load(&app->agent->store, &due->config, &image, NULL, NULL) < 0)
		return false;
	request.layers = image->diff_ids;
	request.layer_count = image->diff_id_count;
	if (request.layer_count)
		app->check = check_start(app->agent, &request, &err);
	if (err.code)
		log_warn("app %s: not checked: %s", app->config->name, err.text);
	image_config_free(image);
	return app->check;
}

static void look_again(struct timer *timer)
{
	app_step(timer->data);
}

static bool may_wait(struct app *app, const struct generation *due)
{
	if (!app->heal_until_ms) {
		app->heal_until_ms = time_monotonic_ms() + HEAL_WAIT_MS;
		log_warn("app %s: its image %.19s is damaged: fetched again", app->config->name,
			 due->image.text);
		heal_now(app->agent);
	} else if (heal_has_failed(app->agent, &due->image) ||
		   time_monotonic_ms() >= app->heal_until_ms) {
		return false;
	}
	timer_start(&app->agent->loop, &app->check_timer, LOOK_AGAIN_MS, look_again, app);
	return true;
}

/* True: another version is due now. */
static bool choose_stand_in(struct app *app, const struct generation *due)
{
	const struct record *record = &app->record;
	bool can_stand_in = !update_is_on_trial(record) && generation_exists(&record->previous) &&
			    heal_is_whole(app->agent, &record->previous.config);

	if (can_stand_in == app->stands_in)
		return false;
	if (can_stand_in)
		log_warn("app %s: %.19s is damaged and can't be fetched now: the previous version runs "
			 "until it can", app->config->name, due->image.text);
	app->stands_in = can_stand_in;
	return true;
}

bool app_must_wait(struct app *app, const struct generation *due)
{
	if (app->check)
		return true;
	if (!digest_equal(&app->checked, &due->config) && start_check(app, due))
		return true;
	app->runs_damaged = !heal_is_whole(app->agent, &due->config);
	if (!app->runs_damaged || !may_wait(app, due)) {
		if (!app->runs_damaged || !choose_stand_in(app, due))
			return false;
		app_step(app);
	}
	return true;
}

void app_was_healed(struct app *app)
{
	const struct record *record = &app->record;

	if (!generation_exists(&record->current) ||
	    !heal_is_whole(app->agent, &record->current.config))
		return;
	if (app->stands_in) {
		log_info("app %s: its image is whole again: back from the previous version",
			 app->config->name);
		app->stands_in = false;
		app_step(app);
	} else if (app->runs_damaged && app_is_running(app)) {
		log_info("app %s: restarted: its image is whole again", app->config->name);
		app_retry(app);
	}
	app->runs_damaged = false;
}

void app_check_release(struct app *app)
{
	timer_stop(&app->check_timer);
	if (app->check)
		check_stop(app->check);
	app->check = NULL;
}
