/* The subnets of a network: those that its section names, or free ones. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/network/pool.h"
#include "agent/networks/networks_parts.h"
#include "lib/fd.h"

/* The device's addresses and routes, and what other networks of ours have although they are not up. */
static int list_taken(struct agent *agent, const char *name, struct subnet **taken, size_t *count, struct err *err)
{
	int rc = link_taken_subnets(&agent->networks.route, taken, count, err);

	if (rc < 0)
		return rc;
	list_for_each(node, &agent->networks.networks) {
		const struct network *network = list_entry(node, struct network, node);

		if (!strcmp(network->name, name))
			continue;
		*taken = xrealloc(*taken, (*count + IP_FAMILIES) * sizeof(**taken));
		for (int family = 0; family < IP_FAMILIES; family++)
			if (network->shape.subnets[family].ip.family)
				(*taken)[(*count)++] = network->shape.subnets[family];
	}
	return 0;
}

/* What stays the same when the device's name in agent.ini changes, if there is such a thing. */
static void device_id(const struct agent *agent, struct buf *id)
{
	if (fd_read_file(AT_FDCWD, "/etc/machine-id", id, 64) < 0 || id->size < 32) {
		buf_clear(id);
		buf_append_text(id, agent->name);
	}
}

/* A subnet that agent.ini names must not take a route away: it could be the one to the registry. */
static int check_given(const struct subnet *given, const struct subnet *taken, size_t count,
		       const struct network_shape *old, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		char text[SUBNET_TEXT_MAX], other[SUBNET_TEXT_MAX];

		if (!pool_conflicts(given, &taken[i]) || subnet_equal(&taken[i], &old->subnets[IPV4]) ||
		    subnet_equal(&taken[i], &old->subnets[IPV6]))
			continue;
		subnet_format(given, text);
		subnet_format(&taken[i], other);
		return err_set(err, NETWORKS_OVERLAP, "subnet %s: this device has addresses or a route in %s: choose another", text,
			       other);
	}
	return 0;
}

/* Into `shape`, which has what the network has been until now, if it is not new. */
static int choose4(const struct network_config *section, const struct subnet *taken, size_t count,
		   struct network_shape *shape, struct err *err)
{
	int rc = 0;

	if (section->subnet.ip.family)
		rc = check_given(&section->subnet, taken, count, shape, err);
	else if (!shape->subnets[IPV4].ip.family)
		return pool_choose(&shape->subnets[IPV4], taken, count, err);
	if (!rc && section->subnet.ip.family)
		shape->subnets[IPV4] = section->subnet;
	return rc;
}

static int choose6(struct agent *agent, const char *name, const struct network_config *section,
		   const struct subnet *taken, size_t count, struct network_shape *shape, struct err *err)
{
	BUF_CLEANUP struct buf id = BUF_INIT;
	int rc = 0;

	if (section->no_subnet6 || !link_has_ipv6()) {
		shape->subnets[IPV6] = (struct subnet){ 0 };
	} else if (section->subnet6.ip.family) {
		rc = check_given(&section->subnet6, taken, count, shape, err);
		if (!rc)
			shape->subnets[IPV6] = section->subnet6;
	} else if (!shape->subnets[IPV6].ip.family) {
		device_id(agent, &id);
		rc = pool_choose6(&shape->subnets[IPV6], buf_text(&id), name, taken, count, err);
	}
	return rc;
}

int networks_choose(struct agent *agent, const char *name, const struct network_config *section,
		    struct network_shape *shape, struct err *err)
{
	FREE_CLEANUP struct subnet *taken = NULL;
	struct network_shape chosen = *shape;
	size_t count = 0;
	int rc = list_taken(agent, name, &taken, &count, err);

	chosen.internal = section->internal;
	chosen.mtu = section->mtu;
	if (!rc)
		rc = choose6(agent, name, section, taken, count, &chosen, err);
	if (!rc)
		rc = choose4(section, taken, count, &chosen, err);
	if (!rc)
		*shape = chosen;
	return rc;
}
