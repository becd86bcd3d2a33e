/*
 * answer - pieces of the API's JSON: jansson's constructors that cannot fail, and the forms Docker
 * gives to times and names.
 */
#ifndef AGENT_API_ANSWER_H
#define AGENT_API_ANSWER_H

#include <jansson.h>
#include <stdint.h>

/* json_pack() that does not return NULL. Text of foreign origin goes in as "o" through answer_text(). */
json_t *answer_pack(const char *format, ...);

/* A string whatever the bytes: what is no UTF-8 is made printable (lib/utf8.h). NULL is "". */
json_t *answer_text(const char *text);
json_t *answer_texts(char *const *texts); /* an array; NULL gives an empty one */
json_t *answer_texts_or_null(char *const *texts); /* null when there is none, as Go's nil slices */
json_t *answer_set(char *const *names); /* {"80/tcp":{}} */

/* RFC 3339 with nanoseconds; 0 is Go's zero time, which clients take for "never". */
json_t *answer_time(int64_t ns);

/* "sensor" as the API names containers: "/sensor". */
json_t *answer_name(const char *name);

#endif
