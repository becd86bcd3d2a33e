/* The registry's side of an app: see app.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/upkeep/collect.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"

#define RETRY_FIRST_MS 2000 /* after a failure; doubled each time, up to ... */
#define RETRY_POLL_MAX_MS (5 * 60 * 1000)
#define RETRY_JITTER_PERCENT 20 /* at least, whatever the polls have */
/* A link that is down is tried more often than an image that is bad: moving the tag is what helps there. */
#define RETRY_PULL_MAX_MS (15 * 60 * 1000)
/* It is looked for room meanwhile. Without any the same bytes would be fetched for nothing. */
#define RETRY_FULL_MS (60 * 60 * 1000)
#define RETRY_UNUSABLE_MAX_MS (24 * 60 * 60 * 1000)

static void poll_due(struct timer *timer)
{
	app_poll_now(timer->data);
}

/* Fleets that are switched on together shall not ask together. */
static int64_t with_jitter(int64_t delay_ms, int percent)
{
	int64_t range = delay_ms * percent / 100;
	uint32_t random;

	if (range <= 0 || getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return delay_ms;
	return delay_ms - range + (int64_t)(random % (uint64_t)(2 * range + 1));
}

void app_poll_later(struct app *app, int64_t delay_ms)
{
	if (!app->pull && !app->is_leaving)
		timer_start(&app->agent->loop, &app->poll_timer, delay_ms, poll_due, app);
}

/* How long to wait after this many failures in a row. */
static int64_t backoff(int failures, int64_t most_ms)
{
	int64_t delay_ms = RETRY_FIRST_MS;

	for (int i = 1; i < failures && delay_ms < most_ms; i++)
		delay_ms *= 2;
	return delay_ms < most_ms ? delay_ms : most_ms;
}

/* What failed for all of a fleet at once is not tried by all of it at once, nor before the registry wants it. */
static int64_t retry_delay(const struct app *app, int64_t delay_ms, int64_t retry_after_s)
{
	int percent = app->agent->config->jitter_percent;
	int64_t asked_ms = retry_after_s * 1000;

	delay_ms = with_jitter(delay_ms, percent > RETRY_JITTER_PERCENT ? percent : RETRY_JITTER_PERCENT);
	return delay_ms > asked_ms ? delay_ms : asked_ms + with_jitter(asked_ms / 20, 100);
}

static void schedule_poll(struct app *app)
{
	const struct agent_config *config = app->agent->config;
	int64_t delay_ms = with_jitter(config->poll_ms, config->jitter_percent);
	int64_t until_pull_ms = app->pull_again_ms - time_monotonic_ms();

	if (!digest_is_none(&app->failed) && until_pull_ms < delay_ms)
		delay_ms = until_pull_ms > 0 ? until_pull_ms : 0;
	app_poll_later(app, delay_ms);
}

static void note_error(struct app *app, const struct err *err)
{
	/* The same reason again is told in status, not in the log each time. */
	if (strcmp(app->error, err->text))
		log_warn("app %s: %s", app->config->name, err->text);
	snprintf(app->error, sizeof(app->error), "%s", err->text);
}

/* Pulls go well. What the app waits for to start is told on. */
static void forget_error(struct app *app)
{
	if (!networks_are_waited_for(app))
		app->error[0] = '\0';
}

static void note_waiting(struct app *app, const char *text)
{
	char name[REFERENCE_TEXT_SIZE];
	struct err err = ERR_INIT;

	reference_familiar(&app->config->ref, name);
	err_set(&err, -EAGAIN, "pull %s: %s", name, text);
	note_error(app, &err);
}

/* What an earlier try failed with, or what this one waited for, is no news once bytes come. */
static void note_progress(struct pull *pull, const json_t *line, void *data)
{
	struct app *app = data;
	const char *text;
	int64_t current = 0;

	if (json_get_string(line, "waiting", &text, NULL) > 0)
		note_waiting(app, text);
	json_get_int(json_object_get(line, "progress"), "current", &current, NULL);
	if ((current > 0 || json_is_null(json_object_get(line, "waiting"))) && !pull_is_waiting(pull))
		forget_error(app);
}

static void poll_failed(struct app *app, const struct pull_result *result)
{
	int64_t most_ms = app->agent->config->poll_ms;

	note_error(app, &result->err);
	if (most_ms > RETRY_POLL_MAX_MS)
		most_ms = RETRY_POLL_MAX_MS;
	app_poll_later(app, retry_delay(app, backoff(++app->poll_failures, most_ms), result->retry_after_s));
}

/* The tag is polled on meanwhile, so that a better version doesn't have to wait. */
static void pull_failed(struct app *app, const struct pull_result *result)
{
	int64_t delay_ms;

	note_error(app, &result->err);
	if (!digest_equal(&app->failed, &result->image))
		app->pull_failures = 0;
	app->failed = result->image;
	/* It brought something that is kept: that link is bad, but it is one. */
	if (result->fetched_bytes > 0 && !result->is_unusable)
		app->pull_failures = 0;
	delay_ms = backoff(++app->pull_failures, result->is_unusable ? RETRY_UNUSABLE_MAX_MS :
								       RETRY_PULL_MAX_MS);
	delay_ms = retry_delay(app, delay_ms, result->retry_after_s);
	if (space_is_full(result->err.code)) {
		delay_ms = RETRY_FULL_MS;
		app_wait_for_room(app, &result->room);
	}
	app->pull_again_ms = time_monotonic_ms() + delay_ms;
	schedule_poll(app);
}

static void pull_worked(struct app *app)
{
	app->failed = DIGEST_NONE;
	forget_error(app);
	timer_stop(&app->room_timer);
}

/* A mirror that lags behind names what the app has left: the registry alone may say that. */
static bool is_stale(const struct app *app, const struct pull_result *result)
{
	const struct record *record = &app->record;

	return result->is_by_mirror && generation_exists(&record->previous) &&
	       digest_equal(&record->previous.image, &result->image) &&
	       !digest_equal(&record->current.image, &result->image);
}

static void stay(struct app *app)
{
	char name[REFERENCE_TEXT_SIZE];
	struct pull_result result = { .retry_after_s = 0 };

	reference_familiar(&app->config->ref, name);
	err_set(&result.err, -EHOSTUNREACH,
		"check %s: the registry is out of reach, and the previous version is not taken from its mirror", name);
	poll_failed(app, &result);
}

static void resolved(struct pull *pull, const struct pull_result *result, void *data)
{
	struct app *app = data;

	(void)pull;
	app->pull = NULL;
	if (!result->err.code && is_stale(app, result)) {
		stay(app);
		return;
	}
	if (result->err.code) {
		poll_failed(app, result);
		return;
	}
	app->poll_failures = 0;
	app->checked_ns = time_now_ns();
	app->candidate = result->image;
	if (!digest_equal(&app->failed, &app->candidate))
		pull_worked(app);
	schedule_poll(app);
	app_consider(app);
	collect_unfinished(app->agent);
}

void app_poll_now(struct app *app)
{
	const struct reference *ref = &app->config->ref;
	struct pull_request request = {
		.reference = *ref,
		.resolve_only = true,
		.on_end = resolved,
		.data = app,
	};

	timer_stop(&app->poll_timer);
	if (app->pull || app->record.stopped || app->is_leaving)
		return;
	if (!digest_is_none(&ref->digest)) {
		/* Pinned by digest: there is nothing to ask for, but perhaps a pull to try again. */
		app->candidate = ref->digest;
		schedule_poll(app);
		app_consider(app);
		return;
	}
	app->is_resolving = true;
	app->pull = pull_start(app->agent, &request);
}

/* The generation in the record that has this image already, so that nothing must be fetched. */
static const struct generation *find_image(const struct app *app, const struct digest *image)
{
	const struct record *record = &app->record;
	const struct generation *all[] = { &record->current, &record->trying, &record->previous };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (generation_exists(all[i]) && digest_equal(&all[i]->image, image))
			return all[i];
	return NULL;
}

/* A first install waits for nobody, nor do settings, which were changed by hand on the device. */
static bool may_apply(struct app *app, const struct digest *image)
{
	bool is_update = generation_exists(&app->record.current) &&
			 !digest_equal(image, &app->record.current.image);

	if (is_update && !app->apply_asked && app->config->update != UPDATE_AUTO)
		return false;
	return !generation_exists(&app->record.current) || app_has_room_to_switch(app);
}

static void stage(struct app *app, const struct digest *image, const struct digest *manifest,
		  const struct digest *config)
{
	struct generation candidate = {
		.image = *image,
		.manifest = *manifest,
		.config = *config,
		.settings = app->settings,
		.settings_json = app_config_to_json(app->config),
	};
	struct update_event event = {
		.kind = UPDATE_STAGE,
		.candidate = &candidate,
		.apply = may_apply(app, image),
	};

	container_new_id(candidate.container);
	reference_format(&app->config->ref, candidate.reference);
	app->apply_asked = false;
	app_decide(app, &event);
	json_decref(candidate.settings_json);
}

static void pulled(struct pull *pull, const struct pull_result *result, void *data)
{
	struct app *app = data;

	(void)pull;
	app->pull = NULL;
	if (result->err.code) {
		pull_failed(app, result);
		return;
	}
	log_info("app %s: pulled %.19s, %lld bytes of layers fetched", app->config->name,
		 result->image.text, (long long)result->fetched_bytes);
	pull_worked(app);
	app->fetched_bytes = result->fetched_bytes;
	schedule_poll(app);
	/* agent.ini or the tag may have changed meanwhile: then this one is already stale. */
	if (digest_equal(&result->image, &app->candidate))
		stage(app, &result->image, &result->manifest, &result->config);
	else
		app_consider(app);
}

static bool must_wait(const struct app *app, const struct digest *image)
{
	return digest_equal(&app->failed, image) && time_monotonic_ms() < app->pull_again_ms;
}

static void start_pull(struct app *app, const struct digest *image)
{
	struct pull_request request = {
		.reference = app->config->ref,
		.digest = *image,
		.on_progress = note_progress,
		.on_end = pulled,
		.data = app,
	};

	timer_stop(&app->poll_timer);
	app->is_resolving = false;
	app->pull = pull_start(app->agent, &request);
}

static bool is_busy(const struct app *app)
{
	const struct record *record = &app->record;

	return app->pull || app->is_leaving || record->phase == PHASE_ROLLING_BACK ||
	       (update_is_on_trial(record) && generation_exists(&record->current));
}

/* The image that should run: what the tag names, unless updates by hand hold it back. */
static const struct digest *wanted_image(const struct app *app)
{
	const struct generation *current = &app->record.current;
	char reference[REFERENCE_TEXT_SIZE];
	bool is_same_reference, is_held_back;

	reference_format(&app->config->ref, reference);
	is_same_reference = generation_exists(current) && !strcmp(current->reference, reference);
	is_held_back = app->config->update == UPDATE_MANUAL && !app->apply_asked;
	if (is_same_reference && (is_held_back || digest_is_none(&app->candidate)))
		return &current->image;
	return &app->candidate;
}

/* Staged, and the tag or the settings have moved on: forget it. */
static void drop_stale_candidate(struct app *app)
{
	if (app->record.phase == PHASE_STAGED)
		app_decide(app, &(struct update_event){ .kind = UPDATE_DROP });
}

static void pardon(struct app *app, const struct digest *image)
{
	const struct generation candidate = { .image = *image, .settings = app->settings };

	app->insists = false;
	app_decide(app, &(struct update_event){ .kind = UPDATE_PARDON, .candidate = &candidate });
}

void app_consider(struct app *app)
{
	const struct digest *image = wanted_image(app);
	const struct generation *at_hand;

	if (is_busy(app) || digest_is_none(image))
		return;
	if (generation_is(&app->record.current, image, &app->settings)) {
		app->apply_asked = app->insists = false;
		drop_stale_candidate(app);
		return;
	}
	if (generation_is(&app->record.trying, image, &app->settings)) {
		if (may_apply(app, image))
			app_decide(app, &(struct update_event){ .kind = UPDATE_APPLY });
		return;
	}
	if (app->insists)
		pardon(app, image);
	if (update_is_refused(&app->record, image, &app->settings)) {
		app->apply_asked = false;
		drop_stale_candidate(app);
		return;
	}
	at_hand = find_image(app, image);
	if (at_hand)
		stage(app, &at_hand->image, &at_hand->manifest, &at_hand->config);
	else if (!must_wait(app, image))
		start_pull(app, image);
}

static void healed(struct pull *pull, const struct pull_result *result, void *data)
{
	struct app *app = data;

	(void)pull;
	app->pull = NULL;
	app->is_healing = false;
	if (result->err.code) {
		pull_failed(app, result);
	} else {
		pull_worked(app);
		schedule_poll(app);
	}
	/* Whether it worked is seen by starting, if that is still wanted. */
	if (app_generation(app) && !app_is_running(app))
		app_restart_later(app);
}

void app_heal(struct app *app, const struct generation *generation)
{
	struct pull_request request = {
		.digest = generation->image,
		.on_progress = note_progress,
		.on_end = healed,
		.data = app,
	};
	struct err err = ERR_INIT;

	if (app->pull) {
		app_restart_later(app); /* which comes back here when it still can't start */
		return;
	}
	if (reference_parse(&request.reference, generation->reference, &err) < 0) {
		log_error("app %s: %s", app->config->name, err.text);
		return;
	}
	log_warn("app %s: the store lost a part of its image: fetched again", app->config->name);
	timer_stop(&app->poll_timer);
	app->is_resolving = false;
	app->is_healing = true;
	app->pull = pull_start(app->agent, &request);
}

void app_reference_moved(struct app *app)
{
	app->candidate = DIGEST_NONE;
	if (app->pull && !app->is_healing) {
		pull_cancel(app->pull);
		app->pull = NULL;
	}
	app_poll_now(app);
}

void app_track_release(struct app *app)
{
	timer_stop(&app->poll_timer);
	timer_stop(&app->room_timer);
	if (app->pull)
		pull_cancel(app->pull);
	app->pull = NULL;
}
