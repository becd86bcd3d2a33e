/*
 * networks - the bridges that containers are on: the agent's side of agent/network/.
 *
 * A network comes into being when a container is to be started on it: its subnets are chosen, the bridge is
 * made, the container's app gets an address and keeps it until it leaves agent.ini, over updates and restarts of the
 * agent. What the kernel should have follows from the containers alone and is set as a whole:
 *
 *	networks_prepare(container)	before it starts: bridge, address, firewall
 *	networks_changed(agent)		after anything else: soon, what nobody needs is removed
 *
 * A container that is being restarted keeps its place: names and published ports wait for it.
 * Nothing of this is on flash. container.json says where a container is (networks_describe(), networks_recall()),
 * so the next agent finds it as it was; the network runs on meanwhile.
 */
#ifndef AGENT_NETWORKS_NETWORKS_H
#define AGENT_NETWORKS_NETWORKS_H

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/loop.h"
#include "agent/network/firewall.h"
#include "agent/network/link.h"
#include "config/app_config.h"
#include "config/network_config.h"
#include "lib/buf.h"
#include "lib/list.h"

struct agent;
struct app;
struct container;

/* What all containers on a network have in common. */
struct network_shape {
	struct subnet subnets[IP_FAMILIES]; /* either may be absent */
	bool internal;
	int mtu; /* 0: the uplink's */
};

/* Where a container is; part of it. */
struct endpoint {
	char network[APP_NAME_MAX + 1]; /* empty: on no bridge */
	struct network_shape shape;
	uint32_t index; /* of its addresses in the subnets; the bridge has 1 */
};

/* With somebody who changes what is ours: it is set again, but ever later if that goes on. All zero at first. */
struct patience {
	int64_t delay_ms, again_ms; /* the last one, and when it is over */
};

struct networks {
	struct netlink route;
	struct firewall firewall;
	bool is_open; /* something is, or was, on a bridge: the firewall is in use, too */
	bool has_nat[IP_FAMILIES]; /* the kernel has nf_tables for it; for neither: the firewall is closed */
	bool has_rules[IP_FAMILIES]; /* the firewall has some */
	bool has_forwarding[IP_FAMILIES]; /* it was enabled */
	bool is_router_ours[IP_FAMILIES]; /* by berth, and not before it */
	bool has_bridges; /* there may be some of ours */
	struct list networks; /* networks_parts.h */
	struct list leases;
	struct timer timer; /* networks_changed() */
	struct buf rules; /* text of what the firewall was given last; empty: nothing, or it may have been changed */
	struct watch firewall_watch;
	struct timer firewall_timer;
	struct patience firewall_patience;
	struct netlink link_events;
	struct watch link_watch;
	struct timer link_timer;
	struct patience link_patience;
	int resolv_fd; /* inotify: the device's resolv.conf */
	struct watch resolv_watch;
	struct timer resolv_timer;
	bool is_nameless_told; /* that the device's name servers are on its loopback */
};

/* Before the first container; releasing leaves alone what the kernel has. */
void networks_init(struct networks *networks);
void networks_release(struct networks *networks);
/* After containers_adopt(). What the kernel lacks is told. */
void networks_start(struct agent *agent);

/* The device has no such network, whatever the version of the app is. A code that nothing else of a start fails with. */
#define NETWORKS_LACK (-ENONET)
/* A port that the app publishes is another program's. May pass. */
#define NETWORKS_TAKEN (-EADDRINUSE)
/* The network's subnet is another interface's: for a moment perhaps that of a network that nobody needs any more. */
#define NETWORKS_OVERLAP (-ENOTUNIQ)

/*
 * Before the container is started: sets container->endpoint and makes the kernel ready for it. Harmless for one on no
 * bridge. NETWORKS_LACK: the kernel can't.
 */
int networks_prepare(struct container *container, struct err *err);
/* Can a container with these settings be connected? As above; NETWORKS_LACK also while the app it joins doesn't run. */
int networks_check(struct agent *agent, const struct app_config *settings, struct err *err);
/*
 * Would its published ports be taken from another program of the device? NETWORKS_TAKEN. Those that `own` publishes,
 * too, are not asked for (NULL: none): it is the version that will make room. After networks_check().
 */
int networks_check_ports(struct agent *agent, const struct app_config *settings, const struct app_config *own,
			 struct err *err);

/* The arguments of the createRuntime hook (agent/network/attach.h), for free_strings(); NULL: it needs none. */
char **networks_attach_args(const struct container *container);

/* It has ended, and with it its interface. */
void networks_ended(struct container *container);
void networks_changed(struct agent *agent);
/* agent.ini was read again: containers of networks that have changed are started anew. */
void networks_reconfigure(struct agent *agent);

/* container.json's "network", or NULL; and back, before networks_start(). */
json_t *networks_describe(const struct container *container);
void networks_recall(struct container *container, const json_t *description);

/* The container's address, or none. */
struct ip endpoint_address(const struct endpoint *endpoint, int family);
struct ip endpoint_gateway(const struct endpoint *endpoint, int family);

/* How the network is now; false: no container is on it. */
bool networks_shape(struct agent *agent, const char *name, struct network_shape *shape);

/* Sections of agent.ini that versions in the app's record are on are kept there; true: it has to be saved. */
bool networks_keep_sections(struct app *app);

/* --- names --- */

#define HOSTNAME_SIZE 65

/* The container's host name. */
void networks_hostname(const struct container *container, char name[static HOSTNAME_SIZE]);
/* What the container's files begin with; -errno when the device's can't be read. */
int networks_hosts(const struct container *container, struct buf *text, struct err *err);
int networks_resolv(const struct container *container, struct buf *text, struct err *err);

/* --- network = container:APP --- */

/* The container whose network this one joins; NULL: none, or it isn't there. */
struct container *networks_joined(const struct container *container);
/* False: it waits for that one, which agent.ini has, to run; app_step() is called then. app->error says so. */
bool networks_is_ready(struct app *app);
/* Is that what app->error says? */
bool networks_are_waited_for(const struct app *app);
/* A file in /proc that is the network namespace to join, as long as the container starts; free() it. */
int networks_open_joined(struct container *container, char **path, struct err *err);
/* Those that join it follow. */
void networks_app_started(struct app *app);
void networks_app_ended(struct app *app);

#endif
