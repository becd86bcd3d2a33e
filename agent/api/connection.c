#include "agent/api/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"

#define RECEIVE_SIZE 16384

static void on_event(struct watch *watch, uint32_t events);

static void on_timeout(struct timer *timer)
{
	connection_free(timer->data);
}

/* What is waited for follows from the state alone. EPOLLHUP, the client's whole end, always comes. */
static void watch_by_state(struct connection *connection)
{
	uint32_t events = connection->output.size ? EPOLLOUT : 0;

	if (connection->state < CONNECTION_ANSWERING)
		events |= EPOLLIN;
	watch_change(&connection->watch, events);
}

static void enter(struct connection *connection, enum connection_state state)
{
	connection->state = state;
	if (state >= CONNECTION_ANSWERING)
		timer_stop(&connection->timer);
	else
		timer_start(connection->loop, &connection->timer,
			    state == CONNECTION_IDLE ? CONNECTION_IDLE_MS : CONNECTION_RECEIVE_MS,
			    on_timeout, connection);
}

struct connection *connection_new(struct list *connections, struct agent *agent, struct loop *loop,
				  int fd)
{
	struct connection *connection = xcalloc(1, sizeof(*connection));

	connection->agent = agent;
	connection->loop = loop;
	connection->fd = fd;
	http_parser_init(&connection->parser, HTTP_REQUEST);
	connection->parser.body_max = REQUEST_BODY_MAX;
	list_insert(connections, &connection->node);
	enter(connection, CONNECTION_IDLE);
	watch_start(loop, &connection->watch, fd, EPOLLIN, on_event, connection);
	return connection;
}

static void release_request(struct connection *connection)
{
	struct request *request = &connection->request;

	if (request->release)
		request->release(request);
	target_release(&request->target);
	buf_release(&request->body);
	*request = (struct request){ 0 };
}

void connection_free(struct connection *connection)
{
	release_request(connection);
	watch_stop(&connection->watch);
	timer_stop(&connection->timer);
	list_remove(&connection->node);
	fd_close(&connection->fd);
	http_parser_release(&connection->parser);
	buf_release(&connection->input);
	buf_release(&connection->output);
	free(connection);
}

void connection_wake(struct connection *connection)
{
	watch_change(&connection->watch, EPOLLOUT);
}

static void dispatch(struct connection *connection)
{
	struct request *request = &connection->request;
	const struct http_message *message = &connection->parser.message;
	const struct route *route;
	struct err err = ERR_INIT;

	enter(connection, CONNECTION_ANSWERING);
	if (!message->keep_alive)
		connection->close_after = true;
	request->no_body = !strcmp(message->method, "HEAD");
	if (target_parse(&request->target, message->target, strlen(message->target), &err) < 0) {
		reply_err(request, &err);
		return;
	}
	log_debug("api: %s %s", message->method, message->target);
	route = route_find(api_routes, message->method, request->target.path, request->name);
	if (!route)
		reply_error(request, 404, "page not found");
	else if (!route->handler)
		reply_error(request, 501, "berth does not offer %s %s%s%s", message->method, request->target.path,
			    route->instead ? ": " : "", route->instead ? route->instead : "");
	else
		route->handler(request);
}

static void refuse(struct connection *connection, const struct err *err)
{
	int status = err->code == -EMSGSIZE ? 431 :
		     err->code == -EFBIG    ? 413 :
		     err->code == -ENOTSUP  ? 501 :
					      400;

	enter(connection, CONNECTION_ANSWERING);
	connection->close_after = true;
	reply_error(&connection->request, status, "%s", err->text);
}

static void begin_request(struct connection *connection)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct request *request = &connection->request;

	request->connection = connection;
	request->agent = connection->agent;
	request->message = &connection->parser.message;
	if (http_header_has(request->message, "Expect", "100-continue"))
		buf_append(&connection->output, go_on, sizeof(go_on) - 1);
}

/* Parses what was read, until a request is complete or more is needed. */
static void parse_input(struct connection *connection)
{
	struct request *request = &connection->request;
	size_t used = 0;
	struct err err = ERR_INIT;

	request->connection = connection;
	while (connection->state < CONNECTION_ANSWERING) {
		struct http_step step;
		int event = http_parse(&connection->parser, connection->input.data + used,
				       connection->input.size - used, &step, &err);

		if (event < 0) {
			refuse(connection, &err);
			break;
		}
		used += step.used;
		if (event == HTTP_MORE) {
			break;
		} else if (event == HTTP_HEAD) {
			begin_request(connection);
		} else if (event == HTTP_BODY) {
			buf_append(&request->body, step.body, step.body_size);
		} else {
			buf_consume(&connection->input, used);
			dispatch(connection);
			return;
		}
	}
	buf_consume(&connection->input, used);
}

/* False when the client has gone. */
static bool receive(struct connection *connection)
{
	char *into = buf_reserve(&connection->input, RECEIVE_SIZE);
	ssize_t got = recv(connection->fd, into, RECEIVE_SIZE, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!got)
		return false;
	buf_added(&connection->input, (size_t)got);
	enter(connection, CONNECTION_RECEIVING);
	return true;
}

static bool send_output(struct connection *connection)
{
	struct buf *output = &connection->output;
	ssize_t sent;

	if (!output->size)
		return true;
	sent = send(connection->fd, output->data, output->size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_consume(output, (size_t)sent);
	return true;
}

/* The reply is on its way, whole. False when the connection ends with it. */
static bool finish_request(struct connection *connection)
{
	if (connection->close_after)
		return false;
	release_request(connection);
	http_parser_reset(&connection->parser);
	connection->parser.body_max = REQUEST_BODY_MAX;
	/* Idle connections own no buffers; an idle agent should be small. */
	buf_release(&connection->output);
	if (!connection->input.size)
		buf_release(&connection->input);
	enter(connection, connection->input.size ? CONNECTION_RECEIVING : CONNECTION_IDLE);
	return true;
}

/* Goes on as far as it can without waiting. False when the connection is over. */
static bool advance(struct connection *connection)
{
	struct request *request = &connection->request;

	for (;;) {
		if (connection->state < CONNECTION_ANSWERING && connection->input.size)
			parse_input(connection);
		if (connection->state == CONNECTION_HIJACKED || !send_output(connection))
			return false;
		if (connection->state < CONNECTION_ANSWERING)
			return true;
		if (!request->over) {
			if (connection->output.size > REPLY_QUEUE_LOW || !request->on_room)
				return true;
			request->on_room(request);
			if (!connection->output.size && !request->over)
				return true;
			continue;
		}
		if (connection->output.size)
			return true;
		if (!finish_request(connection))
			return false;
		if (!connection->input.size)
			return true;
	}
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct connection *connection = watch->data;
	bool gone = (events & (EPOLLHUP | EPOLLERR)) && !(events & EPOLLIN);

	if (connection->state < CONNECTION_ANSWERING && (events & (EPOLLIN | EPOLLHUP)))
		gone = !receive(connection);
	else if (events & (EPOLLHUP | EPOLLERR))
		gone = true;
	if (gone || !advance(connection))
		connection_free(connection);
	else
		watch_by_state(connection);
}
