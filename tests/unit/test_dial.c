// LDFLAGS: -Wl,--wrap=getaddrinfo,--wrap=freeaddrinfo
/* Connecting to hosts with several addresses, some of them dead. The resolver is played here. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/time.h"
#include "net/dial.h"
#include "tests/unit/test.h"

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out);
void __wrap_freeaddrinfo(struct addrinfo *list);

static struct err err;
static struct addrinfo list[10];
static struct sockaddr_storage addresses[10];
static size_t count;
static int lookup; /* what the resolver returns */

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	(void)host, (void)hints;
	for (size_t i = 0; i < count; i++) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&addresses[i];
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addresses[i];

		list[i].ai_next = i + 1 < count ? &list[i + 1] : NULL;
		if (addresses[i].ss_family == AF_INET)
			v4->sin_port = htons((uint16_t)atoi(service));
		else
			v6->sin6_port = htons((uint16_t)atoi(service));
	}
	*out = list;
	return lookup;
}

void __wrap_freeaddrinfo(struct addrinfo *unused)
{
	(void)unused;
}

static void add(const char *text)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&addresses[count];
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addresses[count];
	bool is_v6 = strchr(text, ':');

	memset(&addresses[count], 0, sizeof(addresses[count]));
	addresses[count].ss_family = is_v6 ? AF_INET6 : AF_INET;
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, text, is_v6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) != 1)
		abort();
	list[count] = (struct addrinfo){
		.ai_family = is_v6 ? AF_INET6 : AF_INET,
		.ai_addr = (struct sockaddr *)&addresses[count],
		.ai_addrlen = is_v6 ? sizeof(*v6) : sizeof(*v4),
	};
	count++;
}

/* A server at 127.0.0.N; *port 0: any. */
static int listen_at(int n, uint16_t *port, int backlog)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(0x7f000000u + (unsigned)n),
	};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, backlog) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		abort();
	*port = ntohs(address.sin_port);
	return fd;
}

/* A server whose queue is full answers no more: the kernel drops what comes. */
static void fill(int n, uint16_t port, int fds[static 3])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(0x7f000000u + (unsigned)n),
	};

	for (int i = 0; i < 3; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fds[i], (struct sockaddr *)&address, sizeof(address));
	}
	usleep(50000);
}

static int connect_to(uint16_t port, int connect_ms)
{
	err = ERR_INIT;
	return dial("a.example", port, connect_ms, "a.example:1", &err);
}

static void check_peer(int fd, const char *wanted)
{
	struct sockaddr_in peer = { 0 };
	socklen_t size = sizeof(peer);
	char text[64];

	REQUIRE(fd >= 0);
	CHECK(getpeername(fd, (struct sockaddr *)&peer, &size) == 0);
	CHECK_TEXT(inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text)), wanted);
	close(fd);
}

static void the_first_that_works_is_taken(void)
{
	uint16_t port = 0;
	int server = listen_at(1, &port, 5);

	count = 0;
	add("::1"); /* refused, or there is no IPv6 */
	add("127.0.0.3");
	add("127.0.0.1");
	check_peer(connect_to(port, 2000), "127.0.0.1");
	close(server);
}

static void a_dead_address_costs_a_moment(void)
{
	uint16_t port = 0;
	int dead = listen_at(2, &port, 0), server = listen_at(1, &port, 5), filler[3];
	int64_t begin_ms = time_monotonic_ms();

	fill(2, port, filler);
	count = 0;
	add("127.0.0.2");
	add("127.0.0.1");
	check_peer(connect_to(port, 20000), "127.0.0.1");
	CHECK(time_monotonic_ms() - begin_ms >= DIAL_NEXT_MS);
	CHECK(time_monotonic_ms() - begin_ms < 10000);
	close(server);
	/* Alone it takes its time-out, and is told. */
	count = 1;
	CHECK_INT(connect_to(port, 300), -ETIMEDOUT);
	CHECK_TEXT(err.text, "a.example:1: no connection within 1 s");
	for (int i = 0; i < 3; i++)
		close(filler[i]);
	close(dead);
}

static void the_best_reason_is_told(void)
{
	uint16_t port = 0;

	close(listen_at(1, &port, 1));
	count = 0;
	add("127.0.0.1");
	add("2001:db8::1"); /* no route to it, or it is silent */
	int code = connect_to(port, 300);

	CHECK(code == -ECONNREFUSED || code == -ETIMEDOUT);
	count = 0;
	for (int i = 0; i < 10; i++)
		add("127.0.0.1");
	CHECK_INT(connect_to(port, 300), -ECONNREFUSED);
	CHECK_HAS(err.text, "a.example:1: connection refused");
}

static void what_the_resolver_says_is_told(void)
{
	count = 0;
	lookup = EAI_AGAIN;
	CHECK_INT(connect_to(1, 300), -EHOSTUNREACH);
	CHECK_HAS(err.text, "no answer from the DNS about 'a.example' (check the network and /etc/resolv.conf)");
	lookup = EAI_NONAME;
	CHECK_INT(connect_to(1, 300), -ENXIO);
	lookup = 0;
}

int main(void)
{
	RUN(the_first_that_works_is_taken);
	RUN(a_dead_address_costs_a_moment);
	RUN(the_best_reason_is_told);
	RUN(what_the_resolver_says_is_told);
	return test_end();
}
