/* Bridges and veths in network namespaces of the test's own. Needs root. */
// QEMU: no, the emulator passes netlink on incompletely
#include "agent/network/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "agent/network/attach_parts.h"
#include "agent/network/link_parts.h"
#include "lib/fd.h"
#include "tests/unit/netns.h"
#include "tests/unit/test.h"

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

static struct bridge bridge_of(const char *name, const char *subnet, const char *gateway)
{
	return (struct bridge){ .name = name, .subnets = { subnet_of(subnet), subnet_of("fd12::/64") },
				.gateways = { ip_of(gateway), ip_of("fd12::1") } };
}

static bool has_address(struct netlink *nl, const char *text)
{
	struct ip *addresses = NULL, wanted = ip_of(text);
	size_t count = 0;
	bool found = false;

	CHECK_INT(link_addresses(nl, &addresses, &count, NULL), 0);
	for (size_t i = 0; i < count; i++)
		found |= ip_equal(&addresses[i], &wanted);
	free(addresses);
	return found;
}

static void make_veth(struct netlink *nl, const char *name)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { 0 };
	size_t info;

	netlink_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put_text(&request, IFLA_IFNAME, name);
	info = netlink_nest(&request, IFLA_LINKINFO);
	netlink_put_text(&request, IFLA_INFO_KIND, "veth");
	netlink_nest_end(&request, info);
	REQUIRE(netlink_send(nl, &request, NULL) == 0);
}

static void names_are_checked(void)
{
	CHECK(link_name_is_valid("berth0"));
	CHECK(link_name_is_valid("a123456789abcde"));
	CHECK(!link_name_is_valid("a123456789abcdef"));
	CHECK(!link_name_is_valid(""));
	CHECK(!link_name_is_valid(".."));
	CHECK(!link_name_is_valid("a/b"));
	CHECK(!link_name_is_valid("a b"));
	CHECK(!link_name_is_valid("a:b"));
	CHECK(!link_name_is_valid("eth%d"));
}

static void macs_follow_addresses(void)
{
	struct ip four = ip_of("172.29.1.2"), six = ip_of("fd12::a0b:c0d");
	unsigned char mac[LINK_MAC_BYTES];
	char text[LINK_MAC_TEXT_MAX];

	link_mac_of(mac, &four);
	link_mac_format(mac, text);
	CHECK_TEXT(text, "02:42:ac:1d:01:02");
	link_mac_of(mac, &six);
	link_mac_format(mac, text);
	CHECK_TEXT(text, "02:42:0a:0b:0c:0d");
}

static void a_bridge_is_made_and_adjusted(void)
{
	struct netns ns;
	struct netlink nl;
	struct err err = ERR_INIT;
	struct bridge bridge = bridge_of("berth0", "172.29.0.0/16", "172.29.0.1");
	struct link link, again;
	int64_t accepts = -1;

	REQUIRE(netns_make(&ns, 1));
	REQUIRE(netlink_open(&nl, NETLINK_ROUTE, &err) == 0);
	CHECK_INT(link_get(&nl, "berth0", &link, &err), -ENODEV);
	CHECK_INT(bridge_apply(&nl, &bridge, &err), 0);
	REQUIRE(link_get(&nl, "berth0", &link, &err) == 0);
	CHECK_TEXT(link.kind, "bridge");
	CHECK_TEXT(link.alias, "berth");
	CHECK(link.flags & IFF_UP);
	CHECK(has_address(&nl, "172.29.0.1"));
	CHECK(has_address(&nl, "fd12::1"));
	CHECK_INT(fd_read_number(AT_FDCWD, "/proc/sys/net/ipv6/conf/berth0/accept_ra", &accepts), 0);
	CHECK_INT(accepts, 0);

	/* Again: it is the same one. */
	CHECK_INT(bridge_apply(&nl, &bridge, &err), 0);
	CHECK_INT(link_get(&nl, "berth0", &again, &err), 0);
	CHECK_INT(again.index, link.index);
	CHECK_INT(again.mtu, 1500);

	/* Another subnet and MTU; the old address goes. */
	bridge = bridge_of("berth0", "172.30.0.0/24", "172.30.0.1");
	bridge.mtu = 1400;
	CHECK_INT(bridge_apply(&nl, &bridge, &err), 0);
	CHECK(!has_address(&nl, "172.29.0.1"));
	CHECK(has_address(&nl, "172.30.0.1"));
	CHECK(has_address(&nl, "fd12::1"));
	CHECK_INT(link_get(&nl, "berth0", &again, &err), 0);
	CHECK_INT(again.index, link.index);
	CHECK_INT(again.mtu, 1400);
	CHECK_INT(bridge_is_used(&nl, "berth0", &err), 0);
	CHECK_INT(bridge_is_used(&nl, "berth1", &err), -ENODEV);
	netlink_close(&nl);
	netns_close(&ns);
}

/* Somebody's bridge of this name, one that is in use, and one that we are told to keep, stay. */
static void only_ours_are_touched(void)
{
	struct netns ns;
	struct netlink nl;
	struct err err = ERR_INIT;
	struct bridge one = bridge_of("berth0", "172.29.0.0/16", "172.29.0.1");
	struct bridge two = bridge_of("other", "172.30.0.0/16", "172.30.0.1");
	struct bridge taken = bridge_of("lo", "172.31.0.0/16", "172.31.0.1");
	const char *const keep[] = { "berth0" };

	REQUIRE(netns_make(&ns, 1));
	REQUIRE(netlink_open(&nl, NETLINK_ROUTE, &err) == 0);
	CHECK_INT(bridge_apply(&nl, &taken, &err), -EEXIST);
	CHECK_HAS(err.text, "bridge lo: there is an interface of this name");
	two.gateways[IPV6] = (struct ip){ 0 };
	CHECK_INT(bridge_apply(&nl, &one, &err), 0);
	CHECK_INT(bridge_apply(&nl, &two, &err), 0);
	CHECK_INT(system("ip link add v0 type veth peer name v1 && ip link set v0 master other"), 0);
	CHECK_INT(bridge_remove_others(&nl, keep, 1, &err), 1);
	CHECK(link_index(&nl, "other", NULL) > 0);
	CHECK_INT(link_remove(&nl, "v0", &err), 0);
	CHECK_INT(bridge_remove_others(&nl, keep, 1, &err), 0);
	CHECK(link_index(&nl, "berth0", NULL) > 0);
	CHECK_INT(link_index(&nl, "other", NULL), -ENODEV);
	CHECK_INT(bridge_remove_others(&nl, NULL, 0, &err), 0);
	CHECK_INT(link_index(&nl, "berth0", NULL), -ENODEV);
	CHECK(link_index(&nl, "lo", NULL) > 0);
	CHECK_INT(link_remove(&nl, "berth0", &err), 0);
	netlink_close(&nl);
	netns_close(&ns);
}

static bool is_taken(const struct subnet *subnets, size_t count, const char *text)
{
	struct subnet wanted = subnet_of(text);

	for (size_t i = 0; i < count; i++)
		if (ip_equal(&subnets[i].ip, &wanted.ip) && subnets[i].bits == wanted.bits)
			return true;
	return false;
}

static void the_device_is_looked_at(void)
{
	struct netns ns;
	struct netlink nl;
	struct err err = ERR_INIT;
	struct bridge bridge = bridge_of("uplink", "192.168.7.0/24", "192.168.7.2");
	struct subnet *subnets = NULL;
	size_t count = 0;

	bridge.mtu = 1420;
	REQUIRE(netns_make(&ns, 1));
	REQUIRE(netlink_open(&nl, NETLINK_ROUTE, &err) == 0);
	CHECK_INT(link_uplink_mtu(&nl), 1500);
	CHECK_INT(bridge_apply(&nl, &bridge, &err), 0);
	CHECK_INT(system("ip route add default via 192.168.7.1 && ip route add 10.9.0.0/16 via 192.168.7.1"), 0);
	CHECK_INT(link_uplink_mtu(&nl), 1420);
	CHECK_INT(link_taken_subnets(&nl, &subnets, &count, &err), 0);
	CHECK(is_taken(subnets, count, "192.168.7.0/24"));
	CHECK(is_taken(subnets, count, "10.9.0.0/16"));
	CHECK(is_taken(subnets, count, "fd12::/64"));
	CHECK(!is_taken(subnets, count, "0.0.0.0/0"));
	free(subnets);
	netlink_close(&nl);
	netns_close(&ns);
}

static int parse(struct attach *attach, struct err *err, const char *words)
{
	static char text[512];
	char *argv[64] = { "attach-network" };
	int argc = 1;

	snprintf(text, sizeof(text), "%s", words);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return attach_parse(attach, argc, argv, err);
}

static void options_of_attach(void)
{
	struct attach attach;
	struct err err = ERR_INIT;
	struct ip ip = ip_of("172.29.0.2");

	CHECK_INT(parse(&attach, &err, "--bridge b --host-name v1 --address 172.29.0.2/16 --address fd12::2/64 "
			"--gateway 172.29.0.1 --gateway fd12::1 --mtu 1400 --forward a --forward b"), 0);
	CHECK_TEXT(attach.name, "eth0");
	CHECK(ip_equal(&attach.addresses[IPV4].ip, &ip));
	CHECK_INT(attach.addresses[IPV6].bits, 64);
	CHECK_INT(attach.mtu, 1400);
	CHECK(!memcmp(attach.mac, "\x02\x42\xac\x1d\x00\x02", 6));
	CHECK_TEXT(attach.forwards[1], "b");
	CHECK(!attach.forwards[2]);
	CHECK_INT(parse(&attach, &err, "--bridge b --host-name v1 --address fd12::2/64 --mac 0a:00:00:00:00:01"), 0);
	CHECK(!memcmp(attach.mac, "\x0a\0\0\0\0\1", 6));

	CHECK_INT(parse(&attach, &err, "--bridge b --host-name v1"), -EINVAL);
	CHECK_INT(parse(&attach, &err, "--bridge b --address 172.29.0.2/16"), -EINVAL);
	CHECK_INT(parse(&attach, &err, "--bridge b --host-name a/b --address 172.29.0.2/16"), -EINVAL);
	CHECK_TEXT(err.text, "--host-name a/b: not valid");
	CHECK_INT(parse(&attach, &err, "--bridge b --host-name v --address 172.29.0.2/33"), -EINVAL);
	CHECK_INT(parse(&attach, &err, "--bridge b --host-name v --address 172.29.0.2"), -EINVAL);
	CHECK_INT(parse(&attach, &err, "--bridge b --host-name v --address 1.2.3.4/8 --mtu 60"), -EINVAL);
	CHECK_INT(parse(&attach, &err, "--bridge b --host-name v --address 1.2.3.4/8 --mac 01:00:00:00:00:01"), -EINVAL);
	CHECK_INT(parse(&attach, &err, "--bridge b --host-name v --address 1.2.3.4/8 --gateway fd12::1"), -EINVAL);
	CHECK_INT(parse(&attach, &err, "--bridge b --host-name v --address 1.2.3.4/8 more"), -EINVAL);
	CHECK_TEXT(err.text, "more: nothing is expected behind the options");
}

static bool is_berth0(const char *name, void *data)
{
	(void)data;
	return !strcmp(name, "berth0");
}

static void a_bridge_that_is_removed_is_noticed(void)
{
	const struct bridge bridge = bridge_of("berth0", "172.29.0.0/16", "172.29.0.1");
	struct netlink nl, events;
	struct link port, link;
	struct netns ns;

	REQUIRE(netns_make(&ns, 1));
	REQUIRE(netlink_open(&nl, NETLINK_ROUTE, NULL) == 0);
	REQUIRE(link_listen(&events, NULL) == 0);
	REQUIRE(bridge_apply(&nl, &bridge, NULL) == 0);
	make_veth(&nl, "v1");
	CHECK_INT(bridge_attach(&nl, "berth0", "v2", NULL), -ENODEV);
	CHECK_INT(bridge_attach(&nl, "berth1", "v1", NULL), -ENODEV);
	CHECK_INT(bridge_attach(&nl, "berth0", "v1", NULL), 1);
	CHECK_INT(bridge_attach(&nl, "berth0", "v1", NULL), 0);
	CHECK_INT(bridge_is_used(&nl, "berth0", NULL), 1);
	CHECK(!link_was_removed(&events, is_berth0, NULL));
	CHECK_INT(link_remove(&nl, "berth0", NULL), 0);
	CHECK(link_was_removed(&events, is_berth0, NULL));
	CHECK(!link_was_removed(&events, is_berth0, NULL));
	REQUIRE(bridge_apply(&nl, &bridge, NULL) == 0);
	CHECK_INT(bridge_attach(&nl, "berth0", "v1", NULL), 1);
	CHECK_INT(link_get(&nl, "berth0", &link, NULL), 0);
	CHECK_INT(link_get(&nl, "v1", &port, NULL), 0);
	CHECK_INT(port.master, link.index);
	/* A port that leaves it, or goes, is not the bridge. */
	CHECK_INT(link_remove(&nl, "v1", NULL), 0);
	CHECK(!link_was_removed(&events, is_berth0, NULL));
	netlink_close(&events);
	netlink_close(&nl);
	netns_close(&ns);
}

int main(void)
{
	RUN(names_are_checked);
	RUN(macs_follow_addresses);
	RUN(a_bridge_is_made_and_adjusted);
	RUN(only_ours_are_touched);
	RUN(the_device_is_looked_at);
	RUN(a_bridge_that_is_removed_is_noticed);
	RUN(options_of_attach);
	return test_end();
}
