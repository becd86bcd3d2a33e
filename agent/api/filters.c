#include "agent/api/filters.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/json.h"

static int add_value(json_t *list, const char *name, const json_t *value, struct err *err)
{
	if (!json_is_string(value))
		return err_set(err, -EINVAL, "invalid filters: \"%s\" is no list of strings", name);
	if (json_array_append(list, (json_t *)value) < 0)
		die_no_memory();
	return 0;
}

/* {"running":true} becomes ["running"]. */
static int add_old_form(json_t *list, json_t *object, struct err *err)
{
	const char *key;
	json_t *on;

	json_object_foreach(object, key, on) {
		if (!json_is_boolean(on))
			return err_set(err, -EINVAL, "invalid filters: \"%s\" is not true or false", key);
		if (json_is_true(on) && json_array_append_new(list, json_string(key)) < 0)
			die_no_memory();
	}
	return 0;
}

static int add_filter(json_t *filters, const char *name, json_t *values, struct err *err)
{
	json_t *list = json_array(), *value;
	size_t i;

	if (!list || json_object_set_new(filters, name, list) < 0)
		die_no_memory();
	if (json_is_object(values))
		return add_old_form(list, values, err);
	if (!json_is_array(values))
		return err_set(err, -EINVAL, "invalid filters: \"%s\" is no list of strings", name);
	json_array_foreach(values, i, value)
		if (add_value(list, name, value, err) < 0)
			return -EINVAL;
	return 0;
}

static bool is_known(const char *name, const char *const *known)
{
	for (; *known; known++)
		if (!strcmp(*known, name))
			return true;
	return false;
}

static int refuse(const char *name, const char *const *known, struct err *err)
{
	struct buf list BUF_CLEANUP = BUF_INIT;

	for (size_t i = 0; known[i]; i++)
		buf_append_format(&list, "%s%s", !i ? "" : known[i + 1] ? ", " : " or ", known[i]);
	return err_set(err, -EINVAL, "invalid filter '%s'; use %s", name, buf_text(&list));
}

int filters_parse(json_t **out, const struct target *target, const char *const *known,
		  struct err *err)
{
	const char *text = target_get(target, "filters"), *name;
	json_t *parsed JSON_CLEANUP = NULL;
	json_t *filters JSON_CLEANUP = json_object();
	json_t *values;

	if (!filters)
		die_no_memory();
	if (text && *text && json_parse(&parsed, text, strlen(text), "filters", err) < 0)
		return -EINVAL;
	json_object_foreach(parsed, name, values) {
		if (!is_known(name, known))
			return refuse(name, known, err);
		if (add_filter(filters, name, values, err) < 0)
			return -EINVAL;
	}
	*out = json_incref(filters);
	return 0;
}

typedef bool matcher(const char *value, const char *wanted);

static bool any(const json_t *filters, const char *name, const char *value, matcher *matches)
{
	json_t *list = json_object_get(filters, name), *wanted;
	size_t i;

	if (!json_array_size(list))
		return true;
	json_array_foreach(list, i, wanted)
		if (matches(value, json_string_value(wanted)))
			return true;
	return false;
}

static bool is_equal(const char *value, const char *wanted)
{
	return !strcasecmp(value, wanted);
}

static bool has_part(const char *value, const char *wanted)
{
	return strstr(value, wanted + (*wanted == '/'));
}

static bool has_prefix(const char *value, const char *wanted)
{
	return !strncmp(value, wanted, strlen(wanted));
}

bool filters_equal(const json_t *filters, const char *name, const char *value)
{
	return any(filters, name, value, is_equal);
}

bool filters_within(const json_t *filters, const char *name, const char *value)
{
	return any(filters, name, value, has_part);
}

bool filters_prefix(const json_t *filters, const char *name, const char *value)
{
	return any(filters, name, value, has_prefix);
}

static bool has_label(char *const *labels, const char *wanted)
{
	size_t size = strcspn(wanted, "=");

	for (; labels && labels[0] && labels[1]; labels += 2)
		if (strlen(labels[0]) == size && !strncmp(labels[0], wanted, size) &&
		    (!wanted[size] || !strcmp(labels[1], wanted + size + 1)))
			return true;
	return false;
}

bool filters_labels(const json_t *filters, char *const *labels)
{
	json_t *list = json_object_get(filters, "label"), *wanted;
	size_t i;

	json_array_foreach(list, i, wanted)
		if (!has_label(labels, json_string_value(wanted)))
			return false;
	return true;
}
