/* Datagrams: each peer has a socket of its own towards the container, so that answers find back to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/network/forward_parts.h"
#include "lib/fd.h"
#include "lib/time.h"

/* Datagrams that are taken for one event, so that a flood doesn't starve the others. */
#define BATCH 32

/*
 * From whom a datagram is, and to which of the device's addresses, as the kernel says it (ip(7), IP_PKTINFO). The answer
 * goes back the same way: a peer doesn't take one from another address.
 */
struct way {
	union forward_address from;
	socklen_t from_size;
	socklen_t to_size;
	_Alignas(struct cmsghdr) char to[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct peer {
	struct list node;
	struct forward_listener *listener;
	struct watch watch;
	int fd;
	struct way way;
	int64_t used_ms;
};

static struct msghdr message(struct way *way, struct iovec *part)
{
	return (struct msghdr){ .msg_name = &way->from, .msg_namelen = way->from_size, .msg_iov = part, .msg_iovlen = 1,
				.msg_control = way->to, .msg_controllen = way->to_size };
}

/* Not the interface: which one leads back is routing's to say. And nobody answers as a group. */
static void turn_round(struct cmsghdr *to)
{
	void *data = CMSG_DATA(to);

	if (to->cmsg_level == IPPROTO_IP) {
		((struct in_pktinfo *)data)->ipi_ifindex = 0;
	} else {
		struct in6_pktinfo *info = data;

		info->ipi6_ifindex = 0;
		if (IN6_IS_ADDR_MULTICAST(&info->ipi6_addr))
			info->ipi6_addr = in6addr_any;
	}
}

static ssize_t receive(struct forward_listener *listener, struct way *way)
{
	struct iovec part = { listener->forwarder->datagram, FORWARD_DATAGRAM_MAX };
	struct msghdr header;
	struct cmsghdr *to;
	ssize_t got;

	memset(way, 0, sizeof(*way)); /* they are compared as bytes */
	way->from_size = sizeof(way->from);
	way->to_size = sizeof(way->to);
	header = message(way, &part);
	got = recvmsg(listener->fd, &header, 0);
	to = CMSG_FIRSTHDR(&header);
	way->from_size = header.msg_namelen;
	way->to_size = header.msg_controllen;
	if (got >= 0 && to)
		turn_round(to);
	return got;
}

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
	struct iovec part = { .iov_base = data };
	const struct msghdr answer = message(&peer->way, &part);

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		ssize_t got = recv(peer->fd, data, FORWARD_DATAGRAM_MAX, 0);

		if (got < 0)
			return;
		touch(peer);
		part.iov_len = (size_t)got;
		sendmsg(peer->listener->fd, &answer, 0);
	}
}

static struct peer *find(const struct forward_listener *listener, const struct way *way)
{
	list_for_each(node, &listener->forwarder->peers) {
		struct peer *peer = list_entry(node, struct peer, node);

		if (peer->listener == listener && !memcmp(&peer->way, way, sizeof(*way)))
			return peer;
	}
	return NULL;
}

static struct peer *meet(struct forward_listener *listener, const struct way *way)
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
	memcpy(&peer->way, way, sizeof(*way));
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
		struct way way;
		ssize_t got = receive(listener, &way);
		struct peer *peer;

		if (got < 0)
			return;
		peer = find(listener, &way);
		if (!peer)
			peer = meet(listener, &way);
		if (!peer)
			continue;
		touch(peer);
		send(peer->fd, data, (size_t)got, MSG_NOSIGNAL);
	}
}
