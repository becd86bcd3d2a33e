/*
 * The device as a router. Forwarding is one switch of the kernel for all interfaces: where berth has turned it on, the
 * device is to be a router for its apps alone. So the firewall drops everything else, and the switch goes back when the last
 * rules do. A file in the run directory remembers it for the next agent.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/networks/networks_parts.h"
#include "lib/fd.h"
#include "lib/log.h"

static const char *const marks[IP_FAMILIES] = { [IPV4] = "router-ipv4", [IPV6] = "router-ipv6" };

static bool is_due(const struct networks *networks, const struct network_shape *shape, int family)
{
	/* Without the firewall the device would be a router for everybody. */
	return !networks->has_forwarding[family] && networks->has_nat[family] && shape->subnets[family].ip.family;
}

void router_prepare(struct agent *agent, const struct network_shape *shape)
{
	struct networks *networks = &agent->networks;

	for (int family = 0; family < IP_FAMILIES; family++) {
		int rc;

		if (!is_due(networks, shape, family) || firewall_forwards(family))
			continue;
		networks->is_router_ours[family] = true;
		rc = fd_replace_file_volatile(agent->run_fd, marks[family], "", 0, 0600);
		if (rc < 0)
			log_warn("networks: make %s in the run directory: %s", marks[family], strerror(-rc));
	}
}

void router_start(struct agent *agent, const struct network_shape *shape)
{
	struct networks *networks = &agent->networks;
	BUF_CLEANUP struct buf told = BUF_INIT;
	char *line, *rest;

	for (int family = 0; family < IP_FAMILIES; family++) {
		struct err err = ERR_INIT;

		if (!is_due(networks, shape, family))
			continue;
		networks->has_forwarding[family] = true;
		if (firewall_enable_forwarding(family, &told, &err) < 0)
			log_warn("networks: apps on a bridge don't reach the internet: %s", err.text);
	}
	for (rest = told.data; (line = strsep(&rest, "\n"));)
		if (*line)
			log_info("networks: %s", line);
}

void router_end(struct agent *agent, int family)
{
	struct networks *networks = &agent->networks;
	struct err err = ERR_INIT;

	networks->has_forwarding[family] = false;
	if (!networks->is_router_ours[family])
		return;
	networks->is_router_ours[family] = false;
	if (firewall_disable_forwarding(family, &err) < 0)
		log_warn("networks: %s", err.text);
	unlinkat(agent->run_fd, marks[family], 0);
}

bool router_recall(struct agent *agent)
{
	bool *is_ours = agent->networks.is_router_ours;

	for (int family = 0; family < IP_FAMILIES; family++)
		is_ours[family] = faccessat(agent->run_fd, marks[family], F_OK, 0) == 0;
	return is_ours[IPV4] || is_ours[IPV6];
}
