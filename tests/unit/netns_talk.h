/*
 * netns_talk - do packets get from one network namespace to another? Servers never run: the kernel takes connections
 * and datagrams for them, and the test looks at what came.
 */
#ifndef TESTS_UNIT_NETNS_TALK_H
#define TESTS_UNIT_NETNS_TALK_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "config/subnet.h"
#include "tests/unit/netns.h"

/* What is to come is waited for; what isn't, not as long. */
#define TALK_MS 5000
#define TALK_LOST_MS 400

/* Sockets are made in the namespace, and the caller is in the first one again. */
static int talk_socket(const struct netns *ns, int which, int family, int type)
{
	int fd;

	netns_enter(ns, which);
	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	netns_enter(ns, 0);
	return fd;
}

/* Takes both families. */
__attribute__((unused)) static int talk_serve(const struct netns *ns, int which, int type, uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = talk_socket(ns, which, AF_INET6, type), no = 0;

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || (type == SOCK_STREAM && listen(fd, 8) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static socklen_t talk_address(struct sockaddr_storage *address, const char *text, uint16_t port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
	struct ip ip = { 0 };

	memset(address, 0, sizeof(*address));
	ip_parse(&ip, text);
	address->ss_family = (sa_family_t)ip.family;
	if (ip.family == AF_INET) {
		four->sin_port = htons(port);
		memcpy(&four->sin_addr, ip.bytes, 4);
		return sizeof(*four);
	}
	six->sin6_port = htons(port);
	memcpy(&six->sin6_addr, ip.bytes, 16);
	return sizeof(*six);
}

static bool talk_wait(int fd, short events, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	return poll(&poll_fd, 1, timeout_ms) == 1 && poll_fd.revents & events;
}

static const char *talk_name(const struct sockaddr_in6 *peer)
{
	static char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, &peer->sin6_addr, text, sizeof(text));
	return strncmp(text, "::ffff:", 7) ? text : text + 7;
}

/*
 * Connects from a namespace to an address; returns whom the server sees, "refused", "lost" when nothing comes
 * back, or "elsewhere" when it wasn't this server that took it.
 */
__attribute__((unused)) static const char *talk_tcp(const struct netns *ns, int from, const char *to, uint16_t port,
						     int server, int wait_ms)
{
	struct sockaddr_storage address;
	socklen_t size = talk_address(&address, to, port), peer_size = sizeof(struct sockaddr_in6);
	struct sockaddr_in6 peer;
	int client = talk_socket(ns, from, address.ss_family, SOCK_STREAM), code = 0, taken;
	socklen_t code_size = sizeof(code);
	const char *result = "lost";

	if (connect(client, (struct sockaddr *)&address, size) < 0 && errno != EINPROGRESS)
		result = "refused";
	else if (talk_wait(client, POLLOUT, wait_ms) &&
		 !getsockopt(client, SOL_SOCKET, SO_ERROR, &code, &code_size)) {
		result = code ? "refused" : "elsewhere";
		if (!code && talk_wait(server, POLLIN, wait_ms)) {
			taken = accept(server, (struct sockaddr *)&peer, &peer_size);
			result = talk_name(&peer);
			close(taken);
		}
	}
	close(client);
	return result;
}

/* Sends a datagram and gets an answer; returns whom the server sees, or "lost". */
__attribute__((unused)) static const char *talk_udp(const struct netns *ns, int from, const char *to, uint16_t port,
						     int server, int wait_ms)
{
	struct sockaddr_storage address;
	socklen_t size = talk_address(&address, to, port), peer_size = sizeof(struct sockaddr_in6);
	struct sockaddr_in6 peer;
	int client = talk_socket(ns, from, address.ss_family, SOCK_DGRAM);
	const char *result = "lost";
	char text[8] = "";

	/* Connected: the answer has to come from where the question went. */
	if (!connect(client, (struct sockaddr *)&address, size) && send(client, "ask", 3, 0) == 3 &&
	    talk_wait(server, POLLIN, wait_ms) &&
	    recvfrom(server, text, sizeof(text), 0, (struct sockaddr *)&peer, &peer_size) == 3 &&
	    sendto(server, "answer", 6, 0, (struct sockaddr *)&peer, peer_size) == 6 && talk_wait(client, POLLIN, wait_ms) &&
	    recv(client, text, sizeof(text), 0) == 6)
		result = talk_name(&peer);
	close(client);
	return result;
}

#endif
