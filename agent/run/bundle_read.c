#include "agent/run/bundle_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int read_range(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *out,
	       struct err *err)
{
	int64_t value;
	int rc = json_get_int(object, name, &value, err);

	if (rc <= 0)
		return rc;
	if (value < min || value > max)
		return err_set(err, -ERANGE,
			       "\"%s\" is %" PRId64 ", not from %" PRId64 " to %" PRId64, name,
			       value, min, max);
	*out = value;
	return 1;
}

int read_copy(const json_t *object, const char *name, char **out, struct err *err)
{
	const char *text;
	int rc = json_get_string(object, name, &text, err);

	if (rc <= 0 || !*text)
		return rc < 0 ? rc : 0;
	free(*out);
	*out = xstrdup(text);
	return 1;
}

int read_path(const json_t *object, const char *name, char **out, struct err *err)
{
	int rc = read_copy(object, name, out, err);

	if (rc > 0 && **out != '/')
		return err_set(err, -EINVAL, "\"%s\" is \"%s\", not an absolute path", name, *out);
	return rc;
}

int read_list(const json_t *object, const char *name, size_t item_size, void **items, size_t *count,
	      int (*read)(const json_t *object, void *item, struct err *err), struct err *err)
{
	json_t *array, *item;
	size_t i;
	int rc = json_get_array(object, name, &array, err);

	if (rc <= 0)
		return rc;
	*items = xcalloc(json_array_size(array), item_size);
	*count = json_array_size(array);
	json_array_foreach(array, i, item) {
		if (!json_is_object(item))
			rc = err_set(err, -EINVAL, "not an object");
		else
			rc = read(item, (char *)*items + i * item_size, err);
		if (rc < 0)
			return err_context(err, "%s[%zu]", name, i);
	}
	return 1;
}

static bool asks_for_something(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return json_object_size(value);
	case JSON_ARRAY:
		return json_array_size(value);
	case JSON_STRING:
		return json_string_length(value);
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	case JSON_REAL:
	case JSON_TRUE:
		return true;
	case JSON_FALSE:
	case JSON_NULL:
		return false;
	}
	return true;
}

int refuse_members(const json_t *object, const char *where, const char *const *names,
		   size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_object_get(object, names[i]);

		if (value && asks_for_something(value))
			return err_set(err, -ENOTSUP,
				       "%s%s%s is not supported by this version of berth", where,
				       *where ? "." : "", names[i]);
	}
	return 0;
}
