#include "config/app_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/words.h"
#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"

void app_config_init(struct app_config *app, const char *name)
{
	*app = (struct app_config){
		.name = xstrdup(name),
		.env = xcalloc(1, sizeof(*app->env)),
		.health_given = { -1, -1, -1, -1 },
		.probation_ms = APP_PROBATION_MS,
	};
	app_network_init(&app->network);
}

static void release_mounts(struct app_mount *mounts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(mounts[i].source);
		free(mounts[i].path);
	}
	free(mounts);
}

void app_config_release(struct app_config *app)
{
	free(app->name);
	free(app->image);
	free_strings(app->command);
	free_strings(app->env);
	release_mounts(app->volumes, app->volume_count);
	release_mounts(app->binds, app->bind_count);
	for (size_t i = 0; i < app->device_count; i++) {
		free(app->devices[i].source);
		free(app->devices[i].path);
	}
	free(app->devices);
	app_network_release(&app->network);
	health_release(&app->health);
	*app = (struct app_config){ 0 };
}

void app_config_free(struct app_config *app)
{
	if (!app)
		return;
	app_config_release(app);
	free(app);
}

struct app_config *app_config_copy(const struct app_config *app)
{
	JSON_CLEANUP json_t *json = app_config_to_json(app);
	struct app_config *copy = NULL;
	struct err err = ERR_INIT;

	if (app_config_from_json(&copy, json, &err) < 0) {
		/* Whatever is in the struct came through the same functions before. */
		log_error("settings cannot be copied: %s", err.text);
		abort();
	}
	return copy;
}

static bool has_mount(const struct app_mount *mounts, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(mounts[i].path, path))
			return true;
	return false;
}

bool app_config_mounts(const struct app_config *app, const char *path)
{
	return has_mount(app->volumes, app->volume_count, path) ||
	       has_mount(app->binds, app->bind_count, path);
}

static int64_t first_given(int64_t given, int64_t from_image, int64_t otherwise)
{
	if (given >= 0)
		return given;
	return from_image > 0 ? from_image : otherwise;
}

void app_config_health_timing(const struct app_config *app, const struct image_config *image,
			      struct health_timing *timing)
{
	static const struct healthcheck none;
	const struct healthcheck *check = app->health.kind == HEALTH_IMAGE ? &image->healthcheck :
									     &none;
	const struct health_timing *given = &app->health_given;

	timing->interval_ms = first_given(given->interval_ms, check->interval_ms,
					  HEALTH_INTERVAL_MS);
	if (timing->interval_ms < HEALTH_INTERVAL_MIN_MS)
		timing->interval_ms = HEALTH_INTERVAL_MIN_MS;
	timing->timeout_ms = first_given(given->timeout_ms, check->timeout_ms, HEALTH_TIMEOUT_MS);
	timing->start_ms = first_given(given->start_ms, check->start_ms, HEALTH_START_MS);
	timing->retries = (int)first_given(given->retries, check->retries, HEALTH_RETRIES);
}

/* `text` was allocated for this and is freed. */
static void put_text(json_t *object, const char *key, char *text)
{
	if (json_object_set_new(object, key, json_string(text)) < 0)
		die_no_memory();
	free(text);
}

static void put_number(json_t *object, const char *key, int64_t number, const char *unit)
{
	put_text(object, key, xasprintf("%lld%s", (long long)number, unit));
}

/* Durations come from texts in whole seconds. */
static void put_duration(json_t *object, const char *key, int64_t ms)
{
	if (ms >= 0)
		put_number(object, key, ms / 1000, "s");
}

static void put_mounts(json_t *object, const char *key, const struct app_mount *mounts,
		       size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		FREE_CLEANUP char *text = xasprintf("%s:%s%s", mounts[i].source, mounts[i].path,
						    mounts[i].read_only ? ":ro" : "");

		if (json_array_append_new(array, json_string(text)) < 0)
			die_no_memory();
	}
	if (json_object_set_new(object, key, array) < 0)
		die_no_memory();
}

static void put_devices(json_t *object, const struct app_config *app)
{
	json_t *array = json_array();

	for (size_t i = 0; i < app->device_count; i++) {
		const struct app_device *device = &app->devices[i];
		FREE_CLEANUP char *text = xasprintf("%s:%s:%s", device->source, device->path,
						    device->permissions);

		if (json_array_append_new(array, json_string(text)) < 0)
			die_no_memory();
	}
	if (json_object_set_new(object, "device", array) < 0)
		die_no_memory();
}

static void put_limits(json_t *object, const struct app_config *app)
{
	if (app->memory_bytes)
		put_number(object, "memory", app->memory_bytes, "");
	if (app->cpus_milli)
		put_text(object, "cpus",
			 xasprintf("%lld.%03lld", (long long)(app->cpus_milli / 1000),
				   (long long)(app->cpus_milli % 1000)));
	if (app->pids)
		put_number(object, "pids", app->pids, "");
}

static void put_health(json_t *object, const struct app_config *app)
{
	put_text(object, "health", health_format(&app->health));
	put_duration(object, "health_interval", app->health_given.interval_ms);
	put_duration(object, "health_timeout", app->health_given.timeout_ms);
	if (app->health_given.retries >= 0)
		put_number(object, "health_retries", app->health_given.retries, "");
	put_duration(object, "health_start", app->health_given.start_ms);
}

static char *format_restart(const struct restart_policy *restart)
{
	if (restart->max)
		return xasprintf("%s:%d", restart_kind_text(restart->kind), restart->max);
	return xstrdup(restart_kind_text(restart->kind));
}

json_t *app_config_to_json(const struct app_config *app)
{
	json_t *object = json_object();

	put_text(object, "name", xstrdup(app->name));
	if (app->image)
		put_text(object, "image", xstrdup(app->image));
	if (app->command)
		put_text(object, "command", words_join(app->command));
	if (json_object_set_new(object, "env", json_from_strings(app->env)) < 0)
		die_no_memory();
	put_mounts(object, "volume", app->volumes, app->volume_count);
	put_mounts(object, "bind", app->binds, app->bind_count);
	put_devices(object, app);
	app_network_to_json(&app->network, object);
	put_limits(object, app);
	put_text(object, "restart", format_restart(&app->restart));
	put_health(object, app);
	put_duration(object, "probation", app->probation_ms);
	put_text(object, "update", xstrdup(update_kind_text(app->update)));
	return object;
}

static int set_from_json(struct app_config *app, const struct key *key, const json_t *value,
			 struct err *err)
{
	const char *text = json_string_value(value);

	if (!text)
		return err_set(err, -EINVAL, "%s is not a text", key->name);
	if (key_set(key, app, text, err) < 0)
		return err_context(err, "%s = %.60s", key->name, text);
	return 0;
}

static int read_key(struct app_config *app, const struct key *key, const json_t *json,
		    struct err *err)
{
	json_t *value = json_object_get(json, key->name), *item;
	size_t i;
	int rc = 0;

	if (!value)
		return 0;
	if (!key->repeatable)
		return set_from_json(app, key, value, err);
	if (!json_is_array(value))
		return err_set(err, -EINVAL, "%s is not an array", key->name);
	json_array_foreach (value, i, item)
		if (rc == 0)
			rc = set_from_json(app, key, item, err);
	return rc;
}

int app_config_from_json(struct app_config **out, const json_t *json, struct err *err)
{
	const struct key_table *table = app_config_keys();
	const char *name = NULL;
	struct app_config *app;
	int rc = json_get_string(json, "name", &name, err);

	if (rc < 0)
		return err_context(err, "settings of an app");
	if (!name)
		return err_set(err, -EINVAL, "settings of an app: no \"name\" in them");
	if (app_name_check(name, APP_NAME_MAX, err) < 0)
		return err_context(err, "settings of app %.60s", name);
	app = xcalloc(1, sizeof(*app));
	app_config_init(app, name);
	rc = 0;
	for (size_t i = 0; rc == 0 && i < table->count; i++)
		if (table->keys[i].set)
			rc = read_key(app, &table->keys[i], json, err);
	if (rc == 0 && !app->image)
		rc = err_set(err, -EINVAL, "no image");
	if (rc < 0) {
		err_context(err, "settings of app %s", app->name);
		app_config_free(app);
		return rc;
	}
	*out = app;
	return 0;
}

void app_config_digest(const struct app_config *app, struct digest *digest)
{
	JSON_CLEANUP json_t *json = app_config_to_json(app);
	BUF_CLEANUP struct buf text = BUF_INIT;

	json_object_del(json, "image");
	json_object_del(json, "update");
	json_append(&text, json);
	digest_of(digest, text.data, text.size);
}
