/*
 * target - what stands in a request line: "/v1.43/containers/json?all=1" in its parts.
 *
 * Parser of foreign bytes, no I/O. The path is percent-decoded and without the version prefix;
 * absolute-form ("http://host/path", RFC 9112 3.2.2) is taken too, since proxies send it.
 */
#ifndef AGENT_API_TARGET_H
#define AGENT_API_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define TARGET_PARAMETERS_MAX 64

/* The minor number of the API version: 1.NN. Clients take the lower one of theirs and API_VERSION_MAX. */
#define API_VERSION_MIN 24
#define API_VERSION_MAX 43

struct target_parameter {
	const char *name, *value;
};

struct target {
	char *text; /* holds what the others point into */
	const char *path; /* begins with '/' */
	int version; /* 24 .. 43; the newest where the client names none */
	struct target_parameter parameters[TARGET_PARAMETERS_MAX];
	size_t parameter_count;
};

/* 0, or -EINVAL with a reason for the client; nothing is to be released then. */
int target_parse(struct target *target, const char *text, size_t size, struct err *err);
void target_release(struct target *target);

/* The first parameter of that name, decoded; NULL when there is none. */
const char *target_get(const struct target *target, const char *name);

/* As Docker reads a boolean: absent, "", "0", "no", "false" and "none" are false. */
bool target_flag(const struct target *target, const char *name);

/* 1 and the value, 0 when absent or empty, -EINVAL with the reason when it is no integer. */
int target_int(const struct target *target, const char *name, int64_t *value, struct err *err);

#endif
