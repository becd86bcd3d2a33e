#include "agent/api/route.h"

#include <stdbool.h>
#include <string.h>

static bool match(const char *pattern, const char *path, char *name)
{
	size_t before = strcspn(pattern, "*");
	size_t path_size = strlen(path);
	size_t after, name_size;

	name[0] = '\0';
	if (!pattern[before])
		return !strcmp(pattern, path);
	after = strlen(pattern + before + 1);
	if (path_size <= before + after)
		return false;
	name_size = path_size - before - after;
	if (name_size > ROUTE_NAME_MAX || strncmp(pattern, path, before) ||
	    strcmp(pattern + before + 1, path + before + name_size))
		return false;
	memcpy(name, path + before, name_size);
	name[name_size] = '\0';
	return true;
}

const struct route *route_find(const struct route *routes, const char *method, const char *path,
			       char name[static ROUTE_NAME_MAX + 1])
{
	if (!strcmp(method, "HEAD"))
		method = "GET";
	for (const struct route *route = routes; route->pattern; route++)
		if (!strcmp(route->method, method) && match(route->pattern, path, name))
			return route;
	return NULL;
}
