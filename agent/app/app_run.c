/* The container of an app: see app.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/app/id_range.h"
#include "agent/container/bundle.h"
#include "agent/upkeep/collect.h"
#include "agent/upkeep/heal.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/time.h"
#include "store/image.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 60000
#define BACKOFF_RESET_MS 10000 /* up so long: the next restart is quick again, as Docker has it */
/* As long as a forwarder takes to end with its container. */
#define NETWORK_WAIT_MS 2000
#define NETWORK_STEP_MS 100

static void on_container_event(struct container *container, enum container_event event, void *data);

static bool is_container_of(const struct container *container, const struct generation *generation)
{
	return generation && generation_exists(generation) &&
	       !strcmp(container->id, generation->container);
}

bool app_is_running(const struct app *app)
{
	return app->container && container_is_alive(app->container) &&
	       is_container_of(app->container, app_generation(app));
}

static void attach(struct app *app, struct container *container)
{
	free(container->name);
	container->name = xstrdup(app->config->name);
	container->on_event = on_container_event;
	container->data = app;
	app->container = container;
}

/* The version that is replaced stays on the list, as "NAME-previous", until the new one has proved good. */
static void detach(struct app *app)
{
	struct container *container = app->container;

	if (!container)
		return;
	free(container->name);
	container->name = xasprintf("%s-previous", app->config->name);
	container->on_event = NULL;
	app->container = NULL;
}

static struct container *find_container(struct app *app, const struct generation *generation)
{
	list_for_each(node, &app->agent->containers) {
		struct container *container = list_entry(node, struct container, node);

		if (is_container_of(container, generation))
			return container;
	}
	return NULL;
}

static struct container *make_container(struct app *app, const struct generation *generation,
					struct err *err)
{
	struct app_config *settings;
	struct container *container;

	if (app_config_from_json(&settings, generation->settings_json, err) < 0) {
		err_context(err, "the settings kept with %.19s", generation->image.text);
		return NULL;
	}
	container = container_new(app->agent, generation->container, app->config->name,
				  settings->image, &generation->config, settings);
	app_config_free(settings);
	return container;
}

/* So that it is listed and can be started by name, as before the reboot. */
static void attach_stopped(struct app *app)
{
	const struct generation *current = &app->record.current;
	struct container *container;

	if (!generation_exists(current))
		return;
	container = make_container(app, current, NULL);
	if (container)
		attach(app, container);
}

void app_attach_found(struct app *app)
{
	const struct generation *due = app_generation(app);
	const struct generation *all[] = { due, &app->record.current, &app->record.trying };

	/* Whatever still runs comes first: it must be stopped before another one is started. */
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct container *container = all[i] ? find_container(app, all[i]) : NULL;

		if (!container)
			continue;
		if (app->container && (container_is_alive(app->container) ||
				       !container_is_alive(container)))
			continue;
		attach(app, container);
	}
	if (app->record.stopped && !app->container)
		attach_stopped(app);
}

/* Another app may be called NAME-previous. Nobody's are those that a former agent left. */
static bool is_ours(const struct app *app, const struct container *container)
{
	size_t size = strlen(app->config->name);

	return (!container->data || container->data == app) &&
	       !strncmp(container->name, app->config->name, size) &&
	       (!container->name[size] || !strcmp(container->name + size, "-previous"));
}

void app_remove_containers(struct app *app, const char *except_id)
{
	list_for_each_safe(node, &app->agent->containers) {
		struct container *container = list_entry(node, struct container, node);

		if (!is_ours(app, container) || container_is_alive(container) ||
		    (except_id && !strcmp(container->id, except_id)))
			continue;
		if (container == app->container)
			app->container = NULL;
		container_remove(container);
	}
}

static bool is_in_record(const struct app *app, const struct container *container)
{
	return is_container_of(container, &app->record.current) ||
	       is_container_of(container, &app->record.previous) ||
	       is_container_of(container, &app->record.trying);
}

/* A first install whose tag moves before any version was good: what was tried before has no way back. */
static void remove_forgotten(struct app *app)
{
	list_for_each_safe(node, &app->agent->containers) {
		struct container *container = list_entry(node, struct container, node);

		if (is_ours(app, container) && !container_is_alive(container) &&
		    container != app->container && !is_in_record(app, container))
			container_remove(container);
	}
}

static void restart_now(struct timer *timer)
{
	struct app *app = timer->data;

	if (app->container)
		app->container->restarts++;
	app_step(app);
}

void app_restart_later(struct app *app)
{
	app->backoff_ms = app->backoff_ms ? app->backoff_ms * 2 : BACKOFF_FIRST_MS;
	if (app->backoff_ms > BACKOFF_MAX_MS)
		app->backoff_ms = BACKOFF_MAX_MS;
	if (app->container && !container_is_alive(app->container))
		app->container->state = CONTAINER_RESTARTING;
	timer_start(&app->agent->loop, &app->restart_timer, app->backoff_ms, restart_now, app);
}

static void restart_unhealthy(struct app *app)
{
	app->is_unhealthy = true;
	container_stop(app->container, -1);
}

void app_retry(struct app *app)
{
	if (app->container && container_is_alive(app->container))
		restart_unhealthy(app); /* container_ended() comes to app_restart_later() */
	else
		app_restart_later(app);
}

static bool is_restart_wanted(const struct app *app)
{
	const struct container *container = app->container;

	switch (container->settings->restart.kind) {
	case RESTART_ALWAYS:
		return true;
	case RESTART_ON_FAILURE:
		return (container->exit_code || app->is_unhealthy) &&
		       (!container->settings->restart.max ||
			container->restarts < container->settings->restart.max);
	case RESTART_NO:
		return false;
	}
	return false;
}

/* Found so by the next agent; after a reboot nothing is found, and it runs once more. */
bool app_has_finished(const struct app *app)
{
	return app->record.phase == PHASE_IDLE && app->container &&
	       is_container_of(app->container, app_generation(app)) &&
	       app->container->state == CONTAINER_EXITED &&
	       !container_is_alive(app->container) && !is_restart_wanted(app);
}

/*
 * It could not be started, by the agent or by the shim.
 * `by_device`: no room, no such network, a taken port: whatever the version is, it could not run.
 */
static void start_failed(struct app *app, const char *reason, bool by_device)
{
	const struct generation *due = app_generation(app);
	char short_reason[UPDATE_REASON_MAX];

	snprintf(short_reason, sizeof(short_reason), "%s", reason);
	/* Once for each reason: it may be tried for ever, and polls go well meanwhile. */
	if (strcmp(app->ended, reason))
		log_error("app %s: %s", app->config->name, reason);
	snprintf(app->ended, sizeof(app->ended), "%s", reason);
	if (app->container)
		app->container->state = CONTAINER_DEAD;
	if (by_device)
		app_found_no_room(app);
	else if (update_is_on_trial(&app->record))
		app_tell_failure(app, short_reason, false);
	app_decide(app, &(struct update_event){
				.kind = by_device ? UPDATE_NO_ROOM : UPDATE_START_FAILED,
				.reason = reason });
	if (!due || app_generation(app) != due)
		return; /* rolled back */
	if (!heal_is_whole(app->agent, &due->config)) {
		timer_stop(&app->restart_timer);
		app_heal(app, due);
	} else if (!timer_is_running(&app->restart_timer)) {
		app_restart_later(app);
	}
}

static int prepare_ids(struct app *app, struct err *err)
{
	bool own = app->container->settings->confine.own_ids;
	int rc = own ? id_range_take(app, err) : 0;

	app->container->first_id = own ? app->record.first_id : 0;
	return rc;
}

static void start_again(struct timer *timer)
{
	app_step(timer->data);
}

/* What the container before had, a network or who forwards its ports, may be on its way out. */
static bool waits_for_network(struct app *app)
{
	if (app->backoff_ms >= NETWORK_WAIT_MS)
		return false;
	app->backoff_ms += NETWORK_STEP_MS;
	app->container->state = CONTAINER_RESTARTING;
	timer_start(&app->agent->loop, &app->restart_timer, NETWORK_STEP_MS, start_again, app);
	return true;
}

static bool is_of_device(int code)
{
	return space_is_full(code) || code == NETWORKS_LACK || code == NETWORKS_TAKEN;
}

static void start_container(struct app *app)
{
	struct err err = ERR_INIT;

	app->started_ms = 0;
	if (prepare_ids(app, &err) == 0 && container_start(app->container, &err) == 0)
		return;
	if ((err.code != NETWORKS_TAKEN && err.code != NETWORKS_OVERLAP) || !waits_for_network(app))
		start_failed(app, err.text, is_of_device(err.code));
}

/* From here on nothing it does says how good it is. */
void app_stop_container(struct app *app, int64_t timeout_ms)
{
	health_stop(&app->health);
	timer_stop(&app->probation_timer);
	app->is_probation_over = false;
	/* The stop signal once: a second one makes some programs leave in a hurry. */
	if (!app->container->is_stopping || timeout_ms >= 0)
		container_stop(app->container, timeout_ms);
}

static void leave(struct app *app)
{
	struct agent *agent = app->agent;
	/* It may have been put back into agent.ini while it was being stopped. */
	const struct app_config *back = agent_config_app(agent->config, app->config->name);

	app_remove_containers(app, NULL);
	app_free(app);
	collect(agent);
	if (back)
		app_boot(app_new(agent, back));
}

void app_step(struct app *app)
{
	const struct generation *due = app_generation(app);
	struct err err = ERR_INIT;

	if (app->container && container_is_alive(app->container)) {
		if (!is_container_of(app->container, due))
			app_stop_container(app, -1);
		return; /* on_container_event() comes back here */
	}
	if (app->is_leaving) {
		leave(app);
		return;
	}
	if (!due && app->container && app->container->state == CONTAINER_RESTARTING) {
		app->container->state = CONTAINER_EXITED; /* stopped during its back-off */
		networks_changed(app->agent);
	}
	if (!due || timer_is_running(&app->restart_timer) || app_must_wait(app, due))
		return;
	if (!app->container || !is_container_of(app->container, due)) {
		struct container *container = find_container(app, due);

		detach(app);
		if (!container)
			container = make_container(app, due, &err);
		if (!container) {
			start_failed(app, err.text, false);
			return;
		}
		attach(app, container);
		remove_forgotten(app);
	}
	if (networks_is_ready(app))
		start_container(app);
}

static void end_probation(struct app *app, enum update_event_kind kind, const char *reason)
{
	timer_stop(&app->probation_timer);
	app->is_probation_over = false;
	app_decide(app, &(struct update_event){ .kind = kind, .reason = reason });
}

static void probation_is_over(struct timer *timer)
{
	struct app *app = timer->data;

	if (app->health.status == HEALTH_STATUS_STARTING)
		app->is_probation_over = true; /* the verdict comes with a probe */
	else
		end_probation(app, UPDATE_GOOD, NULL);
}

void app_start_probation(struct app *app)
{
	if (timer_is_running(&app->probation_timer) || app->is_probation_over)
		return;
	timer_start(&app->agent->loop, &app->probation_timer,
		    app->container->settings->probation_ms, probation_is_over, app);
}

static bool is_on_probation(const struct app *app)
{
	return app->record.phase == PHASE_PROBATION && app_is_running(app);
}

static void on_health_change(struct health_monitor *monitor, void *data)
{
	struct app *app = data;
	char reason[UPDATE_REASON_MAX];

	if (monitor->status == HEALTH_STATUS_HEALTHY && app->is_probation_over)
		end_probation(app, UPDATE_GOOD, NULL);
	if (monitor->status != HEALTH_STATUS_UNHEALTHY)
		return;
	snprintf(reason, sizeof(reason), "health: %d of %d probes failed: %s", monitor->failures,
		 monitor->timing.retries, monitor->output);
	if (is_on_probation(app)) {
		health_stop(&app->health);
		/* Otherwise it is rolled back, which is told with the reason. */
		if (app_tell_failure(app, reason, false) && !generation_exists(&app->record.current))
			log_warn("app %s: restarted: %s", app->config->name, reason);
		end_probation(app, UPDATE_BAD, reason);
	} else if (app->container->settings->restart.kind != RESTART_NO) {
		log_warn("app %s: restarted: %s", app->config->name, reason);
		restart_unhealthy(app);
	}
}

static void container_started(struct app *app)
{
	struct image_config *image;
	struct err err = ERR_INIT;

	app->error[0] = '\0';
	app->ended[0] = '\0';
	app->is_unhealthy = false;
	app->started_ms = time_monotonic_ms();
	log_info("app %s: running, process %d", app->config->name, (int)app->container->pid);
	if (bundle_image_config(app->container, &image, &err) == 0) {
		health_start(&app->health, app->container, image, on_health_change, app);
		image_config_free(image);
	} else {
		log_warn("app %s: not probed: %s", app->config->name, err.text);
	}
	app_decide(app, &(struct update_event){ .kind = UPDATE_STARTED });
	/* The previous version's, when that has stood in for this one. */
	if (app->record.phase == PHASE_IDLE && !app->stands_in && app->container)
		app_remove_containers(app, app->container->id);
	networks_app_started(app);
}

/* It can't prove itself meanwhile: its probation begins anew when it goes on. */
static void container_frozen(struct app *app)
{
	health_suspend(&app->health);
	timer_stop(&app->probation_timer);
}

static void container_thawed(struct app *app)
{
	if (app->container->is_stopping)
		return;
	health_resume(&app->health);
	if (is_on_probation(app))
		app_start_probation(app);
}

void app_take_over(struct app *app)
{
	if (!app_is_running(app) || (app->container->state != CONTAINER_RUNNING &&
				     app->container->state != CONTAINER_PAUSED))
		return;
	container_started(app);
	if (app->container && app->container->state == CONTAINER_PAUSED)
		container_frozen(app);
}

/* As agent.ini has it. Without a limit of its own it was the budget of all apps that was full, or the device. */
static void describe_oom(const struct container *container, const char *what, char *text, size_t size)
{
	long long kib = container->settings->memory_bytes / 1024;
	bool is_mib = kib % 1024 == 0;

	if (kib)
		snprintf(text, size, "out of memory: %s at its limit (memory = %lld%s)", what, is_mib ? kib / 1024 : kib,
			 is_mib ? "M" : "K");
	else
		snprintf(text, size, "out of memory: %s; [agent] memory or the device has no more", what);
}

static void describe_end(const struct container *container, char *text, size_t size)
{
	size_t used;

	if (container->oom && container->exit_signal == SIGKILL) {
		describe_oom(container, "killed", text, size);
		return;
	}
	if (container->exit_signal)
		snprintf(text, size, "killed by signal %d (%s)", container->exit_signal,
			 strsignal(container->exit_signal));
	else
		snprintf(text, size, "exited with code %d", container->exit_code);
	used = strlen(text);
	if (container->oom) {
		used += (size_t)snprintf(text + used, size - used, ", before that ");
		describe_oom(container, "a process of it was killed", text + used, size - used);
	}
}

static void ended_by_itself(struct app *app, char how[static UPDATE_REASON_MAX])
{
	bool is_on_trial = update_is_on_trial(&app->record);
	struct container *container = app->container;
	bool is_done = container->settings->restart.kind != RESTART_ALWAYS &&
		       !container->exit_code && !app->is_unhealthy;
	int64_t up_ms = app->started_ms ? time_monotonic_ms() - app->started_ms : 0;

	if (is_on_trial && !app->is_unhealthy && !is_done)
		app_tell_failure(app, how, true);
	snprintf(app->ended, sizeof(app->ended), "%s", is_done ? "" : how);
	if (up_ms > BACKOFF_RESET_MS)
		app->backoff_ms = 0;
	/* A job that is meant to end and ends well has proved itself. One that was unhealthy has been judged. */
	if (is_on_trial && !app->is_unhealthy)
		end_probation(app, is_done ? UPDATE_GOOD : UPDATE_BAD, is_done ? NULL : how);
	else if (is_on_trial || is_restart_wanted(app))
		app_restart_later(app);
}

static void container_ended(struct app *app)
{
	/* One that was being stopped when it was wanted again has not ended by itself. */
	bool was_due = is_container_of(app->container, app_generation(app)) &&
		       (!app->container->is_stopping || app->is_unhealthy);
	char how[UPDATE_REASON_MAX];

	health_stop(&app->health);
	timer_stop(&app->probation_timer);
	app->is_probation_over = false;
	describe_end(app->container, how, sizeof(how));
	log_info("app %s: %s%s", app->config->name, was_due ? "" : "stopped: ", how);
	networks_app_ended(app);
	if (was_due)
		ended_by_itself(app, how);
	else
		app_step(app);
}

static void on_container_event(struct container *container, enum container_event event, void *data)
{
	struct app *app = data;

	switch (event) {
	case CONTAINER_STARTED:
		if (is_container_of(container, app_generation(app)))
			app_take_over(app);
		else
			app_step(app); /* not wanted any more: stop it */
		break;
	case CONTAINER_START_FAILED:
		if (is_container_of(container, app_generation(app)))
			start_failed(app, container->error, container->was_by_device);
		else
			app_step(app);
		break;
	case CONTAINER_ENDED:
		container_ended(app);
		break;
	case CONTAINER_FROZEN:
		container_frozen(app);
		break;
	case CONTAINER_THAWED:
		container_thawed(app);
		break;
	}
}

void app_run_release(struct app *app)
{
	health_stop(&app->health);
	timer_stop(&app->probation_timer);
	timer_stop(&app->restart_timer);
	if (app->container)
		app->container->on_event = NULL;
	app->container = NULL;
}
