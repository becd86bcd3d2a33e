/* The JSON form of an app's settings: app_config.h says what holds for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/app_parts.h"
#include "config/words.h"
#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/json.h"

void app_put_text(json_t *object, const char *key, char *text)
{
	if (text && json_object_set_new(object, key, json_string(text)) < 0)
		die_no_memory();
	free(text);
}

void app_put_number(json_t *object, const char *key, int64_t number, const char *unit)
{
	app_put_text(object, key, xasprintf("%lld%s", (long long)number, unit));
}

/* Durations come from texts in whole seconds. */
void app_put_duration(json_t *object, const char *key, int64_t ms)
{
	if (ms >= 0)
		app_put_number(object, key, ms / 1000, "s");
}

void app_put_yes(json_t *object, const char *key, bool is_given)
{
	if (is_given)
		app_put_text(object, key, xstrdup("yes"));
}

void app_put_texts(json_t *object, const char *key, char *const *texts)
{
	if (texts && *texts && json_object_set_new(object, key, json_from_strings(texts)) < 0)
		die_no_memory();
}

void app_put_item(json_t *object, const char *key, char *text)
{
	json_t *array = json_object_get(object, key);

	if (!array) {
		array = json_array();
		if (json_object_set_new(object, key, array) < 0)
			die_no_memory();
	}
	if (json_array_append_new(array, json_string(text)) < 0)
		die_no_memory();
	free(text);
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
		FREE_CLEANUP char *text = app_device_format(&app->devices[i]);

		if (json_array_append_new(array, json_string(text)) < 0)
			die_no_memory();
	}
	if (json_object_set_new(object, "device", array) < 0)
		die_no_memory();
}

static void put_health(json_t *object, const struct app_config *app)
{
	app_put_text(object, "health", health_format(&app->health));
	app_put_duration(object, "health_interval", app->health_given.interval_ms);
	app_put_duration(object, "health_timeout", app->health_given.timeout_ms);
	if (app->health_given.retries >= 0)
		app_put_number(object, "health_retries", app->health_given.retries, "");
	app_put_duration(object, "health_start", app->health_given.start_ms);
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

	app_put_text(object, "name", xstrdup(app->name));
	if (app->image)
		app_put_text(object, "image", xstrdup(app->image));
	if (app->command)
		app_put_text(object, "command", words_join(app->command));
	if (json_object_set_new(object, "env", json_from_strings(app->env)) < 0)
		die_no_memory();
	put_mounts(object, "volume", app->volumes, app->volume_count);
	put_mounts(object, "bind", app->binds, app->bind_count);
	put_devices(object, app);
	app_network_to_json(&app->network, object);
	app_limits_put(object, app);
	app_put_text(object, "restart", format_restart(&app->restart));
	put_health(object, app);
	app_put_duration(object, "probation", app->probation_ms);
	app_put_text(object, "update", xstrdup(update_kind_text(app->update)));
	app_process_put(object, &app->process);
	app_confine_put(object, &app->confine);
	app_storage_put(object, &app->storage);
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
	rc = rc ?: app_config_check(app, err);
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
