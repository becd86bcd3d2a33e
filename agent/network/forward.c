#include "agent/network/forward.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "agent/helper/seccomp_lists.h"
#include "agent/network/forward_parts.h"
#include "agent/network/link_parts.h"
#include "agent/run/caps.h"
#include "lib/fd.h"
#include "lib/sys.h"
#include "lib/time.h"

/* Of its own, so that no other daemon can signal or trace it. */
#define FORWARD_ID 65532
#define LISTEN_BACKLOG 512 /* as far as net.core.somaxconn goes */
/* The forwarder of the container before may not have ended yet, on a busy device. */
#define BIND_WAIT_MS 5000
#define BIND_STEP_MS 20
/* Besides connections, peers and listeners. */
#define OTHER_FDS 32
#define USAGE "usage: berth forward --link NAME PROTOCOL,BIND,HOST[-END],TARGET,PORT...\n"

/* ---- sockets ---- */

socklen_t forward_address(union forward_address *address, const struct ip *ip, uint16_t port)
{
	*address = (union forward_address){ 0 };
	address->any.sa_family = (sa_family_t)ip->family;
	if (ip->family == AF_INET) {
		address->four.sin_port = htons(port);
		memcpy(&address->four.sin_addr, ip->bytes, sizeof(address->four.sin_addr));
		return sizeof(address->four);
	}
	address->six.sin6_port = htons(port);
	memcpy(&address->six.sin6_addr, ip->bytes, sizeof(address->six.sin6_addr));
	return sizeof(address->six);
}

int forward_connect(const struct forward_listener *listener, int type)
{
	union forward_address address;
	socklen_t size = forward_address(&address, &listener->target, listener->target_port);
	FD_CLEANUP int fd = socket(listener->target.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || (connect(fd, &address.any, size) < 0 && errno != EINPROGRESS))
		return -errno;
	return fd_steal(&fd);
}

/* An address that the device will get later (DHCP) can be listened on already. */
static void allow_early(int fd, int family)
{
	int one = 1;

	setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one));
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	}
}

static int bind_patiently(int fd, const union forward_address *address, socklen_t size)
{
	int64_t end = time_monotonic_ms() + BIND_WAIT_MS;
	struct timespec step = { .tv_nsec = BIND_STEP_MS * NS_PER_MS };

	while (bind(fd, &address->any, size) < 0) {
		if (errno != EADDRINUSE || time_monotonic_ms() >= end)
			return -errno;
		nanosleep(&step, NULL);
	}
	return 0;
}

static int listen_on(const struct forward *forward, uint16_t port)
{
	union forward_address address;
	socklen_t size = forward_address(&address, &forward->bind, port);
	bool is_tcp = forward->protocol == IPPROTO_TCP, is_ipv6 = forward->bind.family == AF_INET6;
	FD_CLEANUP int fd = socket(forward->bind.family,
				   (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, rc;

	if (fd < 0)
		return -errno;
	/* Connections of the forwarder before may linger. For UDP it would share the port with any other program. */
	if (is_tcp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	else
		setsockopt(fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &one,
			   sizeof(one));
	allow_early(fd, forward->bind.family);
	rc = bind_patiently(fd, &address, size);
	if (rc < 0)
		return rc;
	if (is_tcp && listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return fd_steal(&fd);
}

static int open_listener(struct forwarder *forwarder, const struct forward *forward, uint16_t offset, struct err *err)
{
	struct forward_listener *listener = &forwarder->listeners[forwarder->listener_count];
	uint16_t port = (uint16_t)(forward->host_first + offset);
	char text[IP_TEXT_MAX];
	int fd = listen_on(forward, port);

	if (fd < 0) {
		ip_format(&forward->bind, text);
		return err_set(err, fd, "publish port %d of %s by %s: %s%s", port, text,
			       forward->protocol == IPPROTO_TCP ? "tcp" : "udp", strerror(-fd),
			       fd == -EADDRINUSE ? "; another program listens there" : "");
	}
	*listener = (struct forward_listener){ .forwarder = forwarder, .fd = fd, .protocol = forward->protocol,
					       .target = forward->target,
					       .target_port = (uint16_t)(forward->target_first + offset) };
	forwarder->listener_count++;
	return 0;
}

static int count_ports(int count, char **specs, size_t *ports, struct err *err)
{
	struct forward forward;
	int rc = 0;

	*ports = 0;
	for (int i = 0; !rc && i < count; i++) {
		rc = forward_parse(&forward, specs[i], err);
		*ports += forward.count;
	}
	if (!rc && *ports > FORWARD_LISTENERS_MAX)
		return err_set(err, -E2BIG, "over %d ports are for the forwarder; publish fewer",
			       FORWARD_LISTENERS_MAX);
	return rc;
}

/* A limit that the agent or its service has may be lower than what the bounds add up to. */
static void raise_limit(size_t listeners)
{
	rlim_t need = listeners + 2 * FORWARD_CONNECTIONS_MAX + FORWARD_PEERS_MAX + OTHER_FDS;
	struct rlimit limit = { need, need };

	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_listeners(struct forwarder *forwarder, int count, char **specs, struct err *err)
{
	struct forward forward;
	size_t ports;
	int rc = count_ports(count, specs, &ports, err);

	if (rc < 0)
		return rc;
	raise_limit(ports);
	forwarder->listeners = xcalloc(ports, sizeof(*forwarder->listeners));
	for (int i = 0; !rc && i < count; i++) {
		rc = forward_parse(&forward, specs[i], err);
		for (uint16_t offset = 0; !rc && offset < forward.count; offset++)
			rc = open_listener(forwarder, &forward, offset, err);
	}
	return rc;
}

/* ---- its end ---- */

static void link_changed(struct watch *watch, uint32_t events)
{
	struct forwarder *forwarder = watch->data;
	struct link link;

	(void)events;
	/* Whatever came, or was lost: one question answers it. */
	while (recv(watch->fd, forwarder->datagram, sizeof(forwarder->datagram), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS)
		;
	if (link_get_index(&forwarder->link_requests, forwarder->link_index, &link, NULL) == -ENODEV)
		loop_stop(&forwarder->loop);
}

static int watch_link(struct forwarder *forwarder, const char *name, struct err *err)
{
	int rc = netlink_open(&forwarder->link_requests, NETLINK_ROUTE, err);

	if (!rc)
		rc = link_listen(&forwarder->link_events, err);
	if (!rc)
		rc = link_index(&forwarder->link_requests, name, err);
	if (rc < 0)
		return err_context(err, "%s", name);
	forwarder->link_index = rc;
	return 0;
}

/* ---- the process that stays ---- */

/* Nothing of what started it keeps it alive, and nothing of it holds anything of that open. */
static int leave(struct err *err)
{
	FD_CLEANUP int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (setsid() < 0 || chdir("/") < 0 || null < 0)
		return err_sys(err, "leave");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return err_sys(err, "leave");
	return 0;
}

static int drop_rights(struct err *err)
{
	static const struct caps none;
	const struct seccomp_list calls = seccomp_list_forward();

	if (caps_limit(&none, err) < 0)
		return err->code;
	if (setgroups(0, NULL) < 0 || setresgid(FORWARD_ID, FORWARD_ID, FORWARD_ID) < 0 ||
	    setresuid(FORWARD_ID, FORWARD_ID, FORWARD_ID) < 0)
		return err_sys(err, "become user %d", FORWARD_ID);
	if (caps_apply(&none, err) < 0)
		return err->code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "set no_new_privs");
	return seccomp_enter(&calls, err);
}

static void start_watches(struct forwarder *forwarder)
{
	struct loop *loop = &forwarder->loop;

	watch_start(loop, &forwarder->link_watch, forwarder->link_events.fd, EPOLLIN, link_changed, forwarder);
	for (size_t i = 0; i < forwarder->listener_count; i++) {
		struct forward_listener *listener = &forwarder->listeners[i];

		watch_start(loop, &listener->watch, listener->fd, EPOLLIN,
			    listener->protocol == IPPROTO_TCP ? forward_tcp_accept : forward_udp_receive, listener);
	}
}

static void stop_on_signal(int signal, void *data)
{
	(void)signal;
	loop_stop(data);
}

/* Writes what went wrong to `report`, or closes it and serves. */
static void serve(struct forwarder *forwarder, int report)
{
	struct err err = ERR_INIT;

	if (leave(&err) < 0 || loop_init(&forwarder->loop, &err) < 0 || drop_rights(&err) < 0) {
		(void)!write(report, err.text, strlen(err.text));
		_exit(1);
	}
	loop_on_signal(&forwarder->loop, stop_on_signal, &forwarder->loop);
	start_watches(forwarder);
	fd_close(&report);
	loop_run(&forwarder->loop);
	_exit(0);
}

/* Ends when the other process serves, or with its reason. */
static int start_serving(struct forwarder *forwarder, struct err *err)
{
	BUF_CLEANUP struct buf reason = BUF_INIT;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "start");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		serve(forwarder, ends[1]);
	}
	close(ends[1]);
	if (pid > 0)
		fd_read_all(ends[0], &reason, ERR_TEXT_MAX);
	close(ends[0]);
	if (pid < 0)
		return err_sys(err, "start");
	return reason.size ? err_set(err, -ECHILD, "%s", buf_text(&reason)) : 0;
}

static int run(const char *link, int count, char **specs, struct err *err)
{
	struct forwarder *forwarder = xcalloc(1, sizeof(*forwarder));
	int rc;

	list_init(&forwarder->connections);
	list_init(&forwarder->peers);
	rc = watch_link(forwarder, link, err);
	if (!rc)
		rc = open_listeners(forwarder, count, specs, err);
	/* What is open ends with this process. */
	return rc ? rc : start_serving(forwarder, err);
}

int forward_main(int argc, char **argv)
{
	static const struct option options[] = { { "link", required_argument, NULL, 'l' }, { 0 } };
	const char *link = NULL;
	struct err err = ERR_INIT;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) == 'l')
		link = optarg;
	if (option != -1 || !link || optind == argc) {
		fputs(USAGE, stderr);
		return 2;
	}
	prctl(PR_SET_NAME, FORWARD_NAME); /* it was executed as /proc/self/exe */
	sys_close_from(3);
	if (run(link, argc - optind, argv + optind, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}
