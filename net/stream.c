#include "net/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/time.h"
#include "net/dial.h"
#include "net/failure.h"

/* 1: ready, 0: the time is over, negative: poll failed. Errors of the socket count as ready. */
static int wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int64_t end = time_monotonic_ms() + timeout_ms;

	for (;;) {
		int64_t left = end - time_monotonic_ms();
		int ret = poll(&poll_fd, 1, left > 0 ? (int)left : 0);

		if (ret >= 0)
			return ret;
		if (errno != EINTR)
			return -errno;
	}
}

static int fail(const struct stream *stream, int code, const char *what, struct err *err)
{
	if (code == -ECONNRESET || code == -EPIPE)
		return err_set(err, code, "%s closed the connection while %s was awaited", stream->peer, stream->waiting_for);
	return err_code(err, code, "%s: %s", stream->peer, what);
}

static int too_long(const struct stream *stream, struct err *err)
{
	return err_set(err, -ETIMEDOUT, "%s: %s took more than %d s", stream->peer, stream->waiting_for,
		       (stream->limit_ms + 999) / 1000);
}

static int wait_stream(const struct stream *stream, short events, struct err *err)
{
	int64_t timeout_ms = stream->stall_ms;

	if (stream->deadline_ms)
		timeout_ms = stream->deadline_ms - time_monotonic_ms();
	int ret = wait_for(stream->fd, events, timeout_ms > 0 ? (int)timeout_ms : 0);

	if (ret > 0)
		return 0;
	if (ret < 0)
		return fail(stream, ret, "poll", err);
	if (stream->deadline_ms)
		return too_long(stream, err);
	return err_set(err, -ETIMEDOUT, "%s: no byte for %d s while waiting for %s", stream->peer,
		       (stream->stall_ms + 999) / 1000, stream->waiting_for);
}

/* A peer that sends a byte now and then stalls as well. Time in which nobody reads is not its fault. */
static int wait_to_read(struct stream *stream, struct err *err)
{
	int64_t begin_ms = time_monotonic_ms();
	int ret = wait_stream(stream, POLLIN, err);

	if (ret < 0 || !stream->slow_ms || stream->deadline_ms)
		return ret;
	stream->waited_ms += time_monotonic_ms() - begin_ms;
	if (stream->waited_ms < stream->slow_ms)
		return 0;
	if (stream->received < STREAM_SLOW_BYTES)
		return err_set(err, -ETIMEDOUT, "%s: only %zu bytes in %d s while waiting for %s",
			       stream->peer, stream->received, (stream->slow_ms + 999) / 1000,
			       stream->waiting_for);
	stream->waited_ms = 0;
	stream->received = 0;
	return 0;
}

void stream_limit(struct stream *stream, int limit_ms)
{
	stream->limit_ms = limit_ms;
	stream->deadline_ms = limit_ms > 0 ? time_monotonic_ms() + limit_ms : 0;
	stream->waited_ms = 0;
	stream->received = 0;
}

/* Connecting. */

int stream_connect(struct stream *stream, const char *host, uint16_t port, int connect_ms,
		   int stall_ms, struct err *err)
{
	stream_adopt(stream, -1, host, stall_ms);
	snprintf(stream->peer, sizeof(stream->peer), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		 port);
	int ret = dial(host, port, connect_ms, stream->peer, err);

	stream->fd = ret < 0 ? -1 : ret;
	return ret < 0 ? ret : 0;
}

void stream_adopt(struct stream *stream, int fd, const char *peer, int stall_ms)
{
	*stream = (struct stream){ .fd = fd, .stall_ms = stall_ms, .waiting_for = "the answer" };
	snprintf(stream->peer, sizeof(stream->peer), "%s", peer);
	if (fd >= 0)
		fd_set_nonblocking(fd, true);
}

/* Bytes on the wire. */

/* 0: the peer closed its side. */
static ssize_t wire_read(struct stream *stream, void *data, size_t size, struct err *err)
{
	if (stream->pace)
		size = pace_wait(stream->pace, size);
	/* TLS may bring records without end and not one byte in them: that never waits. */
	if (stream->deadline_ms && time_monotonic_ms() >= stream->deadline_ms)
		return too_long(stream, err);
	for (;;) {
		ssize_t got = recv(stream->fd, data, size, 0);

		if (got >= 0) {
			stream->received += (size_t)got;
			if (stream->pace)
				pace_took(stream->pace, (size_t)got, pace_now_us());
			return got;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail(stream, -errno, "read", err);
		int ret = wait_to_read(stream, err);

		if (ret < 0)
			return ret;
	}
}

static ssize_t wire_write(struct stream *stream, const void *data, size_t size, struct err *err)
{
	for (;;) {
		ssize_t sent = send(stream->fd, data, size, MSG_NOSIGNAL);

		if (sent >= 0)
			return sent;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail(stream, -errno, "write", err);
		int ret = wait_stream(stream, POLLOUT, err);

		if (ret < 0)
			return ret;
	}
}

/* TLS: moves records until one of the doors in `wanted` is open. */

static int send_records(struct stream *stream, struct err *err)
{
	size_t size;
	unsigned char *data = tls_buffer(stream->tls, TLS_SEND_RECORD, &size);
	ssize_t sent = wire_write(stream, data, size, err);

	if (sent > 0)
		tls_moved(stream->tls, TLS_SEND_RECORD, (size_t)sent);
	return sent < 0 ? (int)sent : 0;
}

/* 1: bytes came, 0: the peer hung up. */
static int receive_records(struct stream *stream, struct err *err)
{
	size_t size;
	unsigned char *data = tls_buffer(stream->tls, TLS_RECEIVE_RECORD, &size);
	ssize_t got = wire_read(stream, data, size, err);

	if (got > 0)
		tls_moved(stream->tls, TLS_RECEIVE_RECORD, (size_t)got);
	return got > 0 ? 1 : (int)got;
}

/* Once the peer has proved who it is, what breaks TLS is the link: another connection may do. */
static int tls_failed(const struct stream *stream, struct err *err)
{
	struct err reason = ERR_INIT;

	if (tls_reason(stream->tls, &reason) == 0)
		return 0;
	return err_set(err, stream->is_secure ? -ECONNRESET : reason.code, "%s: %s", stream->peer,
		       reason.text);
}

/* 1: open, 0: the stream is at its end, negative: an error. */
static int pump(struct stream *stream, unsigned wanted, struct err *err)
{
	for (;;) {
		unsigned state = tls_state(stream->tls);
		int ret;

		if (state & TLS_CLOSED)
			return tls_failed(stream, err);
		if (state & TLS_SEND_RECORD) {
			ret = send_records(stream, err);
			if (ret < 0)
				return ret;
		} else if (state & wanted) {
			return 1;
		} else if (state & TLS_RECEIVE_APP) {
			return err_set(err, -EPROTO, "%s sent data before it was asked",
				       stream->peer);
		} else {
			ret = receive_records(stream, err);
			if (ret <= 0)
				return ret;
		}
	}
}

int stream_start_tls(struct stream *stream, const char *host, const struct tls_settings *settings,
		     struct err *err)
{
	stream->tls = tls_new(host, settings, err);
	if (!stream->tls)
		return FAILURE_TLS;
	stream->waiting_for = "the TLS handshake";
	stream_limit(stream, STREAM_TLS_MS);
	int ret = pump(stream, TLS_SEND_APP, err);

	stream_limit(stream, 0);
	if (ret == 0)
		return err_set(err, -EPIPE, "%s hung up during the TLS handshake", stream->peer);
	if (ret < 0)
		return ret;
	stream->is_secure = true;
	return 0;
}

static ssize_t tls_read(struct stream *stream, void *data, size_t size, struct err *err)
{
	int ret = pump(stream, TLS_RECEIVE_APP, err);
	size_t available;

	if (ret <= 0)
		return ret;
	const unsigned char *from = tls_buffer(stream->tls, TLS_RECEIVE_APP, &available);

	if (available > size)
		available = size;
	memcpy(data, from, available);
	tls_moved(stream->tls, TLS_RECEIVE_APP, available);
	return (ssize_t)available;
}

static int tls_write(struct stream *stream, const char *data, size_t size, struct err *err)
{
	while (size > 0) {
		int ret = pump(stream, TLS_SEND_APP, err);
		size_t room;

		if (ret == 0)
			return fail(stream, -EPIPE, "write", err);
		if (ret < 0)
			return ret;
		unsigned char *to = tls_buffer(stream->tls, TLS_SEND_APP, &room);

		if (room > size)
			room = size;
		memcpy(to, data, room);
		tls_moved(stream->tls, TLS_SEND_APP, room);
		data += room;
		size -= room;
	}
	tls_flush(stream->tls);
	/* Not before the records are out may an answer be waited for. */
	while (tls_state(stream->tls) & TLS_SEND_RECORD) {
		int ret = send_records(stream, err);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* What a connection is used for. */

ssize_t stream_read(struct stream *stream, void *data, size_t size, struct err *err)
{
	return stream->tls ? tls_read(stream, data, size, err) : wire_read(stream, data, size, err);
}

int stream_write(struct stream *stream, const void *data, size_t size, struct err *err)
{
	const char *next = data;

	if (stream->tls)
		return tls_write(stream, data, size, err);
	while (size > 0) {
		ssize_t sent = wire_write(stream, next, size, err);

		if (sent < 0)
			return (int)sent;
		next += sent;
		size -= (size_t)sent;
	}
	return 0;
}

bool stream_is_stale(const struct stream *stream)
{
	return stream->fd < 0 || wait_for(stream->fd, POLLIN, 0) != 0;
}

bool stream_is_open(const struct stream *stream)
{
	return stream->fd >= 0;
}

/* The goodbye of TLS is tried once and not waited for. */
static void say_goodbye(struct stream *stream)
{
	size_t size;

	tls_close(stream->tls);
	const unsigned char *data = tls_buffer(stream->tls, TLS_SEND_RECORD, &size);

	if (data && size > 0)
		(void)!send(stream->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void stream_close(struct stream *stream)
{
	if (stream->tls && stream->fd >= 0 && !(tls_state(stream->tls) & TLS_CLOSED))
		say_goodbye(stream);
	tls_free(stream->tls);
	stream->tls = NULL;
	fd_close(&stream->fd);
}
