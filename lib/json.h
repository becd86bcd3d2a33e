/*
 * json - what berth needs on top of jansson: bounded parsing with a readable reason, and getters
 * that tell "absent" from "of the wrong type".
 *
 * Getters return 1 when the member is there, 0 when it is absent or null (the result is then
 * unchanged), or -EINVAL with the reason in err. Strings and objects are borrowed from the parent.
 */
#ifndef LIB_JSON_H
#define LIB_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

#define JSON_DEPTH_MAX 64
#define JSON_VALUES_MAX 20000 /* of any kind, in all of the text: 5 MB at most when parsed */

#define JSON_CLEANUP __attribute__((cleanup(json_cleanup)))
void json_cleanup(json_t **json); /* json_decref */

/*
 * Parses one object, nothing behind it; duplicate members are refused, since parsers that disagree on which
 * one counts have been an attack. `what` names the text in errors. A new reference in *out.
 */
int json_parse(json_t **out, const char *text, size_t size, const char *what, struct err *err);
/*
 * For what has unsigned numbers of 64 bits (OCI's runtime-spec): jansson knows none from 2^63 on,
 * so these become the negative ones of the same bits. 2^64 - 1, often for "no limit", is -1.
 */
int json_parse_unsigned(json_t **out, const char *text, size_t size, const char *what,
			struct err *err);

int json_get_string(const json_t *object, const char *name, const char **out, struct err *err);
int json_get_int(const json_t *object, const char *name, int64_t *out, struct err *err);
int json_get_bool(const json_t *object, const char *name, bool *out, struct err *err);
int json_get_object(const json_t *object, const char *name, json_t **out, struct err *err);
int json_get_array(const json_t *object, const char *name, json_t **out, struct err *err);

/* Array of strings into a NULL-terminated vector; free with free_strings(). */
int json_get_strings(const json_t *object, const char *name, char ***out, struct err *err);
json_t *json_from_strings(char *const *strings); /* NULL gives an empty array */
void free_strings(char **strings);
char **copy_strings(char *const *strings); /* NULL gives an empty vector */
size_t count_strings(char *const *strings);

/* Appends the compact text of `json`. */
void json_append(struct buf *out, const json_t *json);

#endif
