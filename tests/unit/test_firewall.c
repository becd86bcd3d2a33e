/*
 * The firewall with the real kernel: a device with two networks and an internal one, containers, and an outside, each
 * in a network namespace of its own; connections are made and looked at. Needs root and nf_tables.
 */
// QEMU: no, the emulator passes netlink on incompletely
#include "agent/network/firewall.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/network/attach_parts.h"
#include "agent/network/link_parts.h"
#include "lib/fd.h"
#include "tests/unit/netns_talk.h"
#include "tests/unit/test.h"

/*
 *	OUTSIDE 192.168.9.9 --- lan0 192.168.9.1 DEVICE berth0 172.29.0.1 --- ONE .0.2, TWO .0.3
 *						        blue   172.30.0.1 --- OTHER .0.2
 *						        closed 172.31.0.1 --- INNER .0.2
 */
enum { DEVICE, OUTSIDE, ONE, TWO, OTHER, INNER, PLACES };

static struct netns ns;
static struct netlink nl;
static struct firewall firewall;
static struct err err;

static struct ip ip_of(const char *text)
{
	struct ip ip = { 0 };

	CHECK_INT(ip_parse(&ip, text), 0);
	return ip;
}

static struct subnet subnet_of(const char *text)
{
	struct subnet subnet = { 0 };

	CHECK_INT(subnet_parse(&subnet, text, NULL), 0);
	return subnet;
}

static const struct network {
	const char *bridge, *subnet4, *subnet6, *gateway4, *gateway6;
	bool internal;
} networks[] = {
	{ "lan0", "192.168.9.0/24", "fd09::/64", "192.168.9.1", "fd09::1", false },
	{ "berth0", "172.29.0.0/16", "fd29::/64", "172.29.0.1", "fd29::1", false },
	{ "blue", "172.30.0.0/16", "fd30::/64", "172.30.0.1", "fd30::1", false },
	{ "closed", "172.31.0.0/16", "fd31::/64", "172.31.0.1", "fd31::1", true },
};

#define NETWORKS (sizeof(networks) / sizeof(networks[0]))

static bool make_bridge(const struct network *network)
{
	struct bridge bridge = { .name = network->bridge,
				 .subnets = { subnet_of(network->subnet4), subnet_of(network->subnet6) },
				 .gateways = { ip_of(network->gateway4), ip_of(network->gateway6) } };

	return CHECK_INT(bridge_apply(&nl, &bridge, &err), 0);
}

static bool connect_place(int place, const struct network *network, const char *four, const char *six)
{
	char host_name[16];
	struct attach attach = { .bridge = network->bridge, .host_name = host_name, .name = "eth0",
				 .addresses = { { ip_of(four), 16 }, { ip_of(six), 64 } } };
	bool good;

	snprintf(host_name, sizeof(host_name), "v%d", place);
	/* Inside of an internal network there is a route out all the same: it's the firewall that is looked at. */
	attach.gateways[IPV4] = ip_of(network->gateway4);
	attach.gateways[IPV6] = ip_of(network->gateway6);
	link_mac_of(attach.mac, &attach.addresses[IPV4].ip);
	good = CHECK_INT(attach_to(&attach, ns.fds[place], &err), 0);
	if (!good)
		fprintf(stderr, "%s\n", err.text);
	return netns_enter(&ns, DEVICE) && good;
}

static bool set_up(void)
{
	struct buf told = BUF_INIT;
	bool good = netns_make(&ns, PLACES) && netlink_open(&nl, NETLINK_ROUTE, &err) == 0 &&
		    CHECK_INT(firewall_open(&firewall, &err), 0);

	/* A new namespace has the settings of the first one. */
	good = good && CHECK_INT(fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "0"), 0);
	for (size_t i = 0; i < NETWORKS; i++)
		good = good && make_bridge(&networks[i]);
	good = good && CHECK_INT(firewall_enable_forwarding(IPV4, &told, &err), 0) &&
	       CHECK_INT(firewall_enable_forwarding(IPV6, &told, &err), 0) &&
	       CHECK_INT(link_up(&nl, link_index(&nl, "lo", NULL), &err), 0) &&
	       connect_place(OUTSIDE, &networks[0], "192.168.9.9", "fd09::9") &&
	       connect_place(ONE, &networks[1], "172.29.0.2", "fd29::2") &&
	       connect_place(TWO, &networks[1], "172.29.0.3", "fd29::3") &&
	       connect_place(OTHER, &networks[2], "172.30.0.2", "fd30::2") &&
	       connect_place(INNER, &networks[3], "172.31.0.2", "fd31::2");
	CHECK_HAS(buf_text(&told), "net/ipv4/ip_forward is 1 now");
	buf_release(&told);
	return good;
}

static void tear_down(void)
{
	firewall_close(&firewall);
	netlink_close(&nl);
	netns_close(&ns);
}

/* Ports of ONE, but the last ones. */
static struct firewall_port ports[] = {
	{ .bridge = "berth0", .protocol = IPPROTO_TCP, .host_first = 8080, .target_first = 80, .count = 1 },
	{ .bridge = "berth0", .protocol = IPPROTO_UDP, .host_first = 5353, .target_first = 53, .count = 1 },
	{ .bridge = "berth0", .protocol = IPPROTO_TCP, .host_first = 7000, .target_first = 7000, .count = 10 },
	{ .bridge = "berth0", .protocol = IPPROTO_TCP, .host_first = 6000, .target_first = 7005, .count = 3 },
	{ .bridge = "berth0", .protocol = IPPROTO_TCP, .host_first = 8081, .target_first = 80, .count = 1 },
	{ .bridge = "berth0", .protocol = IPPROTO_TCP, .host_first = 8082, .target_first = 80, .count = 1 },
	{ .bridge = "berth0", .protocol = IPPROTO_TCP, .host_first = 8083, .target_first = 80, .count = 1 },
	{ .bridge = "closed", .protocol = IPPROTO_TCP, .host_first = 8084, .target_first = 80, .count = 1 },
};

#define PORTS (sizeof(ports) / sizeof(ports[0]))
enum { TO_LOOPBACK = 4, TO_LAN, TO_LAN6 };

static bool apply(void)
{
	struct firewall_network list[NETWORKS] = { 0 };
	struct firewall_rules rules = { .networks = list, .network_count = NETWORKS - 1, .ports = ports, .port_count = PORTS };
	int rc;

	/* The outside is no network of berth's. */
	for (size_t i = 1; i < NETWORKS; i++)
		list[i - 1] = (struct firewall_network){
			networks[i].bridge, { subnet_of(networks[i].subnet4), subnet_of(networks[i].subnet6) },
			networks[i].internal };
	for (size_t i = 0; i < PORTS; i++) {
		ports[i].targets[IPV4] = ip_of(i == PORTS - 1 ? "172.31.0.2" : "172.29.0.2");
		ports[i].targets[IPV6] = ip_of(i == PORTS - 1 ? "fd31::2" : "fd29::2");
	}
	ports[TO_LOOPBACK].bind = ip_of("127.0.0.1");
	ports[TO_LAN].bind = ip_of("192.168.9.1");
	ports[TO_LAN6].bind = ip_of("fd09::1");
	rc = firewall_apply(&firewall, &rules, &err);
	if (rc < 0)
		fprintf(stderr, "%s\n", err.text);
	return CHECK_INT(rc, 0);
}

#define WAIT_FOR(wanted) (strcmp(wanted, "lost") ? TALK_MS : TALK_LOST_MS)
#define TCP(from, to, port, server, wanted) \
	CHECK_TEXT(talk_tcp(&ns, from, to, port, server, WAIT_FOR(wanted)), wanted)
#define UDP(from, to, port, server, wanted) \
	CHECK_TEXT(talk_udp(&ns, from, to, port, server, WAIT_FOR(wanted)), wanted)

static void containers_reach_the_world_as_the_device(void)
{
	int tcp = -1, udp = -1, device = -1;

	REQUIRE(set_up() && apply());
	tcp = talk_serve(&ns, OUTSIDE, SOCK_STREAM, 80);
	udp = talk_serve(&ns, OUTSIDE, SOCK_DGRAM, 53);
	device = talk_serve(&ns, DEVICE, SOCK_STREAM, 90);
	TCP(ONE, "192.168.9.9", 80, tcp, "192.168.9.1");
	TCP(ONE, "fd09::9", 80, tcp, "fd09::1");
	UDP(ONE, "192.168.9.9", 53, udp, "192.168.9.1");
	UDP(OTHER, "fd09::9", 53, udp, "fd09::1");
	/* The device itself is reached as it is. */
	TCP(ONE, "172.29.0.1", 90, device, "172.29.0.2");
	TCP(ONE, "192.168.9.1", 90, device, "172.29.0.2");
	/* Not from an internal network. */
	TCP(INNER, "192.168.9.9", 80, tcp, "lost");
	UDP(INNER, "fd09::9", 53, udp, "lost");
	close(tcp);
	close(udp);
	close(device);
	tear_down();
}

static void networks_are_apart(void)
{
	int one = -1, other = -1, inner = -1;

	REQUIRE(set_up() && apply());
	one = talk_serve(&ns, ONE, SOCK_STREAM, 80);
	other = talk_serve(&ns, OTHER, SOCK_STREAM, 80);
	inner = talk_serve(&ns, INNER, SOCK_STREAM, 80);
	TCP(TWO, "172.29.0.2", 80, one, "172.29.0.3");
	TCP(TWO, "fd29::2", 80, one, "fd29::3");
	TCP(DEVICE, "172.29.0.2", 80, one, "172.29.0.1");
	TCP(DEVICE, "172.31.0.2", 80, inner, "172.31.0.1");
	TCP(OTHER, "172.29.0.2", 80, one, "lost");
	TCP(OTHER, "fd29::2", 80, one, "lost");
	TCP(ONE, "172.30.0.2", 80, other, "lost");
	TCP(ONE, "172.31.0.2", 80, inner, "lost");
	TCP(INNER, "172.29.0.2", 80, one, "lost");
	/* Nor from outside, though it has a route. */
	TCP(OUTSIDE, "172.29.0.2", 80, one, "lost");
	TCP(OUTSIDE, "fd29::2", 80, one, "lost");
	TCP(OUTSIDE, "172.31.0.2", 80, inner, "lost");
	close(one);
	close(other);
	close(inner);
	tear_down();
}

static void published_ports_are_reached(void)
{
	int tcp = -1, udp = -1, range = -1, sixth = -1;

	REQUIRE(set_up() && apply());
	tcp = talk_serve(&ns, ONE, SOCK_STREAM, 80);
	udp = talk_serve(&ns, ONE, SOCK_DGRAM, 53);
	range = talk_serve(&ns, ONE, SOCK_STREAM, 7009);
	sixth = talk_serve(&ns, ONE, SOCK_STREAM, 7006);
	TCP(OUTSIDE, "192.168.9.1", 8080, tcp, "192.168.9.9");
	TCP(OUTSIDE, "fd09::1", 8080, tcp, "fd09::9");
	UDP(OUTSIDE, "192.168.9.1", 5353, udp, "192.168.9.9");
	UDP(OUTSIDE, "fd09::1", 5353, udp, "fd09::9");
	TCP(OUTSIDE, "192.168.9.1", 7009, range, "192.168.9.9");
	TCP(OUTSIDE, "192.168.9.1", 7010, range, "refused");
	TCP(OUTSIDE, "192.168.9.1", 6001, sixth, "192.168.9.9");
	TCP(OUTSIDE, "192.168.9.1", 6003, sixth, "refused");
	TCP(OUTSIDE, "192.168.9.1", 80, tcp, "refused");
	/* From the device. */
	TCP(DEVICE, "192.168.9.1", 8080, tcp, "192.168.9.1");
	TCP(DEVICE, "fd09::1", 8080, tcp, "fd09::1");
	/* The loopback is the forwarder's. */
	TCP(DEVICE, "127.0.0.1", 8080, tcp, "refused");
	TCP(DEVICE, "::1", 8080, tcp, "refused");
	/* From the container itself, a sibling, another network. */
	TCP(ONE, "192.168.9.1", 8080, tcp, "172.29.0.1");
	TCP(ONE, "fd29::1", 8080, tcp, "fd29::1");
	TCP(TWO, "192.168.9.1", 8080, tcp, "172.29.0.1");
	UDP(TWO, "172.29.0.1", 5353, udp, "172.29.0.1");
	TCP(OTHER, "192.168.9.1", 8080, tcp, "172.29.0.1");
	TCP(OTHER, "fd30::1", 8080, tcp, "fd29::1");
	TCP(INNER, "192.168.9.1", 8080, tcp, "lost");
	/* What the port's number is elsewhere is not ours. */
	TCP(TWO, "192.168.9.9", 8080, tcp, "refused");
	/* An internal network publishes nothing. */
	TCP(OUTSIDE, "192.168.9.1", 8084, tcp, "refused");
	close(tcp);
	close(udp);
	close(range);
	close(sixth);
	tear_down();
}

static void ports_on_one_address(void)
{
	int tcp = -1;

	REQUIRE(set_up() && apply());
	tcp = talk_serve(&ns, ONE, SOCK_STREAM, 80);
	TCP(DEVICE, "192.168.9.1", 8081, tcp, "refused");
	TCP(OUTSIDE, "192.168.9.1", 8081, tcp, "refused");
	TCP(TWO, "172.29.0.1", 8081, tcp, "refused");
	TCP(OUTSIDE, "192.168.9.1", 8082, tcp, "192.168.9.9");
	TCP(OUTSIDE, "fd09::1", 8082, tcp, "refused");
	TCP(DEVICE, "127.0.0.1", 8082, tcp, "refused");
	TCP(OUTSIDE, "fd09::1", 8083, tcp, "fd09::9");
	TCP(OUTSIDE, "192.168.9.1", 8083, tcp, "refused");
	close(tcp);
	tear_down();
}

/* Who is on a link with the device can send it packets for 127.0.0.1. */
static void loopback_is_out_of_reach(void)
{
	int tcp = -1, device = -1;

	REQUIRE(set_up() && apply());
	tcp = talk_serve(&ns, ONE, SOCK_STREAM, 80);
	device = talk_serve(&ns, DEVICE, SOCK_STREAM, 90);
	for (int place = OUTSIDE; place <= ONE; place++) {
		netns_enter(&ns, place);
		CHECK_INT(fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/conf/all/route_localnet", "1"), 0);
		CHECK_INT(system(place == OUTSIDE ? "ip address delete 127.0.0.1/8 dev lo && "
						    "ip route add 127.0.0.0/8 via 192.168.9.1 src 192.168.9.9" :
						    "ip address delete 127.0.0.1/8 dev lo && "
						    "ip route add 127.0.0.0/8 via 172.29.0.1 src 172.29.0.2"), 0);
		netns_enter(&ns, DEVICE);
	}
	TCP(OUTSIDE, "127.0.0.1", 8081, tcp, "lost");
	TCP(OUTSIDE, "127.0.0.1", 90, device, "lost");
	TCP(ONE, "127.0.0.1", 8081, tcp, "lost");
	TCP(ONE, "127.0.0.1", 90, device, "lost");
	CHECK_INT(fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/conf/berth0/route_localnet", "1"), 0);
	TCP(ONE, "127.0.0.1", 90, device, "lost");
	/* Somebody removes the rules: nothing was open but for them. */
	CHECK_INT(fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/conf/berth0/route_localnet", "0"), 0);
	CHECK(apply());
	CHECK_INT(system("nft flush ruleset"), 0);
	TCP(ONE, "127.0.0.1", 90, device, "lost");
	close(tcp);
	close(device);
	tear_down();
}

/* A container may give itself any address; the outside would take it for a neighbour's. */
static void forged_addresses_lead_nowhere(void)
{
	struct sockaddr_storage from, to;
	socklen_t from_size = talk_address(&from, "192.168.9.77", 0), to_size = talk_address(&to, "192.168.9.9", 53);
	int udp = -1, client = -1;

	REQUIRE(set_up() && apply());
	udp = talk_serve(&ns, OUTSIDE, SOCK_DGRAM, 53);
	netns_enter(&ns, ONE);
	CHECK_INT(system("ip address add 192.168.9.77/32 dev lo"), 0);
	netns_enter(&ns, DEVICE);
	client = talk_socket(&ns, ONE, AF_INET, SOCK_DGRAM);
	CHECK_INT(bind(client, (struct sockaddr *)&from, from_size), 0);
	CHECK_INT(sendto(client, "forged", 6, 0, (struct sockaddr *)&to, to_size), 6);
	CHECK(!talk_wait(udp, POLLIN, TALK_LOST_MS));
	UDP(ONE, "192.168.9.9", 53, udp, "192.168.9.1");
	close(udp);
	close(client);
	tear_down();
}

static void connections_survive_changes(void)
{
	struct sockaddr_storage address;
	socklen_t size = talk_address(&address, "192.168.9.1", 8080);
	int tcp = -1, client = -1, taken = -1;
	char text[8] = "";

	REQUIRE(set_up() && apply());
	tcp = talk_serve(&ns, ONE, SOCK_STREAM, 80);
	client = talk_socket(&ns, OUTSIDE, AF_INET, SOCK_STREAM);
	connect(client, (struct sockaddr *)&address, size);
	REQUIRE(talk_wait(client, POLLOUT, TALK_MS) && talk_wait(tcp, POLLIN, TALK_MS));
	taken = accept(tcp, NULL, NULL);
	CHECK(apply() && apply());
	CHECK_INT(send(client, "hello", 5, 0), 5);
	CHECK(talk_wait(taken, POLLIN, TALK_MS));
	CHECK_INT(recv(taken, text, sizeof(text), 0), 5);
	close(tcp);
	close(taken);
	close(client);
	tear_down();
}

/* Sends from a socket that stays; does it come to this server? */
static bool arrives(int client, int server, int wait_ms)
{
	char text[8];

	while (recv(client, text, sizeof(text), 0) >= 0 || errno == ECONNREFUSED)
		;
	return send(client, "again", 5, 0) == 5 && talk_wait(server, POLLIN, wait_ms) &&
	       recv(server, text, sizeof(text), 0) == 5;
}

/* The kernel keeps a translation, or none, as long as datagrams come. */
static void a_sender_follows_changes(void)
{
	struct sockaddr_storage address;
	socklen_t size = talk_address(&address, "192.168.9.1", 5353);
	struct firewall_rules nothing_published = { 0 };
	struct firewall_network network = { "berth0", { subnet_of("172.29.0.0/16"), subnet_of("fd29::/64") }, false };
	int one = -1, device = -1, out = -1, four = -1, outwards = -1;

	REQUIRE(set_up());
	nothing_published.networks = &network;
	nothing_published.network_count = 1;
	CHECK_INT(firewall_apply(&firewall, &nothing_published, &err), 0);
	one = talk_serve(&ns, ONE, SOCK_DGRAM, 53);
	device = talk_serve(&ns, DEVICE, SOCK_DGRAM, 5353);
	out = talk_serve(&ns, OUTSIDE, SOCK_DGRAM, 5353);
	four = talk_socket(&ns, OUTSIDE, AF_INET, SOCK_DGRAM);
	outwards = talk_socket(&ns, TWO, AF_INET, SOCK_DGRAM);
	CHECK_INT(connect(four, (struct sockaddr *)&address, size), 0);
	size = talk_address(&address, "192.168.9.9", 5353);
	CHECK_INT(connect(outwards, (struct sockaddr *)&address, size), 0);
	CHECK(arrives(four, device, TALK_MS));
	CHECK(arrives(outwards, out, TALK_MS));
	close(device);
	CHECK(apply());
	CHECK(arrives(four, one, TALK_MS));
	CHECK(arrives(outwards, out, TALK_MS));
	CHECK(apply());
	CHECK(arrives(four, one, TALK_MS));
	/* Not published any more: the container gets nothing more. */
	CHECK_INT(firewall_apply(&firewall, &nothing_published, &err), 0);
	CHECK(!arrives(four, one, TALK_LOST_MS));
	CHECK(arrives(outwards, out, TALK_MS));
	close(one);
	close(out);
	close(four);
	close(outwards);
	tear_down();
}

static void a_flush_is_noticed(void)
{
	int tcp = -1;

	REQUIRE(set_up() && apply());
	tcp = talk_serve(&ns, ONE, SOCK_STREAM, 80);
	CHECK(!firewall_was_changed(&firewall));
	CHECK(apply());
	CHECK(!talk_wait(firewall.events.fd, POLLIN, 0));
	/* Somebody else's table is nothing to us. */
	CHECK_INT(system("nft add table ip foreign && nft delete table ip foreign"), 0);
	CHECK(!firewall_was_changed(&firewall));
	CHECK_INT(system("nft flush ruleset"), 0);
	TCP(OUTSIDE, "192.168.9.1", 8080, tcp, "refused");
	CHECK(firewall_was_changed(&firewall));
	CHECK(apply());
	TCP(OUTSIDE, "192.168.9.1", 8080, tcp, "192.168.9.9");
	CHECK(!firewall_was_changed(&firewall));
	/* A part is enough. */
	CHECK_INT(system("nft flush chain ip6 berth ports"), 0);
	CHECK(firewall_was_changed(&firewall));
	close(tcp);
	tear_down();
}

/* They are more events than a socket holds, which says that something may have been lost. */
static void own_changes_are_not_heard(void)
{
	struct firewall_network network = { "berth0", { subnet_of("172.29.0.0/16"), subnet_of("fd29::/64") }, false };
	struct firewall_port port = { .bridge = "berth0", .protocol = IPPROTO_UDP, .host_first = 10000,
				      .target_first = 20000, .count = 2000,
				      .targets = { ip_of("172.29.0.2"), ip_of("fd29::2") } };
	struct firewall_rules rules = { .networks = &network, .network_count = 1, .ports = &port, .port_count = 1 };

	REQUIRE(netns_make(&ns, 1) && firewall_open(&firewall, &err) == 0);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(firewall_apply(&firewall, &rules, &err), 0);
		CHECK(!firewall_was_changed(&firewall));
	}
	CHECK_INT(system("nft delete table ip6 berth"), 0);
	CHECK(firewall_was_changed(&firewall));
	CHECK_INT(firewall_remove(&firewall, &err), 0);
	CHECK(!firewall_was_changed(&firewall));
	tear_down();
}

static void nothing_is_left(void)
{
	REQUIRE(set_up() && apply());
	CHECK_INT(system("nft list table ip berth >/dev/null && nft list table ip6 berth >/dev/null"), 0);
	CHECK_INT(firewall_remove(&firewall, &err), 0);
	CHECK_INT(firewall_remove(&firewall, &err), 0);
	CHECK_INT(system("test -z \"$(nft list ruleset)\""), 0);
	CHECK(!firewall_was_changed(&firewall));
	CHECK_INT(firewall_check(&firewall, IPV4, &err), 0);
	CHECK_INT(firewall_check(&firewall, IPV6, &err), 0);
	CHECK_INT(system("test -z \"$(nft list ruleset)\""), 0);
	tear_down();
}

static void too_much_is_refused(void)
{
	struct firewall_network network = { "berth0", { subnet_of("172.29.0.0/16") }, false };
	struct firewall_port port = { .bridge = "berth0", .protocol = IPPROTO_TCP, .host_first = 1, .target_first = 2,
				      .count = 5000, .targets = { ip_of("172.29.0.2") } };
	struct firewall_rules rules = { .networks = &network, .network_count = 1, .ports = &port, .port_count = 1 };

	REQUIRE(netns_make(&ns, 1));
	REQUIRE(firewall_open(&firewall, &err) == 0);
	CHECK_INT(firewall_apply(&firewall, &rules, &err), -E2BIG);
	port.count = 4000;
	CHECK_INT(firewall_apply(&firewall, &rules, &err), 0);
	CHECK_INT(system("nft list table ip berth | grep -c 'dnat to' | grep -qx 4000"), 0);
	CHECK_INT(system("nft list tables | grep -c berth | grep -qx 1"), 0);
	tear_down();
}

static void taken_ports_are_found(void)
{
	struct firewall_port port = { .protocol = IPPROTO_TCP, .host_first = 90, .target_first = 80, .count = 3 };
	int tcp = -1, udp = -1;

	REQUIRE(netns_make(&ns, 1) && netlink_open(&nl, NETLINK_ROUTE, &err) == 0);
	CHECK_INT(link_up(&nl, link_index(&nl, "lo", NULL), &err), 0);
	CHECK_INT(firewall_check_port(&port, &err), 0);
	tcp = talk_serve(&ns, 0, SOCK_STREAM, 92);
	udp = talk_serve(&ns, 0, SOCK_DGRAM, 95);
	CHECK_INT(firewall_check_port(&port, &err), -EADDRINUSE);
	CHECK_HAS(err.text, "port 92/tcp is taken by another program");
	port.count = 2;
	CHECK_INT(firewall_check_port(&port, &err), 0);
	port.host_first = 95;
	CHECK_INT(firewall_check_port(&port, &err), 0);
	port.protocol = IPPROTO_UDP;
	CHECK_INT(firewall_check_port(&port, &err), -EADDRINUSE);
	port.bind = ip_of("::1");
	CHECK_INT(firewall_check_port(&port, &err), -EADDRINUSE);
	/* An address that the device doesn't have (yet) has no ports that are taken. */
	port.bind = ip_of("192.0.2.7");
	CHECK_INT(firewall_check_port(&port, &err), 0);
	close(tcp);
	close(udp);
	netlink_close(&nl);
	netns_close(&ns);
}

/* For tests/kernel/network, where the kernel lacks something: is the option named? */
static void what_is_missing_is_named(void)
{
	const char *option = getenv("FIREWALL_LACKS");
	struct firewall_network network = { "berth0", { subnet_of("172.29.0.0/16"), subnet_of("fd29::/64") }, false };
	struct firewall_rules rules = { .networks = &network, .network_count = 1 };
	int rc = firewall_open(&firewall, &err);

	if (!rc)
		rc = firewall_apply(&firewall, &rules, &err);
	CHECK(rc == -EOPNOTSUPP || rc == -EPROTONOSUPPORT);
	CHECK_HAS(err.text, option);
	fprintf(stderr, "%s\n", err.text);
	CHECK_INT(!firewall.lacks[IPV4], strstr(option, "IPV6") != NULL);
	if (!firewall.lacks[IPV4]) {
		network.subnets[IPV6] = (struct subnet){ 0 };
		CHECK_INT(firewall_apply(&firewall, &rules, &err), 0);
	}
	firewall_close(&firewall);
}

int main(void)
{
	if (getenv("FIREWALL_LACKS")) {
		RUN(what_is_missing_is_named);
		return test_end();
	}
	RUN(containers_reach_the_world_as_the_device);
	RUN(networks_are_apart);
	RUN(published_ports_are_reached);
	RUN(ports_on_one_address);
	RUN(loopback_is_out_of_reach);
	RUN(forged_addresses_lead_nowhere);
	RUN(connections_survive_changes);
	RUN(a_sender_follows_changes);
	RUN(a_flush_is_noticed);
	RUN(own_changes_are_not_heard);
	RUN(nothing_is_left);
	RUN(too_much_is_refused);
	RUN(taken_ports_are_found);
	return test_end();
}
