/* Header fields: looking them up, writing them, and the words for a status. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "net/http.h"

bool http_is_token(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return size > 0;
}

const char *http_header_nth(const struct http_message *message, const char *name, size_t n)
{
	for (size_t i = 0; i < message->fields_count; i++) {
		const struct http_field *field = &message->fields[i];

		if (!strcasecmp(message->text.data + field->name, name) && n-- == 0)
			return message->text.data + field->value;
	}
	return NULL;
}

const char *http_header(const struct http_message *message, const char *name)
{
	return http_header_nth(message, name, 0);
}

static bool list_has(const char *list, const char *token)
{
	size_t size = strlen(token);

	while (*list) {
		list += strspn(list, ", \t");
		size_t item = strcspn(list, ", \t");

		if (item == size && !strncasecmp(list, token, size))
			return true;
		list += item;
	}
	return false;
}

bool http_header_has(const struct http_message *message, const char *name, const char *token)
{
	const char *value;

	for (size_t n = 0; (value = http_header_nth(message, name, n)); n++)
		if (list_has(value, token))
			return true;
	return false;
}

int http_append_header(struct buf *out, const char *name, const char *value)
{
	if (!http_is_token(name, strlen(name)))
		return -EINVAL;
	for (const unsigned char *c = (const unsigned char *)value; *c; c++)
		if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
			return -EINVAL;
	buf_append_format(out, "%s: %s\r\n", name, value);
	return 0;
}

static const struct {
	int status;
	const char *text;
} status_texts[] = {
	{ 100, "Continue" },
	{ 101, "UPGRADED" }, /* the word Docker uses for its hijacked connections */
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 416, "Range Not Satisfiable" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

const char *http_status_text(int status)
{
	for (size_t i = 0; i < sizeof(status_texts) / sizeof(status_texts[0]); i++)
		if (status_texts[i].status == status)
			return status_texts[i].text;
	return "";
}
