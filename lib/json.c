#include "lib/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(JSON_DEPTH_MAX <= JSON_PARSER_MAX_DEPTH, "jansson's own limit must not be the lower");

void json_cleanup(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

/*
 * Before jansson builds anything: its own limit of 2048 levels costs more stack than a small board
 * gives, and it makes 320 MB of 4 MiB of "{},{},".
 */
static int check_limits(const char *text, size_t size, const char *what, struct err *err)
{
	int depth = 0, values = 1;
	bool in_string = false;

	for (size_t i = 0; i < size; i++) {
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (in_string)
			continue;
		else if (text[i] == '{' || text[i] == '[')
			depth++, values++;
		else if (text[i] == '}' || text[i] == ']')
			depth--;
		else if (text[i] == ',')
			values++;
		if (depth > JSON_DEPTH_MAX)
			return err_set(err, -EINVAL, "%s: JSON nested more than %d deep", what,
				       JSON_DEPTH_MAX);
		if (values > JSON_VALUES_MAX)
			return err_set(err, -EINVAL, "%s: JSON with more than %d values", what,
				       JSON_VALUES_MAX);
	}
	return 0;
}

int json_parse(json_t **out, const char *text, size_t size, const char *what, struct err *err)
{
	json_error_t error;
	json_t *json;

	if (check_limits(text, size, what, err) < 0)
		return -EINVAL;
	json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return err_set(err, -EINVAL, "%s: not valid JSON: line %d: %s", what, error.line,
			       error.text);
	if (!json_is_object(json)) {
		json_decref(json);
		return err_set(err, -EINVAL, "%s: not a JSON object", what);
	}
	*out = json;
	return 0;
}

/* A run of what numbers consist of; also the "e" of true, which is no large one. */
static size_t number_length(const char *text, size_t size)
{
	size_t length = 0;

	while (length < size && text[length] && strchr("0123456789+-.eE", text[length]))
		length++;
	return length;
}

/* 0: something else than an integer from 2^63 to 2^64 - 1. */
static uint64_t large_number(const char *text, size_t length)
{
	uint64_t value = 0;

	if (*text == '0')
		return 0;
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return 0;
	return value > INT64_MAX ? value : 0;
}

int json_parse_unsigned(json_t **out, const char *text, size_t size, const char *what,
			struct err *err)
{
	BUF_CLEANUP struct buf copy = BUF_INIT;
	size_t copied = 0; /* of `text`, up to behind the last large number */
	bool in_string = false;

	for (size_t i = 0; i < size; i++) {
		size_t length = in_string ? 0 : number_length(text + i, size - i);
		uint64_t value = length ? large_number(text + i, length) : 0;

		if (value) {
			buf_append(&copy, text + copied, i - copied);
			buf_append_format(&copy, "-%" PRIu64, -value);
			copied = i + length;
		}
		if (length)
			i += length - 1;
		else if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
	}
	if (!copied)
		return json_parse(out, text, size, what, err);
	buf_append(&copy, text + copied, size - copied);
	return json_parse(out, copy.data, copy.size, what, err);
}

static int check(const char *name, bool matches, const json_t *value, const char *type,
		 struct err *err)
{
	if (!value || json_is_null(value))
		return 0;
	if (!matches)
		return err_set(err, -EINVAL, "\"%s\" is not %s", name, type);
	return 1;
}

int json_get_string(const json_t *object, const char *name, const char **out, struct err *err)
{
	json_t *value = json_object_get(object, name);
	int rc = check(name, json_is_string(value), value, "a string", err);

	if (rc > 0)
		*out = json_string_value(value);
	return rc;
}

int json_get_int(const json_t *object, const char *name, int64_t *out, struct err *err)
{
	json_t *value = json_object_get(object, name);
	int rc = check(name, json_is_integer(value), value, "an integer", err);

	if (rc > 0)
		*out = json_integer_value(value);
	return rc;
}

int json_get_bool(const json_t *object, const char *name, bool *out, struct err *err)
{
	json_t *value = json_object_get(object, name);
	int rc = check(name, json_is_boolean(value), value, "true or false", err);

	if (rc > 0)
		*out = json_is_true(value);
	return rc;
}

int json_get_object(const json_t *object, const char *name, json_t **out, struct err *err)
{
	json_t *value = json_object_get(object, name);
	int rc = check(name, json_is_object(value), value, "an object", err);

	if (rc > 0)
		*out = value;
	return rc;
}

int json_get_array(const json_t *object, const char *name, json_t **out, struct err *err)
{
	json_t *value = json_object_get(object, name);
	int rc = check(name, json_is_array(value), value, "an array", err);

	if (rc > 0)
		*out = value;
	return rc;
}

int json_get_strings(const json_t *object, const char *name, char ***out, struct err *err)
{
	json_t *array, *item;
	char **strings;
	size_t i;
	int rc = json_get_array(object, name, &array, err);

	if (rc <= 0)
		return rc;
	strings = xcalloc(json_array_size(array) + 1, sizeof(*strings));
	json_array_foreach(array, i, item) {
		if (!json_is_string(item)) {
			free_strings(strings);
			return err_set(err, -EINVAL, "\"%s\" has a member that is not a string",
				       name);
		}
		strings[i] = xstrdup(json_string_value(item));
	}
	*out = strings;
	return 1;
}

json_t *json_from_strings(char *const *strings)
{
	json_t *array = json_array();

	for (; strings && *strings; strings++)
		if (json_array_append_new(array, json_string(*strings)) < 0)
			die_no_memory();
	return array;
}

void free_strings(char **strings)
{
	for (char **s = strings; s && *s; s++)
		free(*s);
	free(strings);
}

char **copy_strings(char *const *strings)
{
	size_t count = count_strings(strings);
	char **copy = xcalloc(count + 1, sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = xstrdup(strings[i]);
	return copy;
}

size_t count_strings(char *const *strings)
{
	size_t count = 0;

	while (strings && strings[count])
		count++;
	return count;
}

static int append_chunk(const char *data, size_t size, void *out)
{
	buf_append(out, data, size);
	return 0;
}

void json_append(struct buf *out, const json_t *json)
{
	if (json_dump_callback(json, append_chunk, out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
		die_no_memory();
}
