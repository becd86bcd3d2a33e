/*
 * A bridge that somebody else has removed is made again, and the containers that were in it are put back. A container
 * whose interface is gone is started anew: only a start makes one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/networks/networks_parts.h"
#include "lib/log.h"

/* An interface goes with its namespace, too: then the container's process is no more, and how it has ended is told soon. */
static bool has_namespace(const struct container *container)
{
	char file[64];

	snprintf(file, sizeof(file), "/proc/%d/ns/net", (int)container->pid);
	return access(file, F_OK) == 0;
}

/* It has been given one, and has not ended since. */
static bool needs_interface(const struct container *container)
{
	return container->endpoint.network[0] && container->pid && !container->is_stopping &&
	       (container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED) && has_namespace(container);
}

static void start_anew(struct container *container, const char *link)
{
	if (link_index(&container->agent->networks.route, link, NULL) != -ENODEV || !needs_interface(container))
		return;
	log_warn("container %s: somebody has removed its interface %s: started anew", container->name, link);
	container_stop(container, -1);
}

static void put_back(struct agent *agent, const struct network *network)
{
	list_for_each(node, &agent->containers) {
		struct container *container = list_entry(node, struct container, node);
		char link[LINK_NAME_MAX + 1];
		struct err err = ERR_INIT;
		int rc;

		if (strcmp(container->endpoint.network, network->name) || !container_is_alive(container))
			continue;
		network_link_name(container, link);
		rc = bridge_attach(&agent->networks.route, network->interface, link, &err);
		if (rc > 0)
			log_info("container %s: is on network %s again", container->name, network->name);
		else if (rc == -ENODEV)
			start_anew(container, link);
		else if (rc < 0)
			log_warn("container %s: %s", container->name, err.text);
	}
}

static void repair(struct agent *agent, const struct network *network)
{
	struct err err = ERR_INIT;

	if (link_index(&agent->networks.route, network->interface, NULL) == -ENODEV) {
		log_warn("network %s: somebody has removed its bridge %s: made again", network->name,
			 network->interface);
		if (network_bring_up(agent, network, &err) < 0) {
			log_warn("network %s: %s", network->name, err.text);
			return;
		}
	}
	put_back(agent, network);
}

void networks_repair_links(struct agent *agent)
{
	list_for_each(node, &agent->networks.networks) {
		const struct network *network = list_entry(node, struct network, node);

		if (network_is_used(agent, network))
			repair(agent, network);
	}
}

static bool is_bridge(struct agent *agent, const char *name)
{
	list_for_each(node, &agent->networks.networks)
		if (!strcmp(list_entry(node, struct network, node)->interface, name))
			return true;
	return false;
}

static bool is_interface(struct agent *agent, const char *name)
{
	list_for_each(node, &agent->containers) {
		const struct container *container = list_entry(node, struct container, node);
		char link[LINK_NAME_MAX + 1];

		network_link_name(container, link);
		if (!strcmp(link, name))
			return needs_interface(container);
	}
	return false;
}

static bool is_missed(const char *name, void *data)
{
	return is_bridge(data, name) || is_interface(data, name);
}

static void links_changed(struct watch *watch, uint32_t events)
{
	struct agent *agent = watch->data;
	struct networks *networks = &agent->networks;

	(void)events;
	if (link_was_removed(&networks->link_events, is_missed, agent) && !timer_is_running(&networks->link_timer))
		timer_start(&agent->loop, &networks->link_timer, patience_delay_ms(&networks->link_patience),
			    networks_look_again, agent);
}

void networks_watch_links(struct agent *agent)
{
	struct networks *networks = &agent->networks;
	struct err err = ERR_INIT;

	if (link_listen(&networks->link_events, &err) < 0)
		log_warn("networks: %s", err.text);
	else
		watch_start(&agent->loop, &networks->link_watch, networks->link_events.fd, EPOLLIN, links_changed,
			    agent);
}
