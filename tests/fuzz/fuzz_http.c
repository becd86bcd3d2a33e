/*
 * First byte: what to expect and how the input is cut. A message has to come out the same whether it is
 * fed whole or in pieces, and every field that is found has to be a clean string.
 */
#include <stdlib.h>
#include <string.h>

#include "net/http.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* It has to last until the message is over. */
static void check_head(const struct http_parser *parser)
{
	const struct http_message *message = &parser->message;
	const char *texts[] = { message->method, message->target, message->reason };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i] && strpbrk(texts[i], "\r\n"))
			abort();
	for (size_t i = 0; i < message->fields_count; i++) {
		const char *name = message->text.data + message->fields[i].name;
		const char *value = message->text.data + message->fields[i].value;

		if (!http_is_token(name, strlen(name)) || strpbrk(value, "\r\n"))
			abort();
		if (!http_header(message, name))
			abort();
	}
}

static int run(struct http_parser *parser, const char *data, size_t size, size_t piece,
	       struct buf *body)
{
	size_t used = 0, given = piece < size ? piece : size;
	struct err err = ERR_INIT;

	for (;;) {
		struct http_step step;
		int event = http_parse(parser, data + used, given - used, &step, &err);

		used += step.used;
		if (used > given)
			abort();
		if (event == HTTP_BODY)
			buf_append(body, step.body, step.body_size);
		if (event == HTTP_HEAD || event == HTTP_BODY || event == HTTP_DONE)
			check_head(parser);
		if (event < 0 || event == HTTP_DONE)
			return event;
		if (event == HTTP_MORE && given == size)
			return http_parse_end(parser, &err);
		if (event == HTTP_MORE)
			given = size - given < piece ? size : given + piece;
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	if (size < 1)
		return 0;
	enum http_kind kind = data[0] & 1 ? HTTP_RESPONSE : HTTP_REQUEST;
	struct http_parser whole, cut;
	struct buf body_whole = BUF_INIT, body_cut = BUF_INIT;

	http_parser_init(&whole, kind);
	http_parser_init(&cut, kind);
	whole.head_request = cut.head_request = data[0] & 2;
	whole.body_max = cut.body_max = data[0] & 4 ? 16 : UINT64_MAX;
	int a = run(&whole, (const char *)data + 1, size - 1, size, &body_whole);
	int b = run(&cut, (const char *)data + 1, size - 1, 1 + (data[0] >> 3), &body_cut);

	if (a != b)
		abort();
	if (a == HTTP_DONE) {
		if (body_whole.size != body_cut.size || (body_whole.size && memcmp(body_whole.data, body_cut.data, body_cut.size)))
			abort();
	}
	buf_release(&body_whole);
	buf_release(&body_cut);
	http_parser_release(&whole);
	http_parser_release(&cut);
	return 0;
}
