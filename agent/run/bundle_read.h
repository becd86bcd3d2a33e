/*
 * bundle_read - how the three bundle*.c take members out of config.json: with ranges, lists of
 * objects, and a refusal of what this runtime cannot do yet. Getters return as those of
 * lib/json.h do: 1 there, 0 absent, negative wrong.
 */
#ifndef AGENT_RUN_BUNDLE_READ_H
#define AGENT_RUN_BUNDLE_READ_H

#include "agent/run/bundle.h"
#include "lib/json.h"

int read_range(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *out,
	       struct err *err);
/* An owned copy; the old one is freed. "" counts as absent. */
int read_copy(const json_t *object, const char *name, char **out, struct err *err);
/* A path in the container or on the host that must begin with '/'. */
int read_path(const json_t *object, const char *name, char **out, struct err *err);

/*
 * Calls `read` for each object of an array into an array of `item_size` bytes each (zeroed),
 * which is set, with the count, also when one is wrong: so that the caller's release frees the
 * rest.
 */
int read_list(const json_t *object, const char *name, size_t item_size, void **items, size_t *count,
	      int (*read)(const json_t *object, void *item, struct err *err), struct err *err);

/*
 * -ENOTSUP when one of these members asks for something. Absent, null, 0, false, "", [] and {} do
 * not. `where` names the object.
 */
int refuse_members(const json_t *object, const char *where, const char *const *names,
		   size_t count, struct err *err);

/* bundle_linux.c */
int bundle_read_linux(struct bundle *bundle, const json_t *linux_object, struct err *err);
void bundle_release_linux(struct bundle *bundle);

#endif
