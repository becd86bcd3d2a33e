/*
 * UDP has no end that the kernel sees: a flow keeps its translation, or its lack of one, as long as datagrams come.
 * A sensor that sends every second and began before its port was published would never arrive. So after a change the
 * flows that the new rules would translate otherwise are forgotten, and the next datagram is looked at anew.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "agent/network/firewall_parts.h"

/* More are forgotten after the next change; each takes some 100 bytes meanwhile. */
#define FORGET_MAX 8192

struct end {
	struct ip ip;
	uint16_t port;
};

/* A tuple of conntrack: one direction of a flow. */
struct direction {
	uint8_t protocol;
	struct end from, to;
};

static uint16_t port_in(const struct nlattr *attribute)
{
	uint16_t port = 0;

	if (attribute && attribute->nla_len >= sizeof(*attribute) + sizeof(port))
		memcpy(&port, attribute + 1, sizeof(port));
	return ntohs(port);
}

static int read_ips(struct direction *direction, const struct nlattr *nest, int family)
{
	const struct nlattr *table[CTA_IP_V6_DST + 1];
	bool is_ipv6 = family == AF_INET6;

	if (netlink_read_nested(table, CTA_IP_V6_DST, nest) < 0)
		return -EBADMSG;
	direction->from.ip = netlink_ip(table[is_ipv6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC], family);
	direction->to.ip = netlink_ip(table[is_ipv6 ? CTA_IP_V6_DST : CTA_IP_V4_DST], family);
	return 0;
}

static int read_ports(struct direction *direction, const struct nlattr *nest)
{
	const struct nlattr *table[CTA_PROTO_DST_PORT + 1];

	if (netlink_read_nested(table, CTA_PROTO_DST_PORT, nest) < 0)
		return -EBADMSG;
	if (table[CTA_PROTO_NUM] && table[CTA_PROTO_NUM]->nla_len > sizeof(struct nlattr))
		direction->protocol = *(const uint8_t *)(table[CTA_PROTO_NUM] + 1);
	direction->from.port = port_in(table[CTA_PROTO_SRC_PORT]);
	direction->to.port = port_in(table[CTA_PROTO_DST_PORT]);
	return 0;
}

static int read_direction(struct direction *direction, const struct nlattr *nest, int family)
{
	const struct nlattr *table[CTA_TUPLE_PROTO + 1];

	*direction = (struct direction){ 0 };
	if (!nest || netlink_read_nested(table, CTA_TUPLE_PROTO, nest) < 0 || !table[CTA_TUPLE_IP] ||
	    !table[CTA_TUPLE_PROTO] || read_ips(direction, table[CTA_TUPLE_IP], family) < 0)
		return -EBADMSG;
	return read_ports(direction, table[CTA_TUPLE_PROTO]);
}

static bool end_equal(const struct end *a, const struct end *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

/* The published port that a flow to there is for. */
static const struct firewall_port *find_port(const struct firewall_rules *rules, const struct end *to, int family)
{
	for (size_t i = 0; i < rules->port_count; i++) {
		const struct firewall_port *port = &rules->ports[i];

		if (port->protocol == IPPROTO_UDP && to->port >= port->host_first &&
		    to->port - port->host_first < port->count && firewall_port_is_for(port, family) &&
		    firewall_is_published(rules, port) &&
		    (ip_is_unspecified(&port->bind) || ip_equal(&port->bind, &to->ip)))
			return port;
	}
	return NULL;
}

static bool is_container(const struct firewall_rules *rules, const struct ip *ip, int family)
{
	for (size_t i = 0; i < rules->network_count; i++)
		if (subnet_contains(&rules->networks[i].subnets[family], ip))
			return true;
	return false;
}

/* `answer` is where answers come from: the place that the flow really leads to. */
static bool is_stale(const struct firewall_rules *rules, const struct direction *original,
		     const struct direction *answer, int family)
{
	bool is_translated = !end_equal(&original->to, &answer->from);
	const struct firewall_port *port = find_port(rules, &original->to, family);
	struct end wanted;

	if (!port)
		return is_translated && is_container(rules, &answer->from.ip, family);
	/* What goes out with the device's address has some port of the world by chance. */
	if (!is_translated && !end_equal(&original->from, &answer->to))
		return false;
	wanted = (struct end){ port->targets[family],
			       (uint16_t)(port->target_first + (original->to.port - port->host_first)) };
	return !end_equal(&wanted, &answer->from);
}

struct stale_flows {
	const struct firewall_rules *rules;
	struct netlink_request forget;
};

static void forget(struct stale_flows *flows, const struct nfgenmsg *header, const struct nlattr *original)
{
	netlink_begin(&flows->forget, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0, header, sizeof(*header));
	netlink_put(&flows->forget, CTA_TUPLE_ORIG | NLA_F_NESTED, original + 1, original->nla_len - sizeof(*original));
}

static int take_flow(const struct nlmsghdr *message, void *data)
{
	const struct nfgenmsg *header = (const struct nfgenmsg *)(const void *)(message + 1);
	const struct nlattr *table[CTA_TUPLE_REPLY + 1];
	struct stale_flows *flows = data;
	struct direction original, answer;

	if (netlink_read(table, CTA_TUPLE_REPLY, message, sizeof(*header)) < 0)
		return -EBADMSG;
	if (read_direction(&original, table[CTA_TUPLE_ORIG], header->nfgen_family) < 0 ||
	    read_direction(&answer, table[CTA_TUPLE_REPLY], header->nfgen_family) < 0)
		return 0;
	if (original.protocol == IPPROTO_UDP && flows->forget.messages < FORGET_MAX &&
	    is_stale(flows->rules, &original, &answer, header->nfgen_family == AF_INET ? IPV4 : IPV6))
		forget(flows, header, table[CTA_TUPLE_ORIG]);
	return 0;
}

void firewall_forget_flows(struct netlink *nl, const struct firewall_rules *rules)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct nfgenmsg header = { .version = NFNETLINK_V0 };
	struct stale_flows flows = { .rules = rules };

	netlink_begin(&request, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, &header, sizeof(header));
	if (netlink_ask(nl, &request, take_flow, &flows, NULL) == 0 && flows.forget.messages)
		netlink_send(nl, &flows.forget, NULL);
	netlink_request_release(&flows.forget);
}
