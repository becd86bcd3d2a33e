#include "agent/api/answer.h"

#include <stdarg.h>
#include <stdlib.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/time.h"
#include "lib/utf8.h"

static json_t *sure(json_t *json)
{
	if (!json)
		die_no_memory();
	return json;
}

json_t *answer_pack(const char *format, ...)
{
	va_list args;
	json_t *json;

	va_start(args, format);
	json = json_vpack_ex(NULL, 0, format, args);
	va_end(args);
	return sure(json);
}

json_t *answer_text(const char *text)
{
	json_t *json = json_string(text ? text : "");
	char *copy FREE_CLEANUP = NULL;

	if (json)
		return json;
	copy = xstrdup(text);
	utf8_make_printable(copy);
	return sure(json_string(copy));
}

json_t *answer_texts(char *const *texts)
{
	json_t *array = sure(json_array());

	for (; texts && *texts; texts++)
		if (json_array_append_new(array, answer_text(*texts)) < 0)
			die_no_memory();
	return array;
}

json_t *answer_texts_or_null(char *const *texts)
{
	return texts && *texts ? answer_texts(texts) : json_null();
}

json_t *answer_set(char *const *names)
{
	json_t *object = sure(json_object());

	for (; names && *names; names++)
		if (json_object_set_new(object, *names, json_object()) < 0)
			die_no_memory();
	return object;
}

json_t *answer_time(int64_t ns)
{
	char text[TIME_TEXT_MAX];

	if (!ns)
		return answer_text("0001-01-01T00:00:00Z");
	time_format_nano(text, ns);
	return answer_text(text);
}

json_t *answer_name(const char *name)
{
	char *text FREE_CLEANUP = xasprintf("/%s", name);

	return answer_text(text);
}
