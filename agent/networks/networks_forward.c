/* Published ports that nf_tables can't do: what the forwarder of a container's hook is to listen on. */
#include <netinet/in.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/network/forward.h"
#include "agent/networks/networks_parts.h"

static struct forward forward_of(const struct app_publish *publish, struct ip bind, struct ip target)
{
	return (struct forward){
		.protocol = publish->is_udp ? IPPROTO_UDP : IPPROTO_TCP,
		.bind = bind,
		.target = target,
		.host_first = publish->first,
		.target_first = publish->to,
		.count = (uint16_t)(publish->last - publish->first + 1),
	};
}

/* Of this address of the device: what of it can the kernel not do? An absent one means nothing. */
static struct ip left_over(const struct agent *agent, struct ip bind, const struct ip *target)
{
	static const struct ip loopbacks[] = { { AF_INET, { 127, [3] = 1 } }, { AF_INET6, { [15] = 1 } } };
	int family = bind.family == AF_INET ? IPV4 : IPV6;

	if (bind.family == AF_INET6 && !link_has_ipv6())
		return (struct ip){ 0 };
	if (!agent->networks.has_nat[family] || target->family != bind.family || ip_is_loopback(&bind))
		return bind;
	/* IPv6 has no route_localnet, and with IPv4's the loopback is open to apps when somebody removes the rules. */
	return ip_is_unspecified(&bind) ? loopbacks[family] : (struct ip){ 0 };
}

static void put_forward(const struct container *container, const struct app_publish *publish,
			int family, char **args, size_t *count)
{
	const struct endpoint *endpoint = &container->endpoint;
	struct ip any = { .family = family }, target = endpoint_address(endpoint, family == AF_INET ? IPV4 : IPV6);
	BUF_CLEANUP struct buf spec = BUF_INIT;
	struct forward forward;

	if (publish->ip.family && publish->ip.family != family)
		return;
	if (!target.family)
		target = endpoint_address(endpoint, family == AF_INET ? IPV6 : IPV4);
	forward = forward_of(publish, publish->ip.family ? publish->ip : any, target);
	forward.bind = left_over(container->agent, forward.bind, &target);
	if (!forward.bind.family)
		return;
	forward_format(&forward, &spec);
	args[(*count)++] = xstrdup("--forward");
	args[(*count)++] = buf_steal(&spec);
}

void networks_forwards(const struct container *container, char **args, size_t *count, size_t most)
{
	const struct app_network *settings = &container->settings->network;

	if (container->endpoint.shape.internal)
		return;
	for (size_t i = 0; i < settings->publish_count && *count + 4 <= most; i++) {
		put_forward(container, &settings->publishes[i], AF_INET, args, count);
		put_forward(container, &settings->publishes[i], AF_INET6, args, count);
	}
}
