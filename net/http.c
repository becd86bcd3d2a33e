#include "net/http.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum state {
	STATE_START_LINE,
	STATE_FIELDS,
	STATE_BODY_BEGIN, /* the caller has seen the head and may have set body_max */
	STATE_BODY,
	STATE_UNTIL_CLOSE,
	STATE_CHUNK_SIZE,
	STATE_CHUNK_DATA,
	STATE_CHUNK_END,
	STATE_TRAILER,
	STATE_DONE,
};

static const char *const kind_names[] = {
	[HTTP_REQUEST] = "request",
	[HTTP_RESPONSE] = "response",
};

void http_parser_init(struct http_parser *parser, enum http_kind kind)
{
	*parser = (struct http_parser){ .kind = kind };
	http_parser_reset(parser);
}

void http_parser_reset(struct http_parser *parser)
{
	struct buf text = parser->message.text;

	buf_clear(&text);
	buf_release(&parser->chunk_line);
	*parser = (struct http_parser){
		.kind = parser->kind,
		.body_max = UINT64_MAX,
		.state = STATE_START_LINE,
		.message = { .text = text, .content_length = UINT64_MAX },
	};
}

void http_parser_release(struct http_parser *parser)
{
	buf_release(&parser->message.text);
	buf_release(&parser->chunk_line);
	*parser = (struct http_parser){ .failed = -EINVAL };
}

static int malformed(const struct http_parser *parser, const char *what, struct err *err)
{
	return err_set(err, -EPROTO, "malformed HTTP %s: %s", kind_names[parser->kind], what);
}

/*
 * Lines. Those of the head are collected at the end of message.text, from line_start on, and stay there. Those of the chunked
 * coding have a buffer of their own and are dropped again: message.text must not move any more, there are pointers into it.
 */

static struct buf *line_text(struct http_parser *parser)
{
	return parser->state < STATE_BODY_BEGIN ? &parser->message.text : &parser->chunk_line;
}

static size_t line_max(const struct http_parser *parser)
{
	return parser->state == STATE_CHUNK_SIZE || parser->state == STATE_CHUNK_END ?
		       HTTP_CHUNK_LINE_MAX :
		       HTTP_LINE_MAX;
}

static void drop_line(struct http_parser *parser)
{
	struct buf *text = line_text(parser);

	text->size = parser->line_start;
	if (text->data)
		text->data[text->size] = '\0';
}

/* Only tabs and visible characters (and bytes over 127, which are opaque) may stand in a line. */
static bool has_control(const char *line)
{
	for (const unsigned char *c = (const unsigned char *)line; *c; c++)
		if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
			return true;
	return false;
}

/* 1: a whole line is at line_start, without its CR LF; 0: more input is needed. */
static int take_line(struct http_parser *parser, const char *data, size_t size, size_t *used,
		     struct err *err)
{
	struct buf *text = line_text(parser);
	const char *end = memchr(data, '\n', size);
	size_t count = end ? (size_t)(end - data) + 1 : size;

	if (text->size - parser->line_start + count > line_max(parser) + 2)
		return err_set(err, -EMSGSIZE, "HTTP %s: a line has more than %zu bytes",
			       kind_names[parser->kind], line_max(parser));
	if (text->size + count > HTTP_HEAD_MAX)
		return err_set(err, -EMSGSIZE, "HTTP %s: the head has more than %d bytes",
			       kind_names[parser->kind], HTTP_HEAD_MAX);
	buf_append(text, data, count);
	*used += count;
	if (!end)
		return 0;
	if (text->size - parser->line_start < 2 || text->data[text->size - 2] != '\r')
		return malformed(parser, "a line does not end with CR LF", err);
	text->size -= 2;
	text->data[text->size] = '\0';
	const char *line = text->data + parser->line_start;

	if (strlen(line) != text->size - parser->line_start || has_control(line))
		return malformed(parser, "a control character in the head", err);
	return 1;
}

/* Start lines. */

static int parse_version(struct http_parser *parser, const char *version, struct err *err)
{
	if (strncmp(version, "HTTP/", 5) || strlen(version) != 8)
		return malformed(parser, "no HTTP version", err);
	if (strncmp(version, "HTTP/1.", 7) || (version[7] != '0' && version[7] != '1'))
		return err_set(err, -ENOTSUP, "HTTP %s: only versions 1.0 and 1.1 are known",
			       kind_names[parser->kind]);
	parser->message.minor_version = version[7] - '0';
	return 0;
}

static int parse_request_line(struct http_parser *parser, char *line, struct err *err)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version || version == target + 1 || !http_is_token(line, (size_t)(target - line)))
		return malformed(parser, "the first line is no request line", err);
	*target++ = '\0';
	*version++ = '\0';
	if (strchr(target, '\t'))
		return malformed(parser, "a tab in the request target", err);
	return parse_version(parser, version, err);
}

static int parse_status_line(struct http_parser *parser, char *line, struct err *err)
{
	struct http_message *message = &parser->message;
	char *status = strchr(line, ' ');

	if (!status)
		return malformed(parser, "the first line is no status line", err);
	*status++ = '\0';
	int ret = parse_version(parser, line, err);

	if (ret < 0)
		return ret;
	if (strspn(status, "0123456789") != 3 || status[0] == '0' || (status[3] && status[3] != ' '))
		return malformed(parser, "the status is no number of three digits", err);
	message->status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
	return 0;
}

/* The text has moved while it grew: only now do pointers into it last. The start line is its first. */
static void resolve_start_line(struct http_parser *parser)
{
	struct http_message *message = &parser->message;
	const char *first = message->text.data;
	const char *second = first + strlen(first) + 1;

	if (parser->kind == HTTP_REQUEST) {
		message->method = first;
		message->target = second;
	} else {
		message->reason = second[3] ? second + 4 : second + 3;
	}
}

/* Field lines. */

static int parse_field(struct http_parser *parser, char *line, struct err *err)
{
	struct http_message *message = &parser->message;
	char *colon = strchr(line, ':');

	if (line[0] == ' ' || line[0] == '\t')
		return malformed(parser, "a folded header field", err);
	if (!colon || !http_is_token(line, (size_t)(colon - line)))
		return malformed(parser, "a header field without a proper name", err);
	if (parser->state == STATE_TRAILER)
		return 0; /* nothing here reads trailers */
	if (message->fields_count == HTTP_FIELDS_MAX)
		return err_set(err, -EMSGSIZE, "HTTP %s: more than %d header fields",
			       kind_names[parser->kind], HTTP_FIELDS_MAX);
	*colon = '\0';
	char *value = colon + 1 + strspn(colon + 1, " \t");

	for (size_t n = strlen(value); n > 0 && strchr(" \t", value[n - 1]); n--)
		value[n - 1] = '\0';
	message->fields[message->fields_count++] = (struct http_field){
		.name = (uint32_t)(line - message->text.data),
		.value = (uint32_t)(value - message->text.data),
	};
	return 0;
}

/* What the head as a whole says. */

static int parse_length(struct http_parser *parser, struct err *err)
{
	const char *text = http_header(&parser->message, "Content-Length");
	uint64_t value = 0;

	if (!text)
		return 0;
	if (http_header_nth(&parser->message, "Content-Length", 1))
		return malformed(parser, "two Content-Length fields", err);
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return malformed(parser, "Content-Length is no number", err);
		if (value > (INT64_MAX - 9) / 10)
			return malformed(parser, "Content-Length is out of range", err);
		value = value * 10 + (uint64_t)(*c - '0');
	}
	if (!*text)
		return malformed(parser, "Content-Length is empty", err);
	parser->message.content_length = value;
	return 0;
}

static int check_coding(struct http_parser *parser, const char *coding, struct err *err)
{
	struct http_message *message = &parser->message;

	if (message->content_length != UINT64_MAX)
		return malformed(parser, "both Content-Length and Transfer-Encoding", err);
	if (message->minor_version == 0)
		return malformed(parser, "Transfer-Encoding in HTTP/1.0", err);
	if (strcasecmp(coding, "chunked") || http_header_nth(message, "Transfer-Encoding", 1))
		return err_set(err, -ENOTSUP, "HTTP %s: Transfer-Encoding other than chunked",
			       kind_names[parser->kind]);
	return 0;
}

static bool never_has_body(const struct http_parser *parser)
{
	int status = parser->message.status;

	return parser->kind == HTTP_RESPONSE &&
	       (parser->head_request || status < 200 || status == 204 || status == 304);
}

/* RFC 9112, 6.3 */
static int decide_framing(struct http_parser *parser, struct err *err)
{
	struct http_message *message = &parser->message;
	const char *coding = http_header(message, "Transfer-Encoding");
	int ret = parse_length(parser, err);

	if (ret == 0 && coding)
		ret = check_coding(parser, coding, err);
	if (ret < 0)
		return ret;
	if (never_has_body(parser))
		message->framing = HTTP_NO_BODY;
	else if (coding)
		message->framing = HTTP_CHUNKED;
	else if (message->content_length != UINT64_MAX)
		message->framing = HTTP_BY_LENGTH;
	else
		message->framing = parser->kind == HTTP_REQUEST ? HTTP_NO_BODY : HTTP_UNTIL_CLOSE;
	return 0;
}

static int check_host(struct http_parser *parser, struct err *err)
{
	const struct http_message *message = &parser->message;

	if (parser->kind != HTTP_REQUEST)
		return 0;
	if (http_header_nth(message, "Host", 1))
		return malformed(parser, "two Host fields", err);
	if (message->minor_version > 0 && !http_header(message, "Host"))
		return malformed(parser, "no Host field", err);
	return 0;
}

/* Returns HTTP_HEAD, or HTTP_MORE when an interim response was swallowed. */
static int finish_head(struct http_parser *parser, struct err *err)
{
	struct http_message *message = &parser->message;

	resolve_start_line(parser);
	int ret = check_host(parser, err);

	if (ret == 0)
		ret = decide_framing(parser, err);
	if (ret < 0)
		return ret;
	if (parser->kind == HTTP_RESPONSE && message->status < 200 && message->status != 101) {
		struct http_parser last = *parser;

		if (last.interim_count == HTTP_INTERIM_MAX)
			return malformed(parser, "too many 1xx responses", err);
		http_parser_reset(parser);
		parser->head_request = last.head_request;
		parser->body_max = last.body_max;
		parser->interim_count = last.interim_count + 1;
		return HTTP_MORE;
	}
	message->keep_alive = !http_header_has(message, "Connection", "close") &&
			      message->framing != HTTP_UNTIL_CLOSE &&
			      (message->minor_version > 0 ||
			       http_header_has(message, "Connection", "keep-alive"));
	message->upgrade = parser->kind == HTTP_RESPONSE ?
				   message->status == 101 :
				   http_header(message, "Upgrade") &&
					   http_header_has(message, "Connection", "upgrade");
	parser->line_start = 0; /* of chunk_line */
	parser->state = STATE_BODY_BEGIN;
	return HTTP_HEAD;
}

static int head_line(struct http_parser *parser, struct err *err)
{
	struct buf *text = &parser->message.text;
	char *line = text->data + parser->line_start;
	int ret;

	if (parser->state == STATE_START_LINE && !*line && parser->kind == HTTP_REQUEST &&
	    parser->interim_count++ == 0) {
		drop_line(parser); /* RFC 9112, 2.2: an empty line before a request is skipped */
		return HTTP_MORE;
	}
	if (parser->state == STATE_START_LINE)
		ret = parser->kind == HTTP_REQUEST ? parse_request_line(parser, line, err) :
						     parse_status_line(parser, line, err);
	else if (*line)
		ret = parse_field(parser, line, err);
	else
		return finish_head(parser, err);
	if (ret < 0)
		return ret;
	parser->state = STATE_FIELDS;
	buf_append(text, "", 1);
	parser->line_start = text->size;
	return HTTP_MORE;
}

/* Bodies. */

static int too_large(const struct http_parser *parser, struct err *err)
{
	return err_set(err, -EFBIG, "HTTP %s: the body has more than %llu bytes",
		       kind_names[parser->kind], (unsigned long long)parser->body_max);
}

static int begin_body(struct http_parser *parser, struct err *err)
{
	const struct http_message *message = &parser->message;

	switch (message->framing) {
	case HTTP_NO_BODY:
		parser->state = STATE_DONE;
		break;
	case HTTP_BY_LENGTH:
		if (message->content_length > parser->body_max)
			return too_large(parser, err);
		parser->remaining = message->content_length;
		parser->state = parser->remaining > 0 ? STATE_BODY : STATE_DONE;
		break;
	case HTTP_CHUNKED:
		parser->state = STATE_CHUNK_SIZE;
		break;
	case HTTP_UNTIL_CLOSE:
		parser->remaining = UINT64_MAX;
		parser->state = STATE_UNTIL_CLOSE;
		break;
	}
	return 0;
}

static int body_piece(struct http_parser *parser, const char *data, size_t size,
		      struct http_step *step, struct err *err)
{
	size_t count = size < parser->remaining ? size : (size_t)parser->remaining;

	if (count > parser->body_max - parser->received)
		return too_large(parser, err);
	parser->received += count;
	if (parser->state != STATE_UNTIL_CLOSE)
		parser->remaining -= count;
	if (parser->remaining == 0)
		parser->state = parser->state == STATE_BODY ? STATE_DONE : STATE_CHUNK_END;
	step->body = data;
	step->body_size = count;
	step->used += count;
	return HTTP_BODY;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "1a2b" and perhaps ";extension", which is ignored (RFC 9112, 7.1.1). */
static int chunk_size(struct http_parser *parser, const char *line, struct err *err)
{
	uint64_t size = 0;
	const char *c = line;

	for (; hex_value(*c) >= 0; c++) {
		if (size >> 58)
			return malformed(parser, "a chunk size is out of range", err);
		size = size << 4 | (uint64_t)hex_value(*c);
	}
	if (c == line || c[strspn(c, " \t")] != (strchr(c, ';') ? ';' : '\0'))
		return malformed(parser, "a chunk has no size", err);
	if (size > parser->body_max - parser->received)
		return too_large(parser, err);
	parser->remaining = size;
	parser->state = size > 0 ? STATE_CHUNK_DATA : STATE_TRAILER;
	return 0;
}

/* A line of the chunked coding: the size, the empty line behind a chunk's data, or a trailer. */
static int chunk_line(struct http_parser *parser, struct err *err)
{
	char *line = parser->chunk_line.data;
	int ret = 0;

	if (parser->state == STATE_CHUNK_SIZE) {
		ret = chunk_size(parser, line, err);
	} else if (parser->state == STATE_CHUNK_END) {
		if (*line)
			return malformed(parser, "a chunk is longer than its size", err);
		parser->state = STATE_CHUNK_SIZE;
	} else if (*line) {
		parser->trailer_bytes += parser->chunk_line.size;
		if (parser->trailer_bytes > HTTP_LINE_MAX)
			return err_set(err, -EMSGSIZE, "HTTP %s: too many trailers",
				       kind_names[parser->kind]);
		ret = parse_field(parser, line, err);
	} else {
		parser->state = STATE_DONE;
	}
	drop_line(parser);
	return ret;
}

/* One state's work on what is left of the input: an event, HTTP_MORE when there may be more to do, or an error. */
static int advance(struct http_parser *parser, const char *data, size_t size,
		   struct http_step *step, struct err *err)
{
	int ret;

	switch ((enum state)parser->state) {
	case STATE_START_LINE:
	case STATE_FIELDS:
		ret = take_line(parser, data, size, &step->used, err);
		return ret > 0 ? head_line(parser, err) : ret;
	case STATE_CHUNK_SIZE:
	case STATE_CHUNK_END:
	case STATE_TRAILER:
		ret = take_line(parser, data, size, &step->used, err);
		return ret > 0 ? chunk_line(parser, err) : ret;
	case STATE_BODY_BEGIN:
		return begin_body(parser, err);
	case STATE_BODY:
	case STATE_CHUNK_DATA:
	case STATE_UNTIL_CLOSE:
		return body_piece(parser, data, size, step, err);
	case STATE_DONE:
		return HTTP_DONE;
	}
	return -EINVAL;
}

int http_parse(struct http_parser *parser, const char *data, size_t size, struct http_step *step,
	       struct err *err)
{
	int ret = HTTP_MORE;

	*step = (struct http_step){ 0 };
	if (parser->failed)
		return err_set(err, parser->failed, "HTTP %s: parsing has failed before",
			       kind_names[parser->kind]);
	while (ret == HTTP_MORE) {
		/* These two need no input. */
		if (step->used == size && parser->state != STATE_BODY_BEGIN &&
		    parser->state != STATE_DONE)
			return HTTP_MORE;
		ret = advance(parser, data + step->used, size - step->used, step, err);
	}
	if (ret < 0)
		parser->failed = ret;
	return ret;
}

int http_parse_end(struct http_parser *parser, struct err *err)
{
	if (parser->failed)
		return err_set(err, parser->failed, "HTTP %s: parsing has failed before",
			       kind_names[parser->kind]);
	if (parser->state == STATE_UNTIL_CLOSE || parser->state == STATE_DONE) {
		parser->state = STATE_DONE;
		return HTTP_DONE;
	}
	if (parser->state == STATE_START_LINE && parser->message.text.size == 0)
		return err_set(err, -ENODATA, "the connection was closed before the HTTP %s",
			       kind_names[parser->kind]);
	return err_set(err, -EPIPE, "the connection was closed within the HTTP %s",
		       kind_names[parser->kind]);
}
