/*
 * http - the grammar of HTTP/1.1 messages (RFC 9112), without I/O: for the client that talks to
 * registries and for the server that answers the Docker API.
 *
 *	http_parser_init(&parser, HTTP_RESPONSE);
 *	for (;;) {
 *		event = http_parse(&parser, data, size, &step, err);
 *		data += step.used, size -= step.used;
 *		HTTP_MORE   all of data is used: read more and go on; at the end of input call http_parse_end()
 *		HTTP_HEAD   parser.message is complete: decide what to do with the body (parser.body_max)
 *		HTTP_BODY   step.body, step.body_size: a piece of the body, inside of data
 *		HTTP_DONE   the message is over; what is left of data belongs to the next message, or,
 *		            after an upgrade, to another protocol. http_parser_reset() for the next one
 *		negative    broken: close the connection
 *	}
 *
 * It is strict where leniency has let two parsers see two different messages (request smuggling):
 * lines end with CR LF, no folded fields, no space before the colon, no control characters, one
 * Content-Length of digits only, no Content-Length beside Transfer-Encoding, no coding but chunked.
 * Errors: -EPROTO (400), -EMSGSIZE a line or the head is over its limit (431), -EFBIG the body is
 * over body_max (413), -ENOTSUP an unknown coding or version (501). A parser that failed keeps failing.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

#define HTTP_LINE_MAX 8192   /* start line or field line; the URLs of a CDN and tokens have some kB */
#define HTTP_FIELDS_MAX 64
#define HTTP_HEAD_MAX 32768
#define HTTP_CHUNK_LINE_MAX 256
#define HTTP_INTERIM_MAX 8   /* 1xx answers before the real one */

enum http_kind { HTTP_REQUEST, HTTP_RESPONSE };
enum http_event { HTTP_MORE, HTTP_HEAD, HTTP_BODY, HTTP_DONE };
enum http_framing { HTTP_NO_BODY, HTTP_BY_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

/* Offsets into message.text. */
struct http_field {
	uint32_t name;
	uint32_t value;
};

/* Valid from HTTP_HEAD until the parser is reset or released. */
struct http_message {
	struct buf text;	/* the head: names, values, start line, each followed by NUL */
	const char *method;	/* requests: a token such as "GET" */
	const char *target;	/* requests: as sent, no spaces or control characters */
	int status;		/* responses: 100-999 */
	const char *reason;	/* responses: may be empty */
	int minor_version;	/* HTTP/1.x: 0 or 1 */
	size_t fields_count;
	struct http_field fields[HTTP_FIELDS_MAX];
	enum http_framing framing;
	uint64_t content_length; /* the field's value, also for HEAD; UINT64_MAX when there is none */
	bool keep_alive;	 /* another message may follow on this connection */
	bool upgrade;		 /* response 101, or a request that asks for an upgrade */
};

struct http_parser {
	enum http_kind kind;
	bool head_request;	 /* set by the caller of a response parser: there will be no body */
	uint64_t body_max;	 /* set by the caller, at HTTP_HEAD at the latest; default: no limit */
	struct http_message message;
	/* private */
	int state;
	int failed;		 /* the error to repeat */
	size_t line_start;
	struct buf chunk_line;	 /* the line of the chunked coding that is being read */
	size_t trailer_bytes;
	unsigned interim_count;
	uint64_t remaining;	 /* of the body or of the chunk */
	uint64_t received;	 /* of the body */
};

struct http_step {
	size_t used;
	const char *body;
	size_t body_size;
};

void http_parser_init(struct http_parser *parser, enum http_kind kind);
void http_parser_reset(struct http_parser *parser); /* for the next message; head_request and body_max as new */
void http_parser_release(struct http_parser *parser);

/* Returns an enum http_event or a negative errno value. */
int http_parse(struct http_parser *parser, const char *data, size_t size, struct http_step *step,
	       struct err *err);

/*
 * The input ended: HTTP_DONE when that ends the message (HTTP_UNTIL_CLOSE, or it was done), -ENODATA
 * when no message had begun, -EPIPE when one was cut short.
 */
int http_parse_end(struct http_parser *parser, struct err *err);

/* The value of the first field of that name, in any case; NULL when there is none. */
const char *http_header(const struct http_message *message, const char *name);
/* The n-th one, from 0: for fields that may stand several times. */
const char *http_header_nth(const struct http_message *message, const char *name, size_t n);
/* Whether a comma separated list, over all fields of that name, has `token` (any case). */
bool http_header_has(const struct http_message *message, const char *name, const char *token);

/* "Not Found"; "" when the status has no usual phrase. */
const char *http_status_text(int status);

/* Appends "name: value\r\n". -EINVAL, and nothing appended, when either holds what would end the line. */
int http_append_header(struct buf *out, const char *name, const char *value);

bool http_is_token(const char *text, size_t size); /* RFC 9110, 5.6.2; false when empty */

#endif
