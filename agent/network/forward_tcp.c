/* Connections: bytes from either side to the other. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/network/forward_parts.h"
#include "lib/fd.h"

/* A peer that has lost its link is given up after this. */
#define KEEPALIVE_IDLE_S 120
#define KEEPALIVE_INTERVAL_S 30
#define KEEPALIVE_PROBES 4

struct connection;

struct side {
	struct connection *connection;
	struct side *other;
	struct watch watch;
	int fd;
	struct buf pending; /* for this side, which doesn't take it now */
	bool has_ended;	    /* nothing more comes from it */
	bool is_connecting;
};

struct connection {
	struct list node;
	struct forwarder *forwarder;
	struct side client, target;
};

static void set_accepting(struct forwarder *forwarder, bool on)
{
	for (size_t i = 0; i < forwarder->listener_count; i++)
		if (forwarder->listeners[i].protocol == IPPROTO_TCP)
			watch_change(&forwarder->listeners[i].watch, on ? EPOLLIN : 0);
}

static void close_side(struct side *side)
{
	watch_stop(&side->watch);
	fd_close(&side->fd);
	buf_release(&side->pending);
}

static void close_connection(struct connection *connection)
{
	struct forwarder *forwarder = connection->forwarder;

	close_side(&connection->client);
	close_side(&connection->target);
	list_remove(&connection->node);
	free(connection);
	if (forwarder->connection_count-- == FORWARD_CONNECTIONS_MAX)
		set_accepting(forwarder, true);
}

/* Whoever was cut off shall know: a reset instead of an end that looks like a whole answer. */
static void reset_connection(struct connection *connection)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(connection->client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	setsockopt(connection->target.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close_connection(connection);
}

static bool can_read(const struct side *side)
{
	return !side->has_ended && !side->other->is_connecting && !side->other->pending.size;
}

static void side_is_ready(struct watch *watch, uint32_t events);

/*
 * What is waited for: bytes while the other side takes them, room while there are some for this one. Of a side whose
 * end was passed on to it already, and that nothing is wanted from now, nothing is heard either: when it ends, too,
 * the kernel says that without end.
 */
static void watch_side(struct side *side)
{
	bool reads = !side->is_connecting && can_read(side);
	bool writes = side->is_connecting || side->pending.size;
	bool was_told_end = side->other->has_ended && !side->pending.size;
	uint32_t events = (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);

	if (!events && was_told_end)
		watch_stop(&side->watch);
	else if (side->watch.loop)
		watch_change(&side->watch, events);
	else
		watch_start(&side->connection->forwarder->loop, &side->watch, side->fd, events, side_is_ready, side);
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* Sends what fits; the rest waits. False: the connection is broken. */
static bool pass_on(struct side *to, const char *data, size_t size)
{
	ssize_t sent = to->pending.size ? 0 : send(to->fd, data, size, MSG_NOSIGNAL);

	if (sent < 0 && !would_block())
		return false;
	if (sent < 0)
		sent = 0;
	if ((size_t)sent < size)
		buf_append(&to->pending, data + sent, size - (size_t)sent);
	return true;
}

static bool flush(struct side *to)
{
	ssize_t sent;

	if (!to->pending.size)
		return true;
	sent = send(to->fd, to->pending.data, to->pending.size, MSG_NOSIGNAL);
	if (sent < 0)
		return would_block();
	buf_consume(&to->pending, (size_t)sent);
	if (!to->pending.size)
		buf_release(&to->pending);
	return true;
}

static bool take_bytes(struct side *from)
{
	char *data = from->connection->forwarder->datagram;
	ssize_t got = recv(from->fd, data, FORWARD_BUFFER_BYTES, 0);

	if (got < 0)
		return would_block();
	if (got == 0)
		from->has_ended = true;
	return !got || pass_on(from->other, data, (size_t)got);
}

static bool finish_connecting(struct side *side)
{
	socklen_t size = sizeof(int);
	int code = 0;

	if (getsockopt(side->fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 || code)
		return false;
	side->is_connecting = false;
	return true;
}

/* The end of one direction, when all before it was sent. */
static void pass_end_on(struct side *from)
{
	if (from->has_ended && !from->other->pending.size)
		shutdown(from->other->fd, SHUT_WR);
}

static void side_is_ready(struct watch *watch, uint32_t events)
{
	struct side *side = watch->data;
	struct connection *connection = side->connection;
	bool good = true;

	if (side->is_connecting)
		good = finish_connecting(side);
	else if (events & EPOLLERR)
		good = false;
	else
		good = (!(events & EPOLLOUT) || flush(side)) && (!can_read(side) || take_bytes(side));
	if (!good) {
		reset_connection(connection);
		return;
	}
	pass_end_on(side);
	pass_end_on(side->other);
	if (side->has_ended && side->other->has_ended && !side->pending.size && !side->other->pending.size) {
		close_connection(connection);
		return;
	}
	watch_side(side);
	watch_side(side->other);
}

static void keep_alive(int fd)
{
	int one = 1, idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S, probes = KEEPALIVE_PROBES;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	/* Delays were the sender's choice, if any. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void start_side(struct side *side, struct side *other, struct connection *connection, int fd)
{
	side->connection = connection;
	side->other = other;
	side->fd = fd;
	keep_alive(fd);
}

/* Takes both descriptors. */
static void start_connection(struct forwarder *forwarder, int client, int target)
{
	struct connection *connection = xcalloc(1, sizeof(*connection));

	connection->forwarder = forwarder;
	list_insert(&forwarder->connections, &connection->node);
	start_side(&connection->client, &connection->target, connection, client);
	start_side(&connection->target, &connection->client, connection, target);
	connection->target.is_connecting = true;
	watch_side(&connection->client);
	watch_side(&connection->target);
	if (++forwarder->connection_count == FORWARD_CONNECTIONS_MAX)
		set_accepting(forwarder, false);
}

void forward_tcp_accept(struct watch *watch, uint32_t events)
{
	struct forward_listener *listener = watch->data;
	FD_CLEANUP int client = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int target;

	(void)events;
	/* It may have gone again. */
	if (client < 0)
		return;
	target = forward_connect(listener, SOCK_STREAM);
	if (target >= 0)
		start_connection(listener->forwarder, fd_steal(&client), target);
}
