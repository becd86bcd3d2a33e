/*
 * networks_parts - what the networks*.c share.
 *
 *	networks.c		networks and bridges, what a container is given
 *	networks_choose.c	subnets
 *	networks_sections.c	what agent.ini says of a network, or said
 *	networks_leases.c	addresses
 *	networks_rules.c	the firewall: what is published, and what keeps it so
 *	networks_links.c	bridges and interfaces that somebody else has removed
 *	networks_forward.c	published ports without nf_tables
 *	networks_names.c	/etc/hosts and /etc/resolv.conf of containers
 *	networks_join.c		network = container:APP
 */
#ifndef AGENT_NETWORKS_NETWORKS_PARTS_H
#define AGENT_NETWORKS_NETWORKS_PARTS_H

#include "agent/networks/networks.h"

struct network {
	struct list node;
	char *name;
	char interface[NETWORK_INTERFACE_SIZE];
	struct network_shape shape;
};

bool network_is_used(struct agent *agent, const struct network *network);
/* Makes the kernel have its bridge. */
int network_bring_up(struct agent *agent, const struct network *network, struct err *err);
/* The name of the host's end of a container's veth. */
void network_link_name(const struct container *container, char name[static LINK_NAME_MAX + 1]);

/* networks_links.c. Bridges of networks that are in use, and the containers' places in them, are as they were made. */
void networks_watch_links(struct agent *agent);
void networks_repair_links(struct agent *agent);

/* A timer's call of networks_changed(). */
void networks_look_again(struct timer *timer);

/* How long to wait this time. */
int64_t patience_delay_ms(struct patience *patience);

/* What netlink says when the kernel was built without something. */
bool is_kernel_lack(int code);

/*
 * The section of a network; without one in agent.ini any more, as a version of an app remembers it. The built-in
 * network needs none. What it has of agent.ini lasts as long as that.
 */
int networks_find_section(struct agent *agent, const char *name, struct network_config *section, struct err *err);

/*
 * Sets the shape as the section has it. What the section leaves open stays as it is in the shape, or is
 * chosen when that has none. NETWORKS_OVERLAP: the device has routes to what the section names.
 */
int networks_choose(struct agent *agent, const char *name, const struct network_config *section,
		    struct network_shape *shape, struct err *err);

/* The app's address: the one that it has on this network, else the lowest that is free, up to `room`. */
int leases_take(struct agent *agent, const char *app, const char *network, uint32_t room, uint32_t *index,
		struct err *err);
/* It has had this one already. */
void leases_recall(struct agent *agent, const char *app, const char *network, uint32_t index);
/* Ends those of apps that are gone. */
void leases_review(struct agent *agent);
void leases_release(struct networks *networks);

/* For one that joins another's: NETWORKS_LACK, as long as that one does not run. */
int networks_check_joined(struct agent *agent, const struct app_config *settings, struct err *err);

void networks_open_rules(struct agent *agent);
bool networks_have_firewall(const struct networks *networks);
/*
 * Makes the firewall what the containers' endpoints say. A kernel without nf_tables, or NAT for one family, is no error,
 * but has_nat false; NETWORKS_LACK: there are rules already, and it lacks what further ones need.
 */
int networks_apply_rules(struct agent *agent, struct err *err);

/*
 * networks_router.c. Before the rules are made for a network of this shape, and after; and before those of a family
 * go. What a former agent did is recalled; true: it has made the device one.
 */
void router_prepare(struct agent *agent, const struct network_shape *shape);
void router_start(struct agent *agent, const struct network_shape *shape);
void router_end(struct agent *agent, int family);
bool router_recall(struct agent *agent);

/* Appends "--forward SPEC" for published ports that nf_tables can't do, up to `most` arguments in all. */
void networks_forwards(const struct container *container, char **args, size_t *count, size_t most);

/* Brings both files up to date in the containers that run. */
void networks_refresh_names(struct agent *agent);
void networks_watch_resolv(struct agent *agent);

#endif
