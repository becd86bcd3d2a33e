/*
 * A request's target: parsed, routed and filtered. What comes out has to be clean: a path that begins with '/',
 * a version berth speaks, strings that JSON takes, and every name a part of the path.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/api/filters.h"
#include "agent/api/route.h"
#include "agent/api/target.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_text(const char *text)
{
	json_t *json = json_string(text);

	if (!json)
		abort();
	json_decref(json);
}

static void check_filters(const struct target *target)
{
	static const char *const known[] = { "name", "label", "status", NULL };
	static char *labels[] = { "a", "b", NULL };
	json_t *filters JSON_CLEANUP = NULL, *values, *value;
	struct err err = ERR_INIT;
	const char *name;
	size_t i;

	if (filters_parse(&filters, target, known, &err) < 0) {
		if (!err.text[0])
			abort();
		return;
	}
	json_object_foreach(filters, name, values)
		json_array_foreach(values, i, value)
			if (!json_is_string(value))
				abort();
	filters_labels(filters, labels);
	filters_within(filters, "name", "sensor");
	filters_prefix(filters, "name", "sensor");
	filters_equal(filters, "status", "running");
}

static void check_route(const struct target *target)
{
	char name[ROUTE_NAME_MAX + 1];
	const char *methods[] = { "GET", "HEAD", "POST", "DELETE", "PUT" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (route_find(api_routes, methods[i], target->path, name) &&
		    !strstr(target->path, name))
			abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct target target;
	struct err err = ERR_INIT;
	int64_t number = 0;

	if (target_parse(&target, (const char *)data, size, &err) < 0) {
		if (!err.text[0])
			abort();
		return 0;
	}
	if (target.path[0] != '/' || target.version < API_VERSION_MIN ||
	    target.version > API_VERSION_MAX)
		abort();
	check_text(target.path);
	for (size_t i = 0; i < target.parameter_count; i++) {
		check_text(target.parameters[i].name);
		check_text(target.parameters[i].value);
	}
	target_flag(&target, "all");
	target_int(&target, "t", &number, &err);
	check_filters(&target);
	check_route(&target);
	target_release(&target);
	return 0;
}
