/*
 * filters - the `filters` parameter of the list calls: {"status":["running"],"label":["a=b"]}, or
 * as old clients send it, {"status":{"running":true}}.
 *
 * Values of one name are alternatives, names are conditions that all have to hold.
 */
#ifndef AGENT_API_FILTERS_H
#define AGENT_API_FILTERS_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/api/target.h"
#include "lib/err.h"

/*
 * Reads the parameter; *out is an object of arrays of strings, empty when there is no parameter.
 * `known`: names taken, NULL-terminated; another one is an error, never ignored. -EINVAL.
 */
int filters_parse(json_t **out, const struct target *target, const char *const *known,
		  struct err *err);

/* True when the name isn't filtered by, or `value` is (case aside) one of its values. */
bool filters_equal(const json_t *filters, const char *name, const char *value);

/* The same for a part of `value`: docker's `name` and `id` match by substring and prefix. */
bool filters_within(const json_t *filters, const char *name, const char *value);
bool filters_prefix(const json_t *filters, const char *name, const char *value);

/* "label" and "label=value"; all of them have to hold. `labels`: name, value, name, value ... */
bool filters_labels(const json_t *filters, char *const *labels);

#endif
