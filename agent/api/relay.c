#include "agent/api/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"

#define READ_SIZE RELAY_PUT_MAX

_Static_assert(RELAY_CLIENT_MAX >= 2 * (READ_SIZE + MUX_HEADER), "a read must fit");

static void on_client(struct watch *watch, uint32_t events);
static void on_input(struct watch *watch, uint32_t events);
static void on_output(struct watch *watch, uint32_t events);

static void close_source(struct relay_source *source)
{
	watch_stop(&source->watch);
	fd_close(&source->fd);
}

static void close_input(struct relay *relay)
{
	watch_stop(&relay->input_watch);
	fd_close(&relay->input);
	buf_release(&relay->to_process);
}

/* What nobody has read when a socket is closed is an error to the client (ECONNRESET) where it expects the end. */
static void hang_up(struct relay *relay)
{
	char data[READ_SIZE];

	watch_stop(&relay->client_watch);
	if (relay->client < 0)
		return;
	shutdown(relay->client, SHUT_RD); /* nothing comes after what is there */
	while (recv(relay->client, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	fd_close(&relay->client);
}

static void close_client(struct relay *relay)
{
	hang_up(relay);
	buf_release(&relay->to_client);
	close_input(relay);
	relay_stop_reading(relay);
	relay->was_hung_up = true;
	relay->has_sources = relay->has_sources || relay->on_room;
}

bool relay_has_room(const struct relay *relay)
{
	return relay->to_client.size + READ_SIZE + MUX_HEADER <= RELAY_CLIENT_MAX;
}

/*
 * Starts and stops watches to fit what can be moved now. A paused pipe is not watched at all: epoll
 * reports its hang-up whether asked for or not, and would do so forever.
 */
static void set_watch(struct loop *loop, struct watch *watch, int fd, uint32_t events,
		      void (*callback)(struct watch *watch, uint32_t events), void *data)
{
	if (fd < 0 || !events)
		watch_stop(watch);
	else if (watch->loop)
		watch_change(watch, events);
	else
		watch_start(loop, watch, fd, events, callback, data);
}

static void update(struct relay *relay)
{
	bool wants_input = !relay->client_ended && relay->to_process.size < RELAY_PROCESS_MAX;

	for (int i = 0; i < 2; i++)
		set_watch(relay->loop, &relay->sources[i].watch, relay->sources[i].fd,
			  relay_has_room(relay) ? EPOLLIN : 0, on_output, &relay->sources[i]);
	set_watch(relay->loop, &relay->input_watch, relay->input,
		  relay->to_process.size ? EPOLLOUT : 0, on_input, relay);
	/* Zero events would still tell of a hang-up, which is what is wanted here. */
	if (relay->client >= 0)
		watch_change(&relay->client_watch, (wants_input ? EPOLLIN : 0) |
							   (relay->to_client.size ? EPOLLOUT : 0));
	if (relay_is_drained(relay) && relay->on_drained)
		relay->on_drained(relay, relay->data);
}

bool relay_is_drained(const struct relay *relay)
{
	return relay->has_sources && relay->sources[0].fd < 0 && relay->sources[1].fd < 0 &&
	       !relay->to_client.size;
}

static void end_input_when_empty(struct relay *relay)
{
	if (relay->client_ended && !relay->to_process.size && !relay->is_terminal)
		close_input(relay);
}

static void queue(struct relay *relay, int stream, const void *data, size_t size)
{
	unsigned char header[MUX_HEADER];

	if (relay->client < 0)
		return;
	mux_header(header, stream, size);
	if (stream)
		buf_append(&relay->to_client, header, sizeof(header));
	buf_append(&relay->to_client, data, size);
}

static void on_output(struct watch *watch, uint32_t events)
{
	struct relay_source *source = watch->data;
	struct relay *relay = source->relay;
	char data[READ_SIZE];
	ssize_t got = read(source->fd, data, sizeof(data));

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		/* A terminal's master gives EIO when the last process has closed it. */
		close_source(source);
	else
		queue(relay, source->stream, data, (size_t)got);
	update(relay);
}

static void on_input(struct watch *watch, uint32_t events)
{
	struct relay *relay = watch->data;
	ssize_t put = write(relay->input, relay->to_process.data, relay->to_process.size);

	(void)events;
	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (put < 0) {
		close_input(relay);
	} else {
		buf_consume(&relay->to_process, (size_t)put);
		end_input_when_empty(relay);
	}
	update(relay);
}

/* False when the client has gone. */
static bool send_to_client(struct relay *relay)
{
	ssize_t sent;

	if (!relay->to_client.size)
		return true;
	sent = send(relay->client, relay->to_client.data, relay->to_client.size,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_consume(&relay->to_client, (size_t)sent);
	return true;
}

static void receive_from_client(struct relay *relay)
{
	char *into = buf_reserve(&relay->to_process, READ_SIZE);
	ssize_t got = recv(relay->client, into, READ_SIZE, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		relay->client_ended = true;
	else if (relay->input >= 0 || (!relay->has_sources && !relay->on_room))
		buf_added(&relay->to_process, (size_t)got);
	end_input_when_empty(relay);
}

static void on_client(struct watch *watch, uint32_t events)
{
	struct relay *relay = watch->data;
	bool gone = events & (EPOLLHUP | EPOLLERR), is_due;

	if ((events & EPOLLIN) && !relay->client_ended)
		receive_from_client(relay);
	if (gone || ((events & EPOLLOUT) && !send_to_client(relay)))
		close_client(relay);
	/* What is not sealed yet outlives update(); on_room may seal it, and that may be its end. */
	is_due = (events & EPOLLOUT) && relay->on_room && !relay->has_sources &&
		 relay_has_room(relay);
	update(relay);
	if (is_due)
		relay->on_room(relay, relay->data);
}

void relay_start(struct relay *relay, struct loop *loop, int client, struct buf *early,
		 void (*on_drained)(struct relay *relay, void *data), void *data)
{
	*relay = (struct relay){
		.loop = loop,
		.client = client,
		.input = -1,
		.sources = { { relay, -1, 0, { 0 } }, { relay, -1, 0, { 0 } } },
		.to_process = *early,
		.on_drained = on_drained,
		.data = data,
	};
	*early = BUF_INIT;
	if (client >= 0)
		watch_start(loop, &relay->client_watch, client, 0, on_client, relay);
}

static void attach(struct relay *relay)
{
	relay->has_sources = true;
	if (relay->input < 0)
		buf_release(&relay->to_process);
	else
		fd_set_nonblocking(relay->input, true);
	for (int i = 0; i < 2; i++)
		if (relay->sources[i].fd >= 0)
			fd_set_nonblocking(relay->sources[i].fd, true);
	end_input_when_empty(relay);
	update(relay);
}

void relay_pipes(struct relay *relay, int input, int output, int error)
{
	relay->input = input;
	relay->sources[0].fd = output;
	relay->sources[0].stream = MUX_STDOUT;
	relay->sources[1].fd = error;
	relay->sources[1].stream = MUX_STDERR;
	attach(relay);
}

void relay_errors(struct relay *relay, int error)
{
	relay->is_terminal = true;
	relay->sources[1].fd = error;
	fd_set_nonblocking(error, true);
	update(relay);
}

void relay_seal(struct relay *relay)
{
	relay->has_sources = true;
	update(relay);
}

void relay_terminal(struct relay *relay, int master)
{
	relay->is_terminal = true;
	if (relay->was_hung_up) {
		close(master);
		relay_seal(relay);
		return;
	}
	relay->sources[0].fd = master;
	/* One descriptor can be watched once only, and reading and writing are watched separately. */
	relay->input = fcntl(master, F_DUPFD_CLOEXEC, 3);
	attach(relay);
}

void relay_feed(struct relay *relay, int input,
		void (*on_room)(struct relay *relay, void *data))
{
	relay->input = input;
	relay->on_room = on_room;
	if (input < 0)
		buf_release(&relay->to_process);
	else
		fd_set_nonblocking(input, true);
	end_input_when_empty(relay);
	update(relay);
}

void relay_put(struct relay *relay, int stream, const void *data, size_t size)
{
	queue(relay, stream, data, size);
	update(relay);
}

void relay_stop_reading(struct relay *relay)
{
	for (int i = 0; i < 2; i++)
		close_source(&relay->sources[i]);
	if (relay->client >= 0)
		relay_seal(relay);
}

void relay_say(struct relay *relay, const char *text)
{
	queue(relay, relay->is_terminal ? 0 : MUX_STDERR, text, strlen(text));
	update(relay);
}

void relay_release(struct relay *relay)
{
	for (int i = 0; i < 2; i++)
		close_source(&relay->sources[i]);
	hang_up(relay);
	close_input(relay);
	buf_release(&relay->to_client);
}
