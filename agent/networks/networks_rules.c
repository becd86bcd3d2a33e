/* What containers publish, and what keeps networks apart: from endpoints to the firewall. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/networks/networks_parts.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/time.h"

/* Whoever took our tables away may not be done yet; and one that does so again and again is not fought with. */
#define AGAIN_MS 100
#define AGAIN_NEXT_MS 1000
#define AGAIN_MAX_MS 60000

struct rules {
	struct firewall_network *networks;
	char (*bridges)[NETWORK_INTERFACE_SIZE]; /* what they name */
	size_t network_count;
	struct firewall_port *ports;
	size_t port_count;
};

static void rules_release(struct rules *rules)
{
	free(rules->networks);
	free(rules->bridges);
	free(rules->ports);
}

static const char *add_network(struct rules *rules, const struct endpoint *endpoint)
{
	char bridge[NETWORK_INTERFACE_SIZE];
	struct firewall_network *network = &rules->networks[rules->network_count];

	network_config_interface(endpoint->network, bridge);
	for (size_t i = 0; i < rules->network_count; i++)
		if (!strcmp(rules->bridges[i], bridge))
			return rules->bridges[i];
	memcpy(rules->bridges[rules->network_count], bridge, sizeof(bridge));
	network->bridge = rules->bridges[rules->network_count++];
	network->internal = endpoint->shape.internal;
	for (int family = 0; family < IP_FAMILIES; family++)
		network->subnets[family] = endpoint->shape.subnets[family];
	return network->bridge;
}

static struct firewall_port port_of(const struct endpoint *endpoint, const char *bridge,
				    const struct app_publish *publish)
{
	return (struct firewall_port){
		.bridge = bridge,
		.targets = { endpoint_address(endpoint, IPV4), endpoint_address(endpoint, IPV6) },
		.protocol = publish->is_udp ? IPPROTO_UDP : IPPROTO_TCP,
		.bind = publish->ip,
		.host_first = publish->first,
		.target_first = publish->to,
		.count = (uint16_t)(publish->last - publish->first + 1),
	};
}

/* The kernel can't do this family: the forwarder has its ports. */
static void leave_out(struct rules *rules, int family)
{
	for (size_t i = 0; i < rules->network_count; i++)
		rules->networks[i].subnets[family] = (struct subnet){ 0 };
	for (size_t i = 0; i < rules->port_count; i++)
		rules->ports[i].targets[family] = (struct ip){ 0 };
}

static void collect_rules(struct agent *agent, struct rules *rules)
{
	size_t containers = 0, ports = 0;

	list_for_each(node, &agent->containers) {
		containers++;
		ports += list_entry(node, struct container, node)->settings->network.publish_count;
	}
	rules->networks = xcalloc(containers + 1, sizeof(*rules->networks));
	rules->bridges = xcalloc(containers + 1, sizeof(*rules->bridges));
	rules->ports = xcalloc(ports + 1, sizeof(*rules->ports));
	list_for_each(node, &agent->containers) {
		const struct container *container = list_entry(node, struct container, node);
		const struct app_network *settings = &container->settings->network;
		const char *bridge;

		if (!container->endpoint.network[0])
			continue;
		bridge = add_network(rules, &container->endpoint);
		for (size_t i = 0; i < settings->publish_count; i++)
			rules->ports[rules->port_count++] =
				port_of(&container->endpoint, bridge, &settings->publishes[i]);
	}
	for (int family = 0; family < IP_FAMILIES; family++)
		if (!agent->networks.has_nat[family])
			leave_out(rules, family);
}

static bool publishes(const struct app_config *app, const struct app_publish *wanted)
{
	for (size_t i = 0; app && i < app->network.publish_count; i++) {
		const struct app_publish *own = &app->network.publishes[i];

		if (own->is_udp == wanted->is_udp && own->first <= wanted->last && wanted->first <= own->last)
			return true;
	}
	return false;
}

int networks_check_ports(struct agent *agent, const struct app_config *settings, const struct app_config *own,
			 struct err *err)
{
	static const struct endpoint nowhere;
	struct network_shape shape;
	int rc = 0;

	networks_shape(agent, settings->network.name, &shape);
	for (size_t i = 0; !rc && !shape.internal && i < settings->network.publish_count; i++) {
		const struct app_publish *publish = &settings->network.publishes[i];
		const struct firewall_port port = port_of(&nowhere, "", publish);

		if (!publishes(own, publish))
			rc = firewall_check_port(&port, err);
	}
	return rc;
}

static void append_ip(struct buf *out, const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	ip_format(ip, text);
	buf_append_format(out, " %s", *text ? text : "-");
}

/* Only to be compared with the text of the last ones. */
static void describe(const struct networks *networks, const struct rules *rules, struct buf *out)
{
	char text[SUBNET_TEXT_MAX];

	buf_append_format(out, "rules %d %d\n", networks->is_router_ours[IPV4], networks->is_router_ours[IPV6]);
	for (size_t i = 0; i < rules->network_count; i++) {
		const struct firewall_network *network = &rules->networks[i];

		buf_append_format(out, "%s %d", network->bridge, network->internal);
		for (int family = 0; family < IP_FAMILIES; family++) {
			subnet_format(&network->subnets[family], text);
			buf_append_format(out, " %s", *text ? text : "-");
		}
		buf_append_text(out, "\n");
	}
	for (size_t i = 0; i < rules->port_count; i++) {
		const struct firewall_port *port = &rules->ports[i];

		buf_append_format(out, "%s %d %d %d %d", port->bridge, port->protocol, port->host_first,
				  port->target_first, port->count);
		append_ip(out, &port->targets[IPV4]);
		append_ip(out, &port->targets[IPV6]);
		append_ip(out, &port->bind);
		buf_append_text(out, "\n");
	}
}

bool networks_have_firewall(const struct networks *networks)
{
	return networks->has_nat[IPV4] || networks->has_nat[IPV6];
}

/* Without what the kernel lacks. A former agent's tables would lead to addresses that are another app's now. */
static void go_without(struct networks *networks, const struct err *why)
{
	for (int family = 0; family < IP_FAMILIES; family++)
		networks->has_nat[family] &= !networks->firewall.lacks[family];
	log_warn("networks: %s. %s published ports are forwarded by a process of berth, and apps on a bridge don't reach "
		 "beyond the device", why->text,
		 networks->has_nat[IPV4] ? "By IPv6" : networks->has_nat[IPV6] ? "By IPv4" : "So");
	if (networks_have_firewall(networks))
		return;
	firewall_remove(&networks->firewall, NULL);
	watch_stop(&networks->firewall_watch);
	firewall_close(&networks->firewall);
}

/* Nobody is cut off from rules that are in use, or left with forwarding and nothing that filters it. */
static bool is_needed(const struct networks *networks)
{
	for (int family = 0; family < IP_FAMILIES; family++)
		if (networks->firewall.lacks[family] && (networks->has_rules[family] || networks->has_forwarding[family]))
			return true;
	return false;
}

static int apply(struct agent *agent, const struct rules *rules, struct err *err)
{
	const struct firewall_rules wanted = {
		.networks = rules->networks,
		.network_count = rules->network_count,
		.ports = rules->ports,
		.port_count = rules->port_count,
		.only_ours = { agent->networks.is_router_ours[IPV4], agent->networks.is_router_ours[IPV6] },
	};
	int rc;

	for (int family = 0; family < IP_FAMILIES; family++)
		if (!firewall_has_family(&wanted, family))
			router_end(agent, family);
	rc = firewall_apply(&agent->networks.firewall, &wanted, err);
	for (int family = 0; !rc && family < IP_FAMILIES; family++)
		agent->networks.has_rules[family] = firewall_has_family(&wanted, family);
	return rc;
}

int networks_apply_rules(struct agent *agent, struct err *err)
{
	__attribute__((cleanup(rules_release))) struct rules rules = { 0 };
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct err local = ERR_INIT;
	struct networks *networks = &agent->networks;
	int rc;

	if (!networks_have_firewall(networks))
		return 0;
	collect_rules(agent, &rules);
	describe(networks, &rules, &text);
	if (!strcmp(buf_text(&text), buf_text(&networks->rules)))
		return 0;
	rc = apply(agent, &rules, &local);
	if (is_kernel_lack(rc) && is_needed(networks))
		return err_set(err, NETWORKS_LACK, "%s; or the network has no IPv6: subnet6 = none", local.text);
	if (is_kernel_lack(rc)) {
		go_without(networks, &local);
		return networks_apply_rules(agent, err);
	}
	buf_clear(&networks->rules);
	if (rc < 0)
		return err_set(err, rc, "%s", local.text);
	buf_append(&networks->rules, text.data, text.size);
	return 0;
}

int64_t patience_delay_ms(struct patience *patience)
{
	int64_t now = time_monotonic_ms(), delay = 2 * patience->delay_ms;

	if (!patience->delay_ms || now - patience->again_ms > AGAIN_MAX_MS)
		delay = AGAIN_MS;
	else if (delay < AGAIN_NEXT_MS)
		delay = AGAIN_NEXT_MS;
	else if (delay > AGAIN_MAX_MS)
		delay = AGAIN_MAX_MS;
	patience->delay_ms = delay;
	patience->again_ms = now + delay;
	return delay;
}

static void tables_changed(struct watch *watch, uint32_t events)
{
	struct agent *agent = watch->data;

	(void)events;
	if (!firewall_was_changed(&agent->networks.firewall))
		return;
	/* Also when they are about to be set again: something else may have set them meanwhile. */
	buf_clear(&agent->networks.rules);
	if (timer_is_running(&agent->networks.firewall_timer))
		return;
	log_warn("networks: somebody has changed berth's firewall rules: set again");
	timer_start(&agent->loop, &agent->networks.firewall_timer,
		    patience_delay_ms(&agent->networks.firewall_patience), networks_look_again, agent);
}

void networks_open_rules(struct agent *agent)
{
	struct networks *networks = &agent->networks;
	struct err err = ERR_INIT;

	networks->has_nat[IPV4] = networks->has_nat[IPV6] = true;
	if (firewall_open(&networks->firewall, &err) < 0) {
		go_without(networks, &err);
		return;
	}
	watch_start(&agent->loop, &networks->firewall_watch, networks->firewall.events.fd, EPOLLIN,
		    tables_changed, agent);
}
