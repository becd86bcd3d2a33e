/* The rules of firewall.h as expressions of nf_tables. Pure. */
#include <netinet/in.h> /* before those of the kernel, which know it */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/network/firewall_parts.h"

/* Priorities as iptables' tables have them: raw is before connections are looked up, so before any translation. */
#define PRIORITY_RAW -300
#define PRIORITY_DNAT -100
#define PRIORITY_FILTER 0
#define PRIORITY_SNAT 100

#define PORTS "ports" /* the chain that both nat hooks jump to */

struct builder {
	struct nft *nft;
	const struct firewall_rules *rules;
	int family; /* IPV4, IPV6 */
};

static const struct subnet loopback[IP_FAMILIES] = {
	[IPV4] = { .ip = { .family = AF_INET, .bytes = { 127 } }, .bits = 8 },
	[IPV6] = { .ip = { .family = AF_INET6, .bytes = { [15] = 1 } }, .bits = 128 },
};

static void verdict(const struct builder *builder, int what)
{
	nft_verdict(builder->nft, what, NULL);
	nft_rule_end(builder->nft);
}

static void drop_from(const struct builder *builder, const char *chain, const char *bridge)
{
	nft_rule(builder->nft, chain);
	nft_in_interface(builder->nft, bridge, true);
	verdict(builder, NF_DROP);
}

static void accept_from(const struct builder *builder, const char *bridge)
{
	nft_rule(builder->nft, "forward");
	nft_in_interface(builder->nft, bridge, true);
	verdict(builder, NF_ACCEPT);
}

static void drop_to(const struct builder *builder, const char *chain, const char *bridge)
{
	nft_rule(builder->nft, chain);
	nft_out_interface(builder->nft, bridge, true);
	verdict(builder, NF_DROP);
}

/* Where br_netfilter is loaded, a frame from port to port of a bridge comes by here as well. */
static void accept_within(const struct builder *builder, const char *bridge)
{
	nft_rule(builder->nft, "forward");
	nft_in_interface(builder->nft, bridge, true);
	nft_out_interface(builder->nft, bridge, true);
	verdict(builder, NF_ACCEPT);
}

/* An address that a container took for itself leads nowhere, and isn't anybody else's outside. */
static void drop_forged(const struct builder *builder, const struct firewall_network *network)
{
	const struct subnet *subnet = &network->subnets[builder->family];

	nft_rule(builder->nft, "forward");
	nft_in_interface(builder->nft, network->bridge, true);
	if (subnet->ip.family)
		nft_source(builder->nft, subnet, false);
	verdict(builder, NF_DROP);
}

/* What is neither from nor for a network of ours. */
static void drop_the_rest(const struct builder *builder)
{
	const struct firewall_rules *rules = builder->rules;

	for (size_t i = 0; i < rules->network_count; i++)
		accept_from(builder, rules->networks[i].bridge);
	nft_rule(builder->nft, "forward");
	verdict(builder, NF_DROP);
}

/* What an internal network may not do, and what the others may; the order counts. */
static void add_forward(const struct builder *builder)
{
	const struct firewall_rules *rules = builder->rules;

	nft_base_chain(builder->nft, "forward", "filter", NF_INET_FORWARD, PRIORITY_FILTER);
	for (size_t i = 0; i < rules->network_count; i++)
		accept_within(builder, rules->networks[i].bridge);
	for (size_t i = 0; i < rules->network_count; i++)
		if (rules->networks[i].internal) {
			drop_from(builder, "forward", rules->networks[i].bridge);
			drop_to(builder, "forward", rules->networks[i].bridge);
		} else {
			drop_forged(builder, &rules->networks[i]);
		}
	nft_rule(builder->nft, "forward");
	nft_connection_state(builder->nft, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
	verdict(builder, NF_ACCEPT);
	nft_rule(builder->nft, "forward");
	nft_connection_status(builder->nft, IPS_DST_NAT);
	verdict(builder, NF_ACCEPT);
	for (size_t i = 0; i < rules->network_count; i++)
		if (!rules->networks[i].internal)
			drop_to(builder, "forward", rules->networks[i].bridge);
	if (rules->only_ours[builder->family])
		drop_the_rest(builder);
}

/* Where somebody has set route_localnet for all interfaces, as kube-proxy does. For ::1 the kernel drops them by itself. */
static void add_raw(const struct builder *builder)
{
	const struct firewall_rules *rules = builder->rules;

	if (builder->family != IPV4)
		return;
	nft_base_chain(builder->nft, "raw", "filter", NF_INET_PRE_ROUTING, PRIORITY_RAW);
	for (size_t i = 0; i < rules->network_count; i++) {
		nft_rule(builder->nft, "raw");
		nft_in_interface(builder->nft, rules->networks[i].bridge, true);
		nft_destination(builder->nft, &loopback[IPV4], true);
		verdict(builder, NF_DROP);
	}
}

/* ---- published ports ---- */

bool firewall_port_is_for(const struct firewall_port *port, int family)
{
	int target = port->targets[family].family;

	return target && (!port->bind.family || port->bind.family == target);
}

static void add_port(const struct builder *builder, const struct firewall_port *port, uint16_t first, uint16_t last,
		     uint16_t target_port)
{
	struct subnet bind = { .ip = port->bind, .bits = builder->family == IPV4 ? 32 : 128 };

	nft_rule(builder->nft, PORTS);
	if (port->bind.family && !ip_is_unspecified(&port->bind))
		nft_destination(builder->nft, &bind, true);
	nft_ports(builder->nft, port->protocol, first, last);
	nft_dnat(builder->nft, &port->targets[builder->family], target_port);
	nft_rule_end(builder->nft);
}

/* nf_tables can't shift a range: ports that get another number are a rule each. */
static void add_range(const struct builder *builder, const struct firewall_port *port)
{
	uint16_t last = (uint16_t)(port->host_first + port->count - 1);

	if (port->host_first == port->target_first) {
		add_port(builder, port, port->host_first, last, 0);
		return;
	}
	for (uint16_t i = 0; i < port->count; i++) {
		uint16_t host = (uint16_t)(port->host_first + i);

		add_port(builder, port, host, host, (uint16_t)(port->target_first + i));
	}
}

/* The loopback leads nowhere but to lo: the forwarder listens there. */
static void jump_to_ports(const struct builder *builder, const char *chain)
{
	nft_rule(builder->nft, chain);
	nft_destination_is_local(builder->nft);
	nft_destination(builder->nft, &loopback[builder->family], false);
	nft_verdict(builder->nft, NFT_JUMP, PORTS);
	nft_rule_end(builder->nft);
}

static const struct firewall_network *network_of(const struct firewall_rules *rules, const struct firewall_port *port)
{
	for (size_t i = 0; i < rules->network_count; i++)
		if (!strcmp(rules->networks[i].bridge, port->bridge))
			return &rules->networks[i];
	return NULL;
}

bool firewall_is_published(const struct firewall_rules *rules, const struct firewall_port *port)
{
	const struct firewall_network *network = network_of(rules, port);

	return network && !network->internal;
}

static void add_ports(const struct builder *builder)
{
	const struct firewall_rules *rules = builder->rules;

	nft_chain(builder->nft, PORTS);
	for (size_t i = 0; i < rules->port_count; i++)
		if (firewall_is_published(rules, &rules->ports[i]) &&
		    firewall_port_is_for(&rules->ports[i], builder->family))
			add_range(builder, &rules->ports[i]);
	nft_base_chain(builder->nft, "prerouting", "nat", NF_INET_PRE_ROUTING, PRIORITY_DNAT);
	jump_to_ports(builder, "prerouting");
	nft_base_chain(builder->nft, "output", "nat", NF_INET_LOCAL_OUT, PRIORITY_DNAT);
	jump_to_ports(builder, "output");
}

/* ---- the device's address instead of the container's ---- */

/* What leaves the network; and what comes back into it by a published port, or its answer would take the short way. */
static void masquerade_subnet(const struct builder *builder, const struct firewall_network *network)
{
	const struct subnet *subnet = &network->subnets[builder->family];

	if (!subnet->ip.family)
		return;
	nft_rule(builder->nft, "postrouting");
	nft_source(builder->nft, subnet, true);
	nft_out_interface(builder->nft, network->bridge, false);
	nft_masquerade(builder->nft);
	nft_rule_end(builder->nft);
	nft_rule(builder->nft, "postrouting");
	nft_source(builder->nft, subnet, true);
	nft_out_interface(builder->nft, network->bridge, true);
	nft_connection_status(builder->nft, IPS_DST_NAT);
	nft_masquerade(builder->nft);
	nft_rule_end(builder->nft);
}

static void add_postrouting(const struct builder *builder)
{
	const struct firewall_rules *rules = builder->rules;

	nft_base_chain(builder->nft, "postrouting", "nat", NF_INET_POST_ROUTING, PRIORITY_SNAT);
	for (size_t i = 0; i < rules->network_count; i++)
		if (!rules->networks[i].internal)
			masquerade_subnet(builder, &rules->networks[i]);
}

void firewall_build(struct nft *nft, const struct firewall_rules *rules, int family)
{
	struct builder builder = { nft, rules, family };

	nft_family(nft, family == IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6, FIREWALL_TABLE);
	nft_replace_table(nft);
	add_raw(&builder);
	add_forward(&builder);
	add_ports(&builder);
	add_postrouting(&builder);
}

size_t firewall_count(const struct firewall_rules *rules)
{
	size_t count = 4 * rules->network_count;

	for (size_t i = 0; i < rules->port_count; i++)
		count += rules->ports[i].host_first == rules->ports[i].target_first ? 1 : rules->ports[i].count;
	return count;
}
