/* The durable form of struct record: one JSON object, written and read nowhere else. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/app/update.h"
#include "config/app_confine.h"
#include "lib/json.h"

static json_t *generation_to_json(const struct generation *generation)
{
	if (!generation_exists(generation))
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "container",
			 generation->container, "reference", generation->reference, "image",
			 generation->image.text, "manifest", generation->manifest.text, "config",
			 generation->config.text, "settings_digest", generation->settings.text,
			 "settings", generation->settings_json);
}

static json_t *refusals_to_json(const struct record *record)
{
	json_t *array = json_array();

	for (size_t i = 0; i < record->refused_count; i++)
		json_array_append_new(array, json_pack("{s:s, s:s}", "image",
						       record->refused[i].image.text, "settings",
						       record->refused[i].settings.text));
	return array;
}

json_t *record_to_json(const struct record *record)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:b}", "phase",
				 update_phase_names[record->phase], "last",
				 update_last_names[record->last], "reason", record->reason,
				 "current", generation_to_json(&record->current), "previous",
				 generation_to_json(&record->previous), "trying",
				 generation_to_json(&record->trying), "refused",
				 refusals_to_json(record), "attempts", record->attempts, "stopped",
				 record->stopped);

	/* Not before an app needs it: a record without it is older berths' as well. */
	if (!json || (record->first_id && json_object_set_new(json, "first_id",
							      json_integer(record->first_id)) < 0))
		die_no_memory();
	return json;
}

static int require(int found, const char *name, struct err *err)
{
	if (found == 0)
		return err_set(err, -EINVAL, "\"%s\" is missing", name);
	return found < 0 ? found : 0;
}

static int parse_digest(const json_t *json, const char *name, struct digest *digest,
			struct err *err)
{
	const char *text;
	int rc = require(json_get_string(json, name, &text, err), name, err);

	if (rc < 0)
		return rc;
	if (digest_parse(digest, text) < 0)
		return err_set(err, -EINVAL, "\"%s\" is not a digest", name);
	return 0;
}

/* Copies a string member into an array; too long is an error. */
static int parse_text(const json_t *json, const char *name, char *out, size_t size,
		      struct err *err)
{
	const char *text;
	int rc = require(json_get_string(json, name, &text, err), name, err);

	if (rc < 0)
		return rc;
	if (strlen(text) >= size)
		return err_set(err, -EINVAL, "\"%s\" is too long", name);
	snprintf(out, size, "%s", text);
	return 0;
}

static int parse_name(const json_t *json, const char *name, const char *const *names, int count,
		      int *out, struct err *err)
{
	const char *text;
	int rc = require(json_get_string(json, name, &text, err), name, err);

	if (rc < 0)
		return rc;
	for (*out = 0; *out < count; ++*out)
		if (!strcmp(text, names[*out]))
			return 0;
	return err_set(err, -EINVAL, "\"%s\" has the unknown value \"%s\"", name, text);
}

static int parse_container_id(const json_t *json, struct generation *generation, struct err *err)
{
	int rc = parse_text(json, "container", generation->container,
			    sizeof(generation->container), err);

	if (!rc && strspn(generation->container, "0123456789abcdef") != CONTAINER_ID_SIZE - 1)
		return err_set(err, -EINVAL, "\"container\" is not a container ID");
	return rc;
}

static int parse_generation(const json_t *json, const char *name, struct generation *generation,
			    struct err *err)
{
	json_t *object, *settings;
	int rc = json_get_object(json, name, &object, err);

	if (rc <= 0)
		return rc;
	if ((rc = parse_container_id(object, generation, err)) < 0 ||
	    (rc = parse_text(object, "reference", generation->reference,
			     sizeof(generation->reference), err)) < 0 ||
	    (rc = parse_digest(object, "image", &generation->image, err)) < 0 ||
	    (rc = parse_digest(object, "manifest", &generation->manifest, err)) < 0 ||
	    (rc = parse_digest(object, "config", &generation->config, err)) < 0 ||
	    (rc = parse_digest(object, "settings_digest", &generation->settings, err)) < 0 ||
	    (rc = require(json_get_object(object, "settings", &settings, err), "settings", err)) < 0)
		return err_context(err, "%s", name);
	generation->settings_json = json_incref(settings);
	return 0;
}

static int parse_refusals(const json_t *json, struct record *record, struct err *err)
{
	json_t *array, *item;
	size_t i;
	int rc = json_get_array(json, "refused", &array, err);

	if (rc <= 0)
		return rc;
	if (json_array_size(array) > UPDATE_REFUSED_MAX)
		return err_set(err, -EINVAL, "\"refused\" has more than %d members",
			       UPDATE_REFUSED_MAX);
	json_array_foreach(array, i, item) {
		struct refusal *refusal = &record->refused[i];

		if ((rc = parse_digest(item, "image", &refusal->image, err)) < 0 ||
		    (rc = parse_digest(item, "settings", &refusal->settings, err)) < 0)
			return err_context(err, "refused");
		record->refused_count++;
	}
	return 0;
}

static int parse_state(const json_t *json, struct record *record, struct err *err)
{
	int64_t attempts, first_id = 0;
	int phase, last, rc;

	if ((rc = parse_name(json, "phase", update_phase_names, PHASE_COUNT, &phase, err)) < 0 ||
	    (rc = parse_name(json, "last", update_last_names, LAST_COUNT, &last, err)) < 0 ||
	    (rc = parse_text(json, "reason", record->reason, sizeof(record->reason), err)) < 0 ||
	    (rc = require(json_get_int(json, "attempts", &attempts, err), "attempts", err)) < 0 ||
	    (rc = json_get_int(json, "first_id", &first_id, err)) < 0 ||
	    (rc = json_get_bool(json, "stopped", &record->stopped, err)) < 0)
		return rc;
	if (attempts < 0 || attempts > UPDATE_ATTEMPTS_MAX)
		return err_set(err, -EINVAL, "\"attempts\" is out of range");
	record->phase = (enum update_phase)phase;
	record->last = (enum update_last)last;
	record->attempts = (int)attempts;
	if (first_id < 0 || first_id > UINT32_MAX - APP_IDS)
		return err_set(err, -EINVAL, "\"first_id\" is out of range");
	record->first_id = (uint32_t)first_id;
	return 0;
}

/* What update_next() relies on. */
static int check_consistency(const struct record *record, struct err *err)
{
	bool needs_trying = record->phase == PHASE_STAGED || record->phase == PHASE_SWITCHING ||
			    record->phase == PHASE_PROBATION;

	if (needs_trying && !generation_exists(&record->trying))
		return err_set(err, -EINVAL, "phase %s without a candidate",
			       update_phase_names[record->phase]);
	if (record->phase == PHASE_ROLLING_BACK && !generation_exists(&record->current))
		return err_set(err, -EINVAL, "phase rolling-back with nothing to go back to");
	return 0;
}

int record_parse(struct record *record, const char *text, size_t size, struct err *err)
{
	JSON_CLEANUP json_t *json = NULL;
	int rc;

	record_init(record);
	if ((rc = json_parse(&json, text, size, "record", err)) < 0)
		return rc;
	if ((rc = parse_state(json, record, err)) < 0 ||
	    (rc = parse_generation(json, "current", &record->current, err)) < 0 ||
	    (rc = parse_generation(json, "previous", &record->previous, err)) < 0 ||
	    (rc = parse_generation(json, "trying", &record->trying, err)) < 0 ||
	    (rc = parse_refusals(json, record, err)) < 0 ||
	    (rc = check_consistency(record, err)) < 0)
		record_release(record);
	return rc < 0 ? rc : 0;
}
