/* forward_parts - what forward.c, forward_tcp.c and forward_udp.c share. */
#ifndef AGENT_NETWORK_FORWARD_PARTS_H
#define AGENT_NETWORK_FORWARD_PARTS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/loop.h"
#include "agent/network/forward.h"
#include "agent/network/netlink.h"
#include "lib/list.h"

/* Larger than any datagram. */
#define FORWARD_DATAGRAM_MAX 65536

struct forwarder {
	struct loop loop;
	struct netlink link_events; /* interfaces that come and go */
	struct netlink link_requests;
	struct watch link_watch;
	int link_index; /* it ends with this one */
	struct forward_listener *listeners;
	size_t listener_count;
	struct list connections;
	size_t connection_count;
	struct list peers; /* the one that was silent longest first */
	size_t peer_count;
	struct timer peer_timer;
	char datagram[FORWARD_DATAGRAM_MAX]; /* the one at hand, or the bytes of a connection */
};

/* One port of the device. */
struct forward_listener {
	struct forwarder *forwarder;
	struct watch watch;
	int fd;
	uint8_t protocol;
	struct ip target;
	uint16_t target_port;
};

union forward_address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

socklen_t forward_address(union forward_address *address, const struct ip *ip, uint16_t port);
/* A socket of SOCK_STREAM, SOCK_DGRAM that has begun to connect to the listener's target; -errno. */
int forward_connect(const struct forward_listener *listener, int type);

/* EPOLLIN of a listener. */
void forward_tcp_accept(struct watch *watch, uint32_t events);
void forward_udp_receive(struct watch *watch, uint32_t events);

#endif
