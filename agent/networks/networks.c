#include "agent/networks/networks_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/container/container.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"

#define RETRY_MS 5000
#define FORWARDER_END_NS (6LL * 1000 * 1000 * 1000) /* more than it waits for its ports (agent/network/forward.c) */
#define ID_DIGITS 12 /* of a container's ID in the name of its veth */
#define ARGS_MAX 600 /* two forwards of each published port, and what else there is */

/* --- networks --------------------------------------------------------------------------------- */

static struct network *find(struct agent *agent, const char *name)
{
	list_for_each(node, &agent->networks.networks) {
		struct network *network = list_entry(node, struct network, node);

		if (!strcmp(network->name, name))
			return network;
	}
	return NULL;
}

static struct network *add(struct agent *agent, const char *name, const struct network_shape *shape)
{
	struct network *network = xcalloc(1, sizeof(*network));

	network->name = xstrdup(name);
	network->shape = *shape;
	network_config_interface(name, network->interface);
	list_insert(&agent->networks.networks, &network->node);
	return network;
}

static void forget(struct network *network)
{
	list_remove(&network->node);
	free(network->name);
	free(network);
}

static int get(struct agent *agent, const char *name, struct network **out, struct err *err)
{
	struct network_shape shape = { 0 };
	struct network_config section;
	int rc = 0;

	*out = find(agent, name);
	if (*out)
		return 0;
	rc = networks_find_section(agent, name, &section, err);
	if (!rc)
		rc = networks_choose(agent, name, &section, &shape, err);
	if (!rc)
		*out = add(agent, name, &shape);
	return rc;
}

int network_bring_up(struct agent *agent, const struct network *network, struct err *err)
{
	struct networks *networks = &agent->networks;
	struct bridge bridge = { .name = network->interface, .mtu = (uint32_t)network->shape.mtu };

	for (int family = 0; family < IP_FAMILIES; family++) {
		bridge.subnets[family] = network->shape.subnets[family];
		if (bridge.subnets[family].ip.family)
			bridge.gateways[family] = subnet_address(&bridge.subnets[family], 1);
	}
	if (!bridge.mtu)
		bridge.mtu = link_uplink_mtu(&networks->route);
	networks->has_bridges = true;
	return bridge_apply(&networks->route, &bridge, err);
}

/* --- containers ------------------------------------------------------------------------------- */

struct ip endpoint_address(const struct endpoint *endpoint, int family)
{
	const struct subnet *subnet = &endpoint->shape.subnets[family];

	return endpoint->network[0] && subnet->ip.family ? subnet_address(subnet, endpoint->index) :
							   (struct ip){ 0 };
}

struct ip endpoint_gateway(const struct endpoint *endpoint, int family)
{
	const struct subnet *subnet = &endpoint->shape.subnets[family];

	return endpoint->network[0] && subnet->ip.family ? subnet_address(subnet, 1) : (struct ip){ 0 };
}

void network_link_name(const struct container *container, char name[static LINK_NAME_MAX + 1])
{
	snprintf(name, LINK_NAME_MAX + 1, "v%.*s", ID_DIGITS, container->id);
}

static bool holds_place(const struct container *container)
{
	return !container_has_ended(container) || container->state == CONTAINER_RESTARTING;
}

/*
 * The one before it may hold it still: they have one address, and publish the same ports. The settings of one whose
 * forwarder may not have ended yet; NULL: there is none.
 */
static const struct app_config *take_place(struct container *container)
{
	const struct app_config *before = NULL;

	list_for_each(node, &container->agent->containers) {
		struct container *other = list_entry(node, struct container, node);

		if (!container_has_ended(other) || strcmp(other->settings->name, container->settings->name))
			continue;
		other->endpoint = (struct endpoint){ 0 };
		if (time_now_ns() - other->finished_ns < FORWARDER_END_NS)
			before = other->settings;
	}
	return before;
}

static int open_route(struct agent *agent, struct err *err)
{
	struct networks *networks = &agent->networks;

	if (networks->route.fd < 0 && netlink_open(&networks->route, NETLINK_ROUTE, err) < 0)
		return err_context(err, "networks");
	return 0;
}

/* The firewall not before something is on a bridge: it loads kernel modules. */
static int open_kernel(struct agent *agent, struct err *err)
{
	int rc = open_route(agent, err);

	if (!rc && !agent->networks.is_open) {
		agent->networks.is_open = true;
		networks_open_rules(agent);
		networks_watch_links(agent);
	}
	return rc;
}

int networks_check(struct agent *agent, const struct app_config *settings, struct err *err)
{
	struct network *network;

	if (settings->network.kind == NETWORK_CONTAINER)
		return networks_check_joined(agent, settings, err);
	if (settings->network.kind != NETWORK_BRIDGE)
		return 0;
	networks_changed(agent);
	if (open_kernel(agent, err) < 0 || get(agent, settings->network.name, &network, err) < 0 ||
	    network_bring_up(agent, network, err) < 0) {
		err_context(err, "network = %s", settings->network.name);
		return is_kernel_lack(err->code) ? err->code = NETWORKS_LACK : err->code;
	}
	return 0;
}

bool is_kernel_lack(int code)
{
	return code == -EOPNOTSUPP || code == -EPROTONOSUPPORT || code == -EAFNOSUPPORT;
}

static int connect_container(struct container *container, const struct app_config *before, struct err *err)
{
	struct agent *agent = container->agent;
	const char *name = container->settings->network.name;
	struct endpoint endpoint = { 0 };
	char link[LINK_NAME_MAX + 1];
	struct network *network;
	int rc = networks_check(agent, container->settings, err);

	if (rc < 0)
		return rc;
	network = find(agent, name);
	rc = leases_take(agent, container->settings->name, name, subnet_room(&network->shape.subnets[IPV4]),
			 &endpoint.index, err);
	if (rc < 0)
		return rc;
	snprintf(endpoint.network, sizeof(endpoint.network), "%s", name);
	endpoint.shape = network->shape;
	container->endpoint = endpoint;
	/* What the forwarder listens on it finds out by itself. */
	if (networks_have_firewall(&agent->networks))
		rc = networks_check_ports(agent, container->settings, before, err);
	if (rc < 0) {
		container->endpoint = (struct endpoint){ 0 }; /* or they would be published all the same */
		return rc;
	}
	network_link_name(container, link);
	rc = link_remove(&agent->networks.route, link, err); /* of an end that no agent has seen */
	if (!rc && !endpoint.shape.internal)
		router_prepare(agent, &endpoint.shape);
	if (!rc)
		rc = networks_apply_rules(agent, err);
	if (!rc && !endpoint.shape.internal)
		router_start(agent, &endpoint.shape);
	return rc;
}

int networks_prepare(struct container *container, struct err *err)
{
	const struct app_config *before = take_place(container);

	return container->settings->network.kind == NETWORK_BRIDGE ? connect_container(container, before, err) : 0;
}

static void put_arg(char **args, size_t *count, const char *option, char *value)
{
	args[(*count)++] = xstrdup(option);
	args[(*count)++] = value; /* taken */
}

static void put_addresses(const struct endpoint *endpoint, char **args, size_t *count)
{
	for (int family = 0; family < IP_FAMILIES; family++) {
		struct ip address = endpoint_address(endpoint, family), gateway = endpoint_gateway(endpoint, family);
		char text[IP_TEXT_MAX];

		if (!address.family)
			continue;
		ip_format(&address, text);
		put_arg(args, count, "--address", xasprintf("%s/%d", text, endpoint->shape.subnets[family].bits));
		ip_format(&gateway, text);
		if (!endpoint->shape.internal)
			put_arg(args, count, "--gateway", xstrdup(text));
	}
}

char **networks_attach_args(const struct container *container)
{
	const struct endpoint *endpoint = &container->endpoint;
	char interface[NETWORK_INTERFACE_SIZE], link[LINK_NAME_MAX + 1];
	struct netlink *route = &container->agent->networks.route;
	char **args;
	size_t count = 0;

	if (!endpoint->network[0])
		return NULL;
	args = xcalloc(ARGS_MAX + 1, sizeof(*args));
	network_config_interface(endpoint->network, interface);
	network_link_name(container, link);
	put_arg(args, &count, "berth", xstrdup("attach-network"));
	put_arg(args, &count, "--bridge", xstrdup(interface));
	put_arg(args, &count, "--host-name", xstrdup(link));
	put_addresses(endpoint, args, &count);
	put_arg(args, &count, "--mtu",
		xasprintf("%u", endpoint->shape.mtu ? (unsigned int)endpoint->shape.mtu : link_uplink_mtu(route)));
	networks_forwards(container, args, &count, ARGS_MAX);
	return args;
}

void networks_ended(struct container *container)
{
	char link[LINK_NAME_MAX + 1];
	struct err err = ERR_INIT;

	if (!container->endpoint.network[0])
		return;
	network_link_name(container, link);
	/* Not open yet: a former agent's, which the kernel removes as well, when nobody shares its namespace. */
	if (container->agent->networks.route.fd >= 0 &&
	    link_remove(&container->agent->networks.route, link, &err) < 0)
		log_warn("container %s: %s", container->name, err.text);
	networks_changed(container->agent);
}

/* --- what nobody needs ------------------------------------------------------------------------ */

static void leave_places(struct agent *agent)
{
	list_for_each(node, &agent->containers) {
		struct container *container = list_entry(node, struct container, node);

		if (!holds_place(container))
			container->endpoint = (struct endpoint){ 0 };
	}
	leases_review(agent);
}

bool network_is_used(struct agent *agent, const struct network *network)
{
	list_for_each(node, &agent->containers)
		if (!strcmp(list_entry(node, struct container, node)->endpoint.network, network->name))
			return true;
	return false;
}

static void remove_bridges(struct agent *agent)
{
	struct networks *networks = &agent->networks;
	const char *used[FIREWALL_NETWORKS_MAX];
	struct err err = ERR_INIT;
	size_t count = 0;
	int others = 0;

	list_for_each_safe(node, &networks->networks) {
		struct network *network = list_entry(node, struct network, node);

		/* What was free for it may not be any more when it is needed again. */
		if (!network_is_used(agent, network))
			forget(network);
		else if (count < FIREWALL_NETWORKS_MAX)
			used[count++] = network->interface;
	}
	if (networks->has_bridges)
		others = bridge_remove_others(&networks->route, used, count, &err);
	if (others < 0)
		log_warn("networks: %s", err.text);
	networks->has_bridges = count > 0 || others;
}

static void settle(struct timer *timer)
{
	struct agent *agent = timer->data;
	struct err err = ERR_INIT;

	leave_places(agent);
	networks_refresh_names(agent);
	if (!agent->networks.is_open)
		return;
	networks_repair_links(agent);
	if (networks_apply_rules(agent, &err) < 0) {
		log_warn("networks: %s (tried again every %d s)", err.text, RETRY_MS / 1000);
		timer_start(&agent->loop, &agent->networks.timer, RETRY_MS, settle, agent);
	}
	remove_bridges(agent); /* last: rules that name one keep nothing of it */
}

void networks_changed(struct agent *agent)
{
	timer_start(&agent->loop, &agent->networks.timer, 0, settle, agent);
}

void networks_look_again(struct timer *timer)
{
	networks_changed(timer->data);
}

/* --- agent.ini -------------------------------------------------------------------------------- */

static bool is_same(const struct network_shape *a, const struct network_shape *b)
{
	return subnet_equal(&a->subnets[IPV4], &b->subnets[IPV4]) && subnet_equal(&a->subnets[IPV6], &b->subnets[IPV6]) &&
	       a->internal == b->internal && a->mtu == b->mtu;
}

/* It is started again at once: its app wants it to run. */
static void restart_on(struct agent *agent, const char *network)
{
	list_for_each(node, &agent->containers) {
		struct container *container = list_entry(node, struct container, node);

		if (strcmp(container->endpoint.network, network) || !container_is_alive(container))
			continue;
		log_info("container %s: [network %s] has changed: started anew", container->name, network);
		container_stop(container, -1);
	}
}

static void reconfigure(struct agent *agent, struct network *network)
{
	struct network_shape shape = network->shape;
	struct network_config section;
	struct err err = ERR_INIT;

	if (networks_find_section(agent, network->name, &section, &err) < 0)
		return; /* whoever is on it leaves */
	if (networks_choose(agent, network->name, &section, &shape, &err) < 0) {
		log_error("[network %s] stays as it is: %s", network->name, err.text);
		return;
	}
	if (is_same(&shape, &network->shape))
		return;
	network->shape = shape;
	restart_on(agent, network->name);
}

void networks_reconfigure(struct agent *agent)
{
	list_for_each(node, &agent->networks.networks)
		reconfigure(agent, list_entry(node, struct network, node));
	networks_changed(agent);
}

/* --- from one agent to the next --------------------------------------------------------------- */

json_t *networks_describe(const struct container *container)
{
	const struct endpoint *endpoint = &container->endpoint;
	char subnets[IP_FAMILIES][SUBNET_TEXT_MAX];
	json_t *json;

	if (!endpoint->network[0])
		return NULL;
	for (int family = 0; family < IP_FAMILIES; family++)
		subnet_format(&endpoint->shape.subnets[family], subnets[family]);
	json = json_pack("{s:s, s:s, s:s, s:b, s:i, s:i}", "name", endpoint->network, "subnet", subnets[IPV4], "subnet6",
			 subnets[IPV6], "internal", endpoint->shape.internal, "mtu", endpoint->shape.mtu, "index",
			 (int)endpoint->index);
	if (!json)
		die_no_memory();
	return json;
}

static void recall_subnet(const json_t *json, const char *key, struct subnet *subnet)
{
	const char *text = "";

	if (json_get_string(json, key, &text, NULL) > 0 && *text)
		subnet_parse(subnet, text, NULL);
}

void networks_recall(struct container *container, const json_t *json)
{
	struct endpoint endpoint = { 0 };
	const char *name = "";
	int64_t index = 0, mtu = 0;

	if (!json || json_get_string(json, "name", &name, NULL) <= 0 ||
	    json_get_int(json, "index", &index, NULL) <= 0 || index < 2 || index > INT32_MAX ||
	    app_name_check(name, APP_NAME_MAX, NULL) < 0)
		return;
	recall_subnet(json, "subnet", &endpoint.shape.subnets[IPV4]);
	recall_subnet(json, "subnet6", &endpoint.shape.subnets[IPV6]);
	json_get_bool(json, "internal", &endpoint.shape.internal, NULL);
	json_get_int(json, "mtu", &mtu, NULL);
	endpoint.shape.mtu = (int)mtu;
	endpoint.index = (uint32_t)index;
	snprintf(endpoint.network, sizeof(endpoint.network), "%s", name);
	container->endpoint = endpoint;
}

/* What runs says how networks are. An app whose container has ended gets its address again if nobody has it. */
static void recall_places(struct agent *agent, bool are_alive)
{
	list_for_each(node, &agent->containers) {
		const struct container *container = list_entry(node, struct container, node);
		const struct endpoint *endpoint = &container->endpoint;
		struct err err = ERR_INIT;

		if (!endpoint->network[0] || container_is_alive(container) != are_alive)
			continue;
		leases_recall(agent, container->settings->name, endpoint->network, endpoint->index);
		if (!are_alive)
			continue;
		if (open_kernel(agent, &err) < 0)
			log_warn("%s", err.text);
		if (!find(agent, endpoint->network))
			add(agent, endpoint->network, &endpoint->shape);
	}
}

static void warn_of_lacks(struct agent *agent)
{
	for (size_t i = 0; i < agent->config->app_count; i++) {
		const struct app_config *app = &agent->config->apps[i];
		struct err err = ERR_INIT;

		if (app->network.kind == NETWORK_BRIDGE && networks_check(agent, app, &err) == NETWORKS_LACK) {
			log_warn("apps on a bridge can't be started on this device: %s", err.text);
			return;
		}
	}
}

void networks_start(struct agent *agent)
{
	struct err err = ERR_INIT;

	/* What is left to be undone, though nobody may be on a bridge any more. */
	if (router_recall(agent) && open_kernel(agent, &err) < 0)
		log_warn("%s", err.text);
	recall_places(agent, true);
	recall_places(agent, false);
	/* What a former agent has left, and nobody is on: its routes would be in the way. */
	leave_places(agent);
	if (open_route(agent, &err) < 0)
		log_warn("%s", err.text);
	else
		remove_bridges(agent);
	warn_of_lacks(agent);
	networks_watch_resolv(agent);
	networks_reconfigure(agent);
}

void networks_init(struct networks *networks)
{
	*networks = (struct networks){ .route.fd = -1, .link_events.fd = -1, .resolv_fd = -1, .has_bridges = true };
	list_init(&networks->networks);
	list_init(&networks->leases);
}

void networks_release(struct networks *networks)
{
	timer_stop(&networks->timer);
	timer_stop(&networks->firewall_timer);
	timer_stop(&networks->resolv_timer);
	timer_stop(&networks->link_timer);
	watch_stop(&networks->firewall_watch);
	watch_stop(&networks->link_watch);
	watch_stop(&networks->resolv_watch);
	if (networks_have_firewall(networks))
		firewall_close(&networks->firewall);
	netlink_close(&networks->route);
	netlink_close(&networks->link_events);
	fd_close(&networks->resolv_fd);
	list_for_each_safe(node, &networks->networks)
		forget(list_entry(node, struct network, node));
	leases_release(networks);
	buf_release(&networks->rules);
}

bool networks_shape(struct agent *agent, const char *name, struct network_shape *shape)
{
	const struct network *network = find(agent, name);

	*shape = network ? network->shape : (struct network_shape){ 0 };
	return network && network_is_used(agent, network);
}
