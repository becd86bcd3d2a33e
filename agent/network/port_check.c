/* Are published ports free? */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/network/firewall.h"
#include "lib/fd.h"

/* A longer range is looked at so far: each port costs a socket. */
#define PORTS_CHECKED_MAX 2048

/* Takes the port and gives it back. 0, or -EADDRINUSE; what else may fail says nothing about others. */
static int try_port(const struct ip *ip, uint8_t protocol, uint16_t port)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool is_ipv6 = ip->family == AF_INET6, is_tcp = protocol == IPPROTO_TCP;
	FD_CLEANUP int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	int one = 1, rc;

	memcpy(&four.sin_addr, ip->bytes, sizeof(four.sin_addr));
	memcpy(&six.sin6_addr, ip->bytes, sizeof(six.sin6_addr));
	/* With it, connections that have ended don't count (TCP); two UDP sockets with it would share the port. */
	if (is_tcp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (is_ipv6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	rc = is_ipv6 ? bind(fd, (struct sockaddr *)&six, sizeof(six)) : bind(fd, (struct sockaddr *)&four, sizeof(four));
	return rc < 0 && errno == EADDRINUSE ? -EADDRINUSE : 0;
}

/*
 * Of any address IPv4's are asked for: who listens on all has those.
 */
int firewall_check_port(const struct firewall_port *port, struct err *err)
{
	struct ip ip = port->bind.family ? port->bind : (struct ip){ .family = AF_INET };

	for (uint16_t i = 0; i < port->count && i < PORTS_CHECKED_MAX; i++) {
		int number = port->host_first + i;

		if (try_port(&ip, port->protocol, (uint16_t)number) < 0)
			return err_set(err, -EADDRINUSE, "port %d/%s is taken by another program of the device; publish "
				       "under another one, or on one address (ADDRESS:%d:...)", number,
				       port->protocol == IPPROTO_TCP ? "tcp" : "udp", number);
	}
	return 0;
}
