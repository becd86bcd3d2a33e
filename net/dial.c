#include "net/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/time.h"

struct attempt {
	int fd; /* -1: over */
	int64_t end_ms;
};

struct race {
	const struct addrinfo *order[DIAL_ADDRESSES_MAX];
	size_t count, started;
	struct attempt attempts[DIAL_ADDRESSES_MAX];
	int64_t next_ms; /* when the next one is started at the latest */
	int code;	 /* why those that are over failed */
};

/* Names. */

static int resolve(const char *host, uint16_t port, struct addrinfo **out, struct err *err)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	char service[8];

	snprintf(service, sizeof(service), "%u", port);
	int ret = getaddrinfo(host, service, &hints, out);

	switch (ret) {
	case 0:
		return 0;
	case EAI_NONAME:
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
	case EAI_NODATA:
#endif
		return err_set(err, -ENXIO, "host '%s' is not in the DNS (check the name)", host);
	case EAI_AGAIN:
		return err_set(err, -EHOSTUNREACH,
			       "no answer from the DNS about '%s' (check the network and "
			       "/etc/resolv.conf)", host);
	case EAI_SYSTEM:
		return err_sys(err, "look up '%s'", host);
	}
	return err_set(err, -EHOSTUNREACH, "look up '%s': %s", host, gai_strerror(ret));
}

static const struct addrinfo *next_of(const struct addrinfo *list, int family, bool same)
{
	while (list && (list->ai_family == family) != same)
		list = list->ai_next;
	return list;
}

/* The families take turns, that of the first address first. */
static void set_order(struct race *race, const struct addrinfo *list)
{
	int family = list->ai_family;
	const struct addrinfo *of[2] = { list, next_of(list, family, false) };

	for (int turn = 0; race->count < DIAL_ADDRESSES_MAX && (of[0] || of[1]); turn = !turn) {
		if (!of[turn])
			continue;
		race->order[race->count++] = of[turn];
		of[turn] = next_of(of[turn]->ai_next, family, turn == 0);
	}
}

/* Attempts. */

/* That a family has no route says less than what a reachable address answers. */
static void note_failure(struct race *race, int code)
{
	bool is_routeless = code == -ENETUNREACH || code == -EADDRNOTAVAIL || code == -EAFNOSUPPORT;

	if (!race->code || !is_routeless)
		race->code = code;
}

/* The descriptor of one that is through at once, else -EINPROGRESS or the failure. */
static int start_address(const struct addrinfo *address, struct attempt *attempt)
{
	int fd FD_CLEANUP = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	/* Without it the small writes of a TLS handshake wait for acknowledgements: 44 ms. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd_steal(&fd);
	if (errno == EINPROGRESS)
		attempt->fd = fd_steal(&fd);
	return -errno;
}

/* Starts what is due. The descriptor of one that is through, or -EINPROGRESS. */
static int start_due(struct race *race, int connect_ms, bool is_any_running)
{
	while (race->started < race->count && (!is_any_running || time_monotonic_ms() >= race->next_ms)) {
		struct attempt *attempt = &race->attempts[race->started];

		*attempt = (struct attempt){ .fd = -1, .end_ms = time_monotonic_ms() + connect_ms };
		int ret = start_address(race->order[race->started++], attempt);

		if (ret >= 0)
			return ret;
		race->next_ms = time_monotonic_ms() + DIAL_NEXT_MS;
		is_any_running |= ret == -EINPROGRESS;
		if (ret != -EINPROGRESS)
			note_failure(race, ret);
	}
	return -EINPROGRESS;
}

static int outcome(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

/* A descriptor that is through, or -EINPROGRESS. Failures make the next address due. */
static int take_outcomes(struct race *race, const struct pollfd *polled)
{
	for (size_t i = 0; i < race->started; i++) {
		struct attempt *attempt = &race->attempts[i];
		int code = -EINPROGRESS;

		if (attempt->fd < 0)
			continue;
		if (polled[i].revents)
			code = outcome(attempt->fd);
		else if (time_monotonic_ms() >= attempt->end_ms)
			code = -ETIMEDOUT;
		if (code == 0)
			return fd_steal(&attempt->fd);
		if (code == -EINPROGRESS)
			continue;
		note_failure(race, code);
		fd_close(&attempt->fd);
		race->next_ms = 0;
	}
	return -EINPROGRESS;
}

/* Waits for news of those that run, until something else is due. */
static int wait_for_news(const struct race *race, struct pollfd *polled)
{
	int64_t until_ms = race->started < race->count ? race->next_ms : INT64_MAX;
	int64_t now_ms = time_monotonic_ms();

	for (size_t i = 0; i < race->started; i++) {
		const struct attempt *attempt = &race->attempts[i];

		polled[i] = (struct pollfd){ .fd = attempt->fd, .events = POLLOUT };
		if (attempt->fd >= 0 && attempt->end_ms < until_ms)
			until_ms = attempt->end_ms;
	}
	if (poll(polled, race->started, until_ms > now_ms ? (int)(until_ms - now_ms) : 0) >= 0)
		return 0;
	for (size_t i = 0; i < race->started; i++)
		polled[i].revents = 0;
	return errno == EINTR ? 0 : -errno;
}

static bool is_running(const struct race *race)
{
	for (size_t i = 0; i < race->started; i++)
		if (race->attempts[i].fd >= 0)
			return true;
	return false;
}

static int run(struct race *race, int connect_ms)
{
	for (;;) {
		struct pollfd polled[DIAL_ADDRESSES_MAX];
		int ret = start_due(race, connect_ms, is_running(race));

		if (ret >= 0)
			return ret;
		if (!is_running(race))
			return race->code ? race->code : -EHOSTUNREACH;
		ret = wait_for_news(race, polled);
		if (ret == 0)
			ret = take_outcomes(race, polled);
		if (ret != -EINPROGRESS)
			return ret;
	}
}

static int explain(const char *peer, int code, int connect_ms, struct err *err)
{
	switch (code) {
	case -ECONNREFUSED:
		return err_set(err, code, "%s: connection refused (does the registry run there?)", peer);
	case -ETIMEDOUT:
		return err_set(err, code, "%s: no connection within %d s", peer, (connect_ms + 999) / 1000);
	}
	return err_code(err, code, "%s: connect", peer);
}

int dial(const char *host, uint16_t port, int connect_ms, const char *peer, struct err *err)
{
	struct race race = { .count = 0 };
	struct addrinfo *addresses;
	int ret = resolve(host, port, &addresses, err);

	if (ret < 0)
		return ret;
	set_order(&race, addresses);
	ret = run(&race, connect_ms);
	for (size_t i = 0; i < race.started; i++)
		fd_close(&race.attempts[i].fd);
	freeaddrinfo(addresses);
	return ret >= 0 ? ret : explain(peer, ret, connect_ms, err);
}
