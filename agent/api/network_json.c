#include "agent/api/network_json.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/container/container.h"
#include "lib/fd.h"
#include "lib/sha256.h"

#define PORTS_MAX 1024 /* of one range, each of which Docker lists on its own */

void network_id(const char *name, char id[static NETWORK_ID_SIZE])
{
	_Static_assert(NETWORK_ID_SIZE == SHA256_HEX + 1, "a network's ID is a digest of its name");
	sha256_hex(name, strlen(name), id);
}

static json_t *ip_json(const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	ip_format(ip, text);
	return json_string(text);
}

/* Of the first address: what the container's interface got from it (agent/network/attach.h). */
static json_t *mac_json(const struct endpoint *endpoint)
{
	struct ip ip = endpoint_address(endpoint, IPV4);
	unsigned char mac[LINK_MAC_BYTES];
	char text[LINK_MAC_TEXT_MAX];

	if (!ip.family)
		return json_string("");
	link_mac_of(mac, &ip);
	link_mac_format(mac, text);
	return json_string(text);
}

static json_t *endpoint_json(const struct container *container)
{
	const struct endpoint *endpoint = &container->endpoint;
	struct ip ip = endpoint_address(endpoint, IPV4), ip6 = endpoint_address(endpoint, IPV6);
	struct ip gateway = endpoint_gateway(endpoint, IPV4), gateway6 = endpoint_gateway(endpoint, IPV6);
	char id[NETWORK_ID_SIZE];

	network_id(container->settings->network.name, id);
	if (endpoint->shape.internal)
		gateway = gateway6 = (struct ip){ 0 };
	return answer_pack("{s:n, s:n, s:s, s:s, s:o, s:o, s:i, s:o, s:o, s:i, s:o, s:[s]}", "IPAMConfig", "Links",
			   "NetworkID", id, "EndpointID", endpoint->network[0] ? container->id : "", "Gateway",
			   ip_json(&gateway), "IPAddress", ip_json(&ip), "IPPrefixLen",
			   ip.family ? endpoint->shape.subnets[IPV4].bits : 0, "IPv6Gateway", ip_json(&gateway6),
			   "GlobalIPv6Address", ip_json(&ip6), "GlobalIPv6PrefixLen",
			   ip6.family ? endpoint->shape.subnets[IPV6].bits : 0, "MacAddress", mac_json(endpoint),
			   "Aliases", container->settings->name);
}

json_t *network_mode_json(const struct container *container)
{
	const struct container *joined = networks_joined(container);
	char *text FREE_CLEANUP = joined ? xasprintf("container:%s", joined->id) :
					   app_network_text(&container->settings->network);

	return answer_text(text);
}

/* One that joins another's network has none of its own, as Docker has it. */
json_t *network_endpoints_json(const struct container *container)
{
	const struct app_network *settings = &container->settings->network;

	return settings->kind == NETWORK_CONTAINER ?
		       answer_pack("{}") :
		       answer_pack("{s:o}", settings->name, endpoint_json(container));
}

/* --- ports ------------------------------------------------------------------------------------ */

/* Calls back for each published port with the addresses of the device that it has: Docker lists both families. */
typedef void each_port(json_t *out, const struct app_publish *publish, int offset, const char *ip);

static void list_ports(const struct container *container, json_t *out, each_port *each)
{
	const struct app_network *settings = &container->settings->network;

	for (size_t i = 0; i < settings->publish_count; i++) {
		const struct app_publish *publish = &settings->publishes[i];
		char ip[IP_TEXT_MAX];

		ip_format(&publish->ip, ip);
		for (int offset = 0; offset <= publish->last - publish->first && offset < PORTS_MAX; offset++) {
			each(out, publish, offset, *ip ? ip : "0.0.0.0");
			if (!*ip)
				each(out, publish, offset, "::");
		}
	}
}

static const char *protocol(const struct app_publish *publish)
{
	return publish->is_udp ? "udp" : "tcp";
}

static void append_port(json_t *out, const struct app_publish *publish, int offset, const char *ip)
{
	json_array_append_new(out, answer_pack("{s:s, s:i, s:i, s:s}", "IP", ip, "PrivatePort",
					       publish->to + offset, "PublicPort", publish->first + offset, "Type",
					       protocol(publish)));
}

/* {"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}, ...]} */
static void append_binding(json_t *out, const struct app_publish *publish, int offset, const char *ip)
{
	char key[16], port[8];
	json_t *list;

	snprintf(key, sizeof(key), "%u/%s", (unsigned int)(uint16_t)(publish->to + offset), protocol(publish));
	snprintf(port, sizeof(port), "%u", (unsigned int)(uint16_t)(publish->first + offset));
	list = json_object_get(out, key);
	if (!list) {
		list = answer_pack("[]");
		json_object_set_new(out, key, list);
	}
	json_array_append_new(list, answer_pack("{s:s, s:s}", "HostIp", ip, "HostPort", port));
}

json_t *network_ports_json(const struct container *container)
{
	json_t *array = answer_pack("[]");

	if (container->endpoint.network[0])
		list_ports(container, array, append_port);
	return array;
}

json_t *network_bindings_json(const struct container *container)
{
	json_t *object = answer_pack("{}");

	list_ports(container, object, append_binding);
	return object;
}

json_t *network_settings_json(const struct container *container)
{
	static const char *const of_bridge[] = { "EndpointID", "Gateway", "IPAddress", "IPPrefixLen", "IPv6Gateway",
						 "GlobalIPv6Address", "GlobalIPv6PrefixLen", "MacAddress" };
	json_t *networks = network_endpoints_json(container);
	json_t *ports = container->endpoint.network[0] ? network_bindings_json(container) : answer_pack("{}");
	json_t *json = answer_pack("{s:s, s:s, s:s, s:o, s:o}", "Bridge", "", "SandboxID", "", "SandboxKey", "",
				   "Ports", ports, "Networks", networks);

	/* What clients of old looked at: the address on the network called bridge. */
	for (size_t i = 0; i < sizeof(of_bridge) / sizeof(*of_bridge); i++) {
		json_t *value = json_object_get(json_object_get(networks, NETWORK_DEFAULT), of_bridge[i]);

		if (value)
			json_object_set(json, of_bridge[i], value);
	}
	return json;
}

/* --- networks --------------------------------------------------------------------------------- */

static const char *driver(const char *name)
{
	return !strcmp(name, "host") ? "host" : !strcmp(name, "none") ? "null" : "bridge";
}

static json_t *pools_json(const struct network_shape *shape)
{
	json_t *array = answer_pack("[]");

	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct subnet *subnet = &shape->subnets[family];
		struct ip gateway = subnet_address(subnet, 1);
		char text[SUBNET_TEXT_MAX];

		subnet_format(subnet, text);
		if (*text)
			json_array_append_new(array, answer_pack("{s:s, s:o}", "Subnet", text, "Gateway",
								 ip_json(&gateway)));
	}
	return array;
}

static json_t *with_bits(const struct endpoint *endpoint, int family)
{
	struct ip ip = endpoint_address(endpoint, family);
	char text[SUBNET_TEXT_MAX];

	subnet_format(&(struct subnet){ ip, endpoint->shape.subnets[family].bits }, text);
	return json_string(text);
}

static json_t *containers_json(struct agent *agent, const char *name)
{
	json_t *object = answer_pack("{}");

	list_for_each(node, &agent->containers) {
		const struct container *container = list_entry(node, struct container, node);
		const struct endpoint *endpoint = &container->endpoint;

		if (strcmp(endpoint->network, name))
			continue;
		json_object_set_new(object, container->id,
				    answer_pack("{s:s, s:s, s:o, s:o, s:o}", "Name", container->name, "EndpointID",
						container->id, "MacAddress", mac_json(endpoint), "IPv4Address",
						with_bits(endpoint, IPV4), "IPv6Address", with_bits(endpoint, IPV6)));
	}
	return object;
}

static json_t *options_json(const char *name, const struct network_shape *shape)
{
	char interface[NETWORK_INTERFACE_SIZE], mtu[16];
	json_t *options;

	if (strcmp(driver(name), "bridge"))
		return answer_pack("{}");
	network_config_interface(name, interface);
	options = answer_pack("{s:s}", "com.docker.network.bridge.name", interface);
	snprintf(mtu, sizeof(mtu), "%d", shape->mtu);
	if (shape->mtu)
		json_object_set_new(options, "com.docker.network.driver.mtu", json_string(mtu));
	return options;
}

json_t *network_json(struct agent *agent, const char *name, const struct network_config *section)
{
	struct network_shape shape;
	char id[NETWORK_ID_SIZE];

	network_id(name, id);
	/* Before a container is on it only what its section says is known. */
	if (!networks_shape(agent, name, &shape) && section)
		shape = (struct network_shape){ { section->subnet, section->subnet6 }, section->internal, section->mtu };
	return answer_pack(
		"{s:s, s:s, s:o, s:s, s:s, s:b, s:{s:s, s:n, s:o}, s:b, s:b, s:b, s:{s:s}, s:b, s:o, s:o, s:{}}", "Name",
		name, "Id", id, "Created", answer_time(0), "Scope", "local", "Driver", driver(name), "EnableIPv6",
		shape.subnets[IPV6].ip.family != 0, "IPAM", "Driver", "default", "Options", "Config",
		pools_json(&shape), "Internal", shape.internal, "Attachable", 0, "Ingress", 0, "ConfigFrom",
		"Network", "", "ConfigOnly", 0, "Containers", containers_json(agent, name), "Options",
		options_json(name, &shape), "Labels");
}
