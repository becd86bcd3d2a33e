#include "agent/api/request.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/api/connection.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "version.h"

/* What every answer says about the server: /_ping has no other content. */
#define COMMON_FIELDS \
	"Api-Version: 1.%d\r\nDocker-Experimental: false\r\nOstype: linux\r\n" \
	"Server: berth/" BERTH_VERSION " (linux)\r\nSwarm: inactive\r\n"

static bool has_content(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

static void queue_head(struct request *request, int status, const char *content_type,
		       const char *framing)
{
	struct buf *out = &request->connection->output;

	buf_append_format(out, "HTTP/1.1 %d %s\r\n" COMMON_FIELDS, status, http_status_text(status),
			  API_VERSION_MAX);
	if (content_type)
		buf_append_format(out, "Content-Type: %s\r\n", content_type);
	buf_append_format(out, "%s%s\r\n", framing,
			  request->connection->close_after ? "Connection: close\r\n" : "");
	request->replied = true;
	connection_wake(request->connection);
}

static void reply_whole(struct request *request, int status, const char *content_type,
			const char *data, size_t size)
{
	char framing[64];

	snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", size);
	queue_head(request, status, content_type, has_content(status) ? framing : "");
	if (has_content(status) && !request->no_body)
		buf_append(&request->connection->output, data, size);
	request->over = true;
}

void reply_text(struct request *request, int status, const char *text)
{
	reply_whole(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

void reply_json(struct request *request, int status, json_t *json)
{
	struct buf BUF_CLEANUP text = BUF_INIT;

	json_append(&text, json);
	buf_append(&text, "\n", 1);
	json_decref(json);
	reply_whole(request, status, "application/json", text.data, text.size);
}

void reply_empty(struct request *request, int status)
{
	reply_whole(request, status, NULL, "", 0);
}

static void reply_message(struct request *request, int status, const char *text)
{
	json_t *json = json_pack("{s:s}", "message", text);

	/* Foreign text that is no UTF-8 can't be put into JSON. */
	if (!json)
		json = json_pack("{s:s}", "message", http_status_text(status));
	if (!json)
		die_no_memory();
	reply_json(request, status, json);
}

void reply_error(struct request *request, int status, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	reply_message(request, status, text);
}

static int status_of(int code)
{
	switch (code) {
	case -ENOENT:
		return 404;
	case -EALREADY:
		return 304;
	case -EINVAL:
		return 400;
	case -EBUSY:
	case -EEXIST:
		return 409;
	case -ENOTSUP:
		return 501;
	}
	return 500;
}

void reply_err(struct request *request, const struct err *err)
{
	reply_message(request, status_of(err->code), err->text);
}

void reply_begin(struct request *request, int status, const char *content_type)
{
	request->chunked = request->message->minor_version >= 1;
	if (!request->chunked)
		request->connection->close_after = true;
	queue_head(request, status, content_type,
		   request->chunked ? "Transfer-Encoding: chunked\r\n" : "");
	if (request->no_body)
		request->over = true;
}

void reply_write(struct request *request, const void *data, size_t size)
{
	struct buf *out = &request->connection->output;

	/* An empty chunk would end the body. */
	if (!size || request->over)
		return;
	if (request->chunked)
		buf_append_format(out, "%zx\r\n", size);
	buf_append(out, data, size);
	if (request->chunked)
		buf_append(out, "\r\n", 2);
	connection_wake(request->connection);
}

void reply_json_line(struct request *request, json_t *json)
{
	struct buf BUF_CLEANUP text = BUF_INIT;

	json_append(&text, json);
	buf_append(&text, "\r\n", 2);
	json_decref(json);
	reply_write(request, text.data, text.size);
}

void reply_end(struct request *request)
{
	if (request->over)
		return;
	if (request->chunked)
		buf_append_text(&request->connection->output, "0\r\n\r\n");
	request->over = true;
	connection_wake(request->connection);
}

size_t reply_room(const struct request *request)
{
	size_t queued = request->connection->output.size;

	return queued < REPLY_QUEUE_MAX ? REPLY_QUEUE_MAX - queued : 0;
}

int request_json(struct request *request, json_t **out)
{
	struct err err = ERR_INIT;

	if (!request->body.size) {
		*out = json_object();
		if (!*out)
			die_no_memory();
		return 0;
	}
	if (json_parse(out, request->body.data, request->body.size, "request body", &err) < 0) {
		reply_error(request, 400, "%s", err.text);
		return -EINVAL;
	}
	return 0;
}

int request_size(struct request *request, unsigned short *rows, unsigned short *columns)
{
	int64_t height = 0, width = 0;
	struct err err = ERR_INIT;

	if (target_int(&request->target, "h", &height, &err) < 0 ||
	    target_int(&request->target, "w", &width, &err) < 0) {
		reply_err(request, &err);
		return -EINVAL;
	}
	if (height < 0 || width < 0 || height > USHRT_MAX || width > USHRT_MAX) {
		reply_error(request, 400, "a terminal of %lld x %lld is not possible",
			    (long long)height, (long long)width);
		return -EINVAL;
	}
	*rows = (unsigned short)height;
	*columns = (unsigned short)width;
	return 0;
}

/* The queue is empty when a handler is called, so the short head goes out in one piece or the client is gone. */
static int send_upgrade(struct request *request, const char *content_type)
{
	struct buf BUF_CLEANUP head = BUF_INIT;
	bool upgrade = request->message->upgrade;
	ssize_t sent;

	buf_append_format(&head, "HTTP/1.1 %s\r\nContent-Type: %s\r\n%s" COMMON_FIELDS "\r\n",
			  upgrade ? "101 UPGRADED" : "200 OK", content_type,
			  upgrade ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "", API_VERSION_MAX);
	sent = send(request->connection->fd, head.data, head.size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent == (ssize_t)head.size ? 0 : -EPIPE;
}

int request_hijack(struct request *request, const char *content_type, struct buf *early)
{
	struct connection *connection = request->connection;

	if (connection->output.size || send_upgrade(request, content_type) < 0) {
		connection->close_after = request->over = true;
		return -EPIPE;
	}
	*early = connection->input;
	connection->input = BUF_INIT;
	watch_stop(&connection->watch);
	connection->state = CONNECTION_HIJACKED;
	return fd_steal(&connection->fd);
}
