#include "net/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/failure.h"
#include "net/tunnel.h"
#include "version.h"

#define DRAIN_MAX 65536 /* a new connection costs more than this much of an unwanted body */
#define DRAIN_MS 2000

void client_init(struct client *client, const struct client_settings *settings)
{
	*client = (struct client){ .settings = *settings, .input = xmalloc(CLIENT_INPUT_SIZE) };
	for (size_t i = 0; i < CLIENT_CONNECTIONS; i++)
		client->connections[i].stream = STREAM_CLOSED;
	http_parser_init(&client->parser, HTTP_RESPONSE);
	pace_init(&client->pace, settings->bytes_per_s);
}

void client_release(struct client *client)
{
	for (size_t i = 0; i < CLIENT_CONNECTIONS; i++)
		stream_close(&client->connections[i].stream);
	http_parser_release(&client->parser);
	url_release(&client->url);
	free(client->input);
	client->input = NULL;
}

/* Connections. */

static struct connection *find_connection(struct client *client, const struct url *url)
{
	struct connection *oldest = &client->connections[0];

	for (size_t i = 0; i < CLIENT_CONNECTIONS; i++) {
		struct connection *connection = &client->connections[i];

		if (stream_is_open(&connection->stream) && url_same_origin(&connection->origin, url))
			return connection;
		if (connection->used_at < oldest->used_at)
			oldest = connection;
	}
	stream_close(&oldest->stream);
	return oldest;
}

static struct tls_time validation_time(const struct client *client)
{
	int64_t clock_s = time(NULL), floor_s = client->settings.time_floor_s;

	return (struct tls_time){ .now_s = clock_s > floor_s ? clock_s : floor_s, .clock_s = clock_s };
}

static const struct proxy *choose_proxy(const struct client *client, const struct url *url)
{
	const struct proxy_rules *rules = client->settings.proxies;

	return rules ? proxy_choose(rules, url->https, url->host, url->port) : NULL;
}

static int connect_to(struct client *client, struct connection *connection, const struct url *url,
		      struct err *err)
{
	const struct client_settings *settings = &client->settings;
	struct stream *stream = &connection->stream;
	const struct proxy *proxy = choose_proxy(client, url);
	char authority[URL_AUTHORITY_SIZE];

	connection->proxy = proxy;
	if (!proxy)
		return stream_connect(stream, url->host, url->port, settings->connect_ms,
				      settings->stall_ms, err);
	int ret = tunnel_connect(stream, proxy, settings->connect_ms, settings->stall_ms, err);

	if (ret < 0 || !url->https)
		return ret;
	url_host_port(url, authority);
	return tunnel_open(stream, proxy, authority, settings->head_ms, err);
}

/* One that does not work is not tried again. */
static void note_session(struct client *client, const struct connection *connection, const struct url *url,
			 bool works)
{
	struct tls_session session = { .id_size = 0 };

	if (works)
		tls_get_session(connection->stream.tls, &session);
	sessions_put(client->settings.sessions, url->host, url->port, &session);
	explicit_bzero(&session, sizeof(session));
}

static int start_tls(struct client *client, struct connection *connection, const struct url *url,
		     struct err *err)
{
	const struct client_settings *settings = &client->settings;
	bool is_known = settings->identity && !strcmp(settings->identity_host, url->host);
	const struct tls_settings tls = {
		.trust = &settings->trust,
		.identity = is_known ? settings->identity : NULL,
		.session = settings->sessions ? sessions_find(settings->sessions, url->host, url->port) : NULL,
		.time = validation_time(client),
	};
	int ret = stream_start_tls(&connection->stream, url->host, &tls, err);

	if (settings->sessions)
		note_session(client, connection, url, ret == 0);
	return ret;
}

static int open_connection(struct client *client, struct connection *connection,
			   const struct url *url, struct err *err)
{
	connection->origin = *url;
	connection->origin.target = NULL;
	int ret = connect_to(client, connection, url, err);

	connection->stream.slow_ms = client->settings.slow_ms;
	connection->stream.pace = client->settings.bytes_per_s ? &client->pace : NULL;
	if (ret == 0)
		pace_slow_down(&client->pace, connection->stream.fd);
	if (ret == 0 && url->https)
		ret = start_tls(client, connection, url, err);
	if (ret < 0)
		stream_close(&connection->stream);
	return ret;
}

/* Leaves the connection of the last answer fit for another request, or closed. */
static void finish_answer(struct client *client)
{
	struct connection *connection = client->active;
	const char *data;
	size_t size, drained = 0;
	int ret = 1;

	if (!connection)
		return;
	stream_limit(&connection->stream, DRAIN_MS);
	while (ret > 0 && drained <= DRAIN_MAX) {
		ret = client_read(client, &data, &size, NULL);
		if (ret > 0)
			drained += size;
	}
	if (ret != 0)
		stream_close(&connection->stream);
	client->active = NULL;
}

/* One request and the head of its answer. */

static int write_request(struct buf *out, const struct client_request *request,
			 const struct url *url, const struct proxy *proxy, struct err *err)
{
	char authority[URL_AUTHORITY_SIZE];
	int ret = 0;

	url_authority(url, authority);
	/* A proxy gets the whole URL (RFC 9112, 3.2.2), but one that leads to TLS sees no requests. */
	if (proxy && !url->https)
		buf_append_format(out, "%s http://%s%s HTTP/1.1\r\n", request->method, authority, url->target);
	else
		buf_append_format(out, "%s %s HTTP/1.1\r\n", request->method, url->target);
	if (proxy && !url->https)
		tunnel_append_credentials(out, proxy);
	ret |= http_append_header(out, "Host", authority);
	ret |= http_append_header(out, "User-Agent", "berth/" BERTH_VERSION);
	if (request->accept)
		ret |= http_append_header(out, "Accept", request->accept);
	if (request->authorization && url_same_origin(url, request->url))
		ret |= http_append_header(out, "Authorization", request->authorization);
	if (request->range_from > 0)
		buf_append_format(out, "Range: bytes=%" PRIu64 "-\r\n", request->range_from);
	if (request->range_from > 0 && request->if_range &&
	    url_same_origin(url, request->if_range_origin))
		ret |= http_append_header(out, "If-Range", request->if_range);
	buf_append_text(out, "\r\n");
	if (ret < 0)
		return err_set(err, -EINVAL, "%s: the user name or token has a control character",
			       authority);
	return 0;
}

static int fill_input(struct client *client, struct err *err)
{
	struct stream *stream = &client->active->stream;
	ssize_t got = stream_read(stream, client->input, CLIENT_INPUT_SIZE, err);

	if (got < 0)
		return (int)got;
	client->input_begin = 0;
	client->input_end = (size_t)got;
	return got > 0;
}

/* The grammar's next event but HTTP_MORE, for which it reads on; what the event says is in step. */
static int next_event(struct client *client, struct http_step *step, struct err *err)
{
	int event, got = 1;

	for (;;) {
		event = http_parse(&client->parser, client->input + client->input_begin,
				   client->input_end - client->input_begin, step, err);
		client->input_begin += step->used;
		if (event != HTTP_MORE)
			break;
		got = fill_input(client, err);
		if (got < 0)
			return got;
		if (got == 0) {
			event = http_parse_end(&client->parser, err);
			break;
		}
	}
	if (event < 0)
		err_context(err, "%s", client->active->stream.peer);
	return event;
}

static int exchange(struct client *client, const struct client_request *request,
		    const struct url *url, struct err *err)
{
	struct buf out BUF_CLEANUP = BUF_INIT;
	struct stream *stream = &client->active->stream;
	struct http_step step;
	int ret = write_request(&out, request, url, client->active->proxy, err);

	if (ret < 0)
		return ret;
	http_parser_reset(&client->parser);
	client->parser.head_request = !strcmp(request->method, "HEAD");
	client->input_begin = client->input_end = 0;
	stream->waiting_for = "the answer";
	stream_limit(stream, client->settings.head_ms);
	ret = stream_write(stream, out.data, out.size, err);
	if (ret < 0)
		return ret;
	ret = next_event(client, &step, err);
	if (ret < 0)
		return ret;
	if (ret != HTTP_HEAD || client_message(client)->upgrade)
		return err_set(err, FAILURE_SERVER, "%s changes the protocol without being asked",
			       stream->peer);
	stream->waiting_for = "the rest of the answer";
	stream_limit(stream, 0);
	return 0;
}

static bool connection_died(int code)
{
	return code == -EPIPE || code == -ECONNRESET || code == -ENODATA;
}

/* A server may close a kept connection at any time, also while the next request is on its way. */
static int send_once(struct client *client, const struct client_request *request,
		     const struct url *url, struct err *err)
{
	for (bool fresh = false;;) {
		struct connection *connection = find_connection(client, url);
		int ret = 0;

		if (stream_is_open(&connection->stream) && stream_is_stale(&connection->stream))
			stream_close(&connection->stream);
		if (!stream_is_open(&connection->stream)) {
			fresh = true;
			ret = open_connection(client, connection, url, err);
		}
		if (ret < 0)
			return ret;
		connection->used_at = ++client->requests;
		client->active = connection;
		ret = exchange(client, request, url, err);
		if (ret == 0 && connection->proxy && !url->https &&
		    client_message(client)->status == 407)
			return tunnel_refused(connection->proxy, 407, err);
		if (ret == 0)
			return 0;
		client->active = NULL;
		stream_close(&connection->stream);
		if (fresh || !connection_died(ret) || client->input_end > 0)
			return ret;
	}
}

/* Redirects. */

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Sets client->url to where the answer points. */
static int follow(struct client *client, struct err *err)
{
	const char *location = http_header(client_message(client), "Location");
	char authority[URL_AUTHORITY_SIZE];
	struct url next URL_CLEANUP = URL_NONE;

	url_authority(&client->url, authority);
	if (!location)
		return err_set(err, FAILURE_SERVER, "%s redirects to nowhere", authority);
	if (url_resolve(&next, &client->url, location, strlen(location), err) < 0) {
		err_context(err, "%s redirects wrongly", authority);
		return FAILURE_SERVER;
	}
	if (client->url.https && !next.https && !client->settings.allow_plain)
		return err_set(err, FAILURE_TLS,
			       "%s redirects from https to plain http at %s, which needs insecure = yes",
			       authority, next.host);
	url_release(&client->url);
	client->url = next;
	next = URL_NONE;
	return 0;
}

int client_send(struct client *client, const struct client_request *request, struct err *err)
{
	url_release(&client->url);
	url_copy(&client->url, request->url);
	for (int redirects = 0;; redirects++) {
		finish_answer(client);
		int ret = send_once(client, request, &client->url, err);

		if (ret < 0 || !is_redirect(client_message(client)->status))
			return ret;
		if (redirects == CLIENT_REDIRECTS_MAX)
			return err_set(err, FAILURE_SERVER, "%s: more than %d redirects",
				       client->active->stream.peer, CLIENT_REDIRECTS_MAX);
		ret = follow(client, err);
		if (ret < 0)
			return ret;
	}
}

/* The answer. */

const struct http_message *client_message(const struct client *client)
{
	return &client->parser.message;
}

void client_limit_body(struct client *client, uint64_t bytes)
{
	client->parser.body_max = bytes;
}

int client_read(struct client *client, const char **data, size_t *size, struct err *err)
{
	struct connection *connection = client->active;
	struct http_step step;

	if (!connection)
		return 0;
	int event = next_event(client, &step, err);

	if (event == HTTP_BODY) {
		*data = step.body;
		*size = step.body_size;
		return 1;
	}
	client->active = NULL;
	/* Bytes nobody asked for are no good start of the next answer. */
	if (event != HTTP_DONE || !client_message(client)->keep_alive ||
	    client->input_begin < client->input_end)
		stream_close(&connection->stream);
	return event < 0 ? event : 0;
}

int client_read_all(struct client *client, struct buf *out, size_t limit, struct err *err)
{
	const char *data;
	size_t size;
	int ret;

	client_limit_body(client, limit);
	while ((ret = client_read(client, &data, &size, err)) > 0)
		buf_append(out, data, size);
	return ret;
}
