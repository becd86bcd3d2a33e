/* Datagrams: each peer has a socket of its own towards the container, so that answers find back to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/network/forward_parts.h"
#include "lib/fd.h"
#include "lib/time.h"

/* Datagrams that are taken for one event, so that a flood doesn't starve the others. */
#define BATCH 32

struct peer {
	struct list node;
	struct forward_listener *listener;
	struct watch watch;
	int fd;
	union forward_address address;
	socklen_t address_size;
	int64_t used_ms;
};

static void forget(struct peer *peer)
{
	watch_stop(&peer->watch);
	fd_close(&peer->fd);
	list_remove(&peer->node);
	peer->listener->forwarder->peer_count--;
	free(peer);
}

static struct peer *oldest(struct forwarder *forwarder)
{
	return list_entry(forwarder->peers.next, struct peer, node);
}

/* Runs only while there are peers: a forwarder that nobody uses never wakes up. */
static void forget_silent(struct timer *timer)
{
	struct forwarder *forwarder = timer->data;
	int64_t now = time_monotonic_ms();

	while (!list_is_empty(&forwarder->peers) && now - oldest(forwarder)->used_ms >= FORWARD_UDP_IDLE_MS)
		forget(oldest(forwarder));
	if (!list_is_empty(&forwarder->peers))
		timer_start(&forwarder->loop, timer, oldest(forwarder)->used_ms + FORWARD_UDP_IDLE_MS - now,
			    forget_silent, forwarder);
}

static void touch(struct peer *peer)
{
	peer->used_ms = time_monotonic_ms();
	list_remove(&peer->node);
	list_insert(&peer->listener->forwarder->peers, &peer->node);
}

/* Errors are those of datagrams before (nobody listens in the container): as lost as on a wire. */
static void take_answer(struct watch *watch, uint32_t events)
{
	struct peer *peer = watch->data;
	char *data = peer->listener->forwarder->datagram;

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		ssize_t got = recv(peer->fd, data, FORWARD_DATAGRAM_MAX, 0);

		if (got < 0)
			return;
		touch(peer);
		sendto(peer->listener->fd, data, (size_t)got, 0, &peer->address.any, peer->address_size);
	}
}

static struct peer *find(const struct forward_listener *listener, const union forward_address *address,
			 socklen_t size)
{
	list_for_each(node, &listener->forwarder->peers) {
		struct peer *peer = list_entry(node, struct peer, node);

		if (peer->listener == listener && peer->address_size == size &&
		    !memcmp(&peer->address, address, size))
			return peer;
	}
	return NULL;
}

static struct peer *meet(struct forward_listener *listener, const union forward_address *address, socklen_t size)
{
	struct forwarder *forwarder = listener->forwarder;
	int fd = forward_connect(listener, SOCK_DGRAM);
	struct peer *peer;

	if (fd < 0)
		return NULL;
	if (forwarder->peer_count == FORWARD_PEERS_MAX)
		forget(oldest(forwarder));
	peer = xcalloc(1, sizeof(*peer));
	peer->listener = listener;
	peer->fd = fd;
	peer->address = *address;
	peer->address_size = size;
	list_init(&peer->node);
	watch_start(&forwarder->loop, &peer->watch, fd, EPOLLIN, take_answer, peer);
	forwarder->peer_count++;
	if (!timer_is_running(&forwarder->peer_timer))
		timer_start(&forwarder->loop, &forwarder->peer_timer, FORWARD_UDP_IDLE_MS, forget_silent, forwarder);
	return peer;
}

void forward_udp_receive(struct watch *watch, uint32_t events)
{
	struct forward_listener *listener = watch->data;
	char *data = listener->forwarder->datagram;

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		union forward_address address = { 0 };
		socklen_t size = sizeof(address);
		ssize_t got = recvfrom(listener->fd, data, FORWARD_DATAGRAM_MAX, 0, &address.any, &size);
		struct peer *peer;

		if (got < 0)
			return;
		peer = find(listener, &address, size);
		if (!peer)
			peer = meet(listener, &address, size);
		if (!peer)
			continue;
		touch(peer);
		send(peer->fd, data, (size_t)got, MSG_NOSIGNAL);
	}
}
