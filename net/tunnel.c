#include "net/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base64.h"
#include "net/failure.h"
#include "net/http.h"
#include "net/url.h"
#include "version.h"

#define READ_SIZE 512

int tunnel_connect(struct stream *stream, const struct proxy *proxy, int connect_ms, int stall_ms,
		   struct err *err)
{
	struct url url URL_CLEANUP = URL_NONE;
	int ret = url_from_authority(&url, false, proxy->address, "/", err);

	if (ret == 0)
		ret = stream_connect(stream, url.host, url.port, connect_ms, stall_ms, err);
	if (ret < 0)
		err_context(err, "proxy");
	return ret;
}

void tunnel_append_credentials(struct buf *request, const struct proxy *proxy)
{
	struct buf plain BUF_CLEANUP = BUF_INIT;

	if (!*proxy->user)
		return;
	buf_append_format(&plain, "%s:%s", proxy->user, proxy->password);
	buf_append_text(request, "Proxy-Authorization: Basic ");
	base64_encode(request, plain.data, plain.size);
	buf_append_text(request, "\r\n");
}

int tunnel_refused(const struct proxy *proxy, int status, struct err *err)
{
	if (*proxy->user)
		return err_set(err, -EHOSTUNREACH, "proxy %s refuses user '%s' or the password (%d; see proxy = in "
			       "agent.ini)", proxy->address, proxy->user, status);
	return err_set(err, -EHOSTUNREACH, "proxy %s asks for a user name and password (%d; set proxy = "
		       "http://USER:PASSWORD@%s)", proxy->address, status, proxy->address);
}

/* Head of the answer, and nothing behind it: the host speaks only when it is spoken to. */
static int read_answer(struct stream *stream, struct http_parser *parser, struct err *err)
{
	char data[READ_SIZE];
	struct http_step step;
	int event = HTTP_MORE;

	while (event == HTTP_MORE) {
		ssize_t got = stream_read(stream, data, sizeof(data), err);

		if (got < 0)
			return (int)got;
		if (got == 0)
			return err_set(err, -EPIPE, "%s closed the connection instead of an answer",
				       stream->peer);
		event = http_parse(parser, data, (size_t)got, &step, err);
		if (event < 0)
			err_context(err, "%s", stream->peer);
		else if (event == HTTP_HEAD && parser->message.status / 100 == 2 && step.used < (size_t)got)
			event = err_set(err, FAILURE_SERVER, "%s sends more than an answer", stream->peer);
	}
	return event < 0 ? event : 0;
}

static int judge(const struct proxy *proxy, const struct http_message *message, const char *authority,
		 struct err *err)
{
	if (message->status / 100 == 2)
		return 0;
	if (message->status == 407 || message->status == 401)
		return tunnel_refused(proxy, message->status, err);
	return err_set(err, -EHOSTUNREACH, "proxy %s does not connect to %s: %d %s", proxy->address, authority,
		       message->status, message->reason);
}

int tunnel_open(struct stream *stream, const struct proxy *proxy, const char *authority,
		int answer_ms, struct err *err)
{
	struct buf request BUF_CLEANUP = BUF_INIT;
	struct http_parser parser;

	buf_append_format(&request, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: berth/" BERTH_VERSION "\r\n",
			  authority, authority);
	tunnel_append_credentials(&request, proxy);
	buf_append_text(&request, "\r\n");
	http_parser_init(&parser, HTTP_RESPONSE);
	parser.head_request = true; /* no body that would matter, whatever its fields say */
	stream->waiting_for = "the proxy's answer";
	stream_limit(stream, answer_ms);
	int ret = stream_write(stream, request.data, request.size, err);

	if (ret == 0)
		ret = read_answer(stream, &parser, err);
	if (ret < 0)
		err_context(err, "proxy");
	else
		ret = judge(proxy, &parser.message, authority, err);
	http_parser_release(&parser);
	stream_limit(stream, 0);
	if (ret == 0)
		snprintf(stream->peer, sizeof(stream->peer), "%.*s", STREAM_PEER_SIZE - 1, authority);
	return ret;
}
