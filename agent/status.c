/* The document of `berth status --json`. Its shape is a promise: see agent.ini(5) and berth(1). */
#include <stdio.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/run/cgroup.h"
#include "lib/log.h"
#include "lib/time.h"
#include "store/store.h"
#include "version.h"

static json_t *text_or_null(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t ns)
{
	char text[TIME_TEXT_MAX];

	if (!ns)
		return json_null();
	time_format(text, ns);
	return json_string(text);
}

static int64_t memory_bytes(const struct container *container)
{
	struct cgroup_usage usage = { 0 };
	struct cgroup cgroup;
	char path[CGROUP_PATH_MAX];

	if (container->state != CONTAINER_RUNNING && container->state != CONTAINER_PAUSED)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", container->agent->config->cgroup_parent,
		 container->id);
	if (cgroup_init(&cgroup, path, NULL) < 0 || cgroup_read_usage(&cgroup, &usage) < 0)
		return 0;
	return usage.memory_bytes > 0 ? usage.memory_bytes : 0;
}

static json_t *refused_json(const struct record *record)
{
	json_t *array = json_array();

	for (size_t i = 0; i < record->refused_count; i++)
		json_array_append_new(array, json_string(record->refused[i].image.text));
	return array;
}

/* What waits to become current, if anything does. */
static const char *candidate_digest(const struct app *app)
{
	if (generation_exists(&app->record.trying))
		return app->record.trying.image.text;
	if (digest_equal(&app->candidate, &app->record.current.image) ||
	    update_is_refused(&app->record, &app->candidate, &app->settings))
		return NULL;
	return app->candidate.text;
}

/* That another version runs than the one named comes first: it does so although polls may be fine. */
static json_t *error_json(const struct app *app)
{
	char text[2 * ERR_TEXT_MAX];

	if (!app->stands_in || update_is_on_trial(&app->record))
		return text_or_null(app->error[0] ? app->error : app->ended);
	snprintf(text, sizeof(text), "the previous version runs: %.19s is damaged and could not be fetched%s%s",
		 app->record.current.image.text, app->agent->heal.err.code ? ": " : "",
		 app->agent->heal.err.code ? app->agent->heal.err.text : "");
	return json_string(text);
}

static json_t *update_json(const struct app *app)
{
	const struct record *record = &app->record;

	return json_pack("{s:s, s:o, s:s, s:o, s:I, s:o, s:o, s:o}", "phase", app_phase_name(app),
			 "candidate", text_or_null(candidate_digest(app)), "last",
			 update_last_names[record->last], "reason", text_or_null(record->reason),
			 "trials", (json_int_t)app->trials, "refused", refused_json(record),
			 "checked", time_or_null(app->checked_ns), "error", error_json(app));
}

static json_t *app_json(const struct app *app)
{
	static const struct container none = { .state = CONTAINER_CREATED };
	const struct container *container = app->container ? app->container : &none;

	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:s, s:i, s:I, s:o}", "name",
			 app->config->name, "container", text_or_null(container->id), "state",
			 container_state_names[container->state], "image", app->config->image,
			 "digest", text_or_null(app->record.current.image.text), "previous",
			 text_or_null(app->record.previous.image.text), "health",
			 health_status_names[app->health.status], "restarts", container->restarts,
			 "memory_bytes", (json_int_t)memory_bytes(container), "update",
			 update_json(app));
}

static json_t *store_json(const struct agent *agent)
{
	struct store_usage usage = { 0 };
	struct err err = ERR_INIT;

	if (store_usage(&agent->store, &usage, &err) < 0)
		log_warn("status: %s", err.text);
	return json_pack("{s:I, s:I, s:I, s:I}", "layers", (json_int_t)usage.layers, "bytes",
			 (json_int_t)usage.bytes, "free_bytes", (json_int_t)usage.free_bytes,
			 "written_bytes", (json_int_t)store_written_bytes(&agent->store));
}

json_t *status_json(struct agent *agent)
{
	json_t *apps = json_array(), *status;

	list_for_each(node, &agent->apps)
		json_array_append_new(apps, app_json(list_entry(node, struct app, node)));
	status = json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "device", agent->name, "version",
			   BERTH_VERSION, "uptime_s",
			   (json_int_t)((time_monotonic_ms() - agent->started_ms) / 1000), "error",
			   text_or_null(agent->config_error), "apps", apps, "store",
			   store_json(agent));
	if (!status)
		die_no_memory();
	return status;
}
