/*
 * firewall - what berth has in nf_tables: NAT for its networks, published ports, isolation. No tool, and
 * nothing but the tables "ip berth" and "ip6 berth" (families apart: `inet` can't do NAT before Linux 5.2).
 *
 *	struct firewall firewall;
 *	firewall_open(&firewall, &err);
 *	firewall_apply(&firewall, &rules, &err);	-- at each change: always all of it
 *	watch firewall.events.fd: when readable and firewall_was_changed(&firewall), apply again
 *	firewall_remove(&firewall, &err); firewall_close(&firewall);
 *
 * An apply is one transaction: the kernel has all of the old rules or all of the new ones, at any moment.
 * Connections that exist go on; UDP flows that the new rules would send elsewhere begin anew. It is the same whether
 * the tables are there or not.
 *
 * What the rules say:
 * - A container reaches the world and the device with the device's address (masquerade). In an `internal` network
 *   nothing is forwarded out or in.
 * - Nothing new comes in from outside or from another network but to published ports; those are reached by the
 *   device's addresses, but the loopback's, from everywhere that can reach them: from outside, from the device, from
 *   other networks, from siblings and from the container itself.
 * - What a container sends out has an address of its network, or goes nowhere.
 * - What comes in from a bridge for 127.0.0.0/8 is dropped.
 * - With `only_ours` nothing else is forwarded: between the device's other interfaces.
 * Another table's "drop" still counts (that of Docker's or firewalld's forward chain): no rule of ours can overrule it.
 */
#ifndef AGENT_NETWORK_FIREWALL_H
#define AGENT_NETWORK_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/network/link.h"
#include "agent/network/netlink.h"
#include "lib/err.h"

#define FIREWALL_NETWORKS_MAX 64
/* Ports that keep their number are one rule for a whole range; each that gets another one is a rule of its own. */
#define FIREWALL_RULES_MAX 4096

struct firewall_network {
	const char *bridge;
	struct subnet subnets[IP_FAMILIES];
	bool internal; /* its ports are not published */
};

/* Published ports `host_first` ... of the device are those from `target_first` on of a container. */
struct firewall_port {
	const char *bridge; /* the container's network: one of the networks given */
	struct ip targets[IP_FAMILIES]; /* the container's addresses; either may be absent */
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	struct ip bind; /* on this address of the device only; family 0, 0.0.0.0, :: any of (its family) */
	uint16_t host_first;
	uint16_t target_first;
	uint16_t count; /* at least 1; neither range passes 65535 */
};

struct firewall_rules {
	const struct firewall_network *networks;
	size_t network_count;
	const struct firewall_port *ports;
	size_t port_count;
	bool only_ours[IP_FAMILIES]; /* the device is a router for these networks alone */
};

struct firewall {
	bool lacks[IP_FAMILIES]; /* families that the kernel can't do: after an error of open and apply */
	struct netlink requests;
	struct netlink events; /* .fd: readable when somebody else changes tables, anyone's */
};

/* -EPROTONOSUPPORT, -EOPNOTSUPP: the kernel has no nf_tables; the text names the options. */
int firewall_open(struct firewall *firewall, struct err *err);
void firewall_close(struct firewall *firewall);

/*
 * Can the kernel do all of it for this family (IPV4, IPV6)? -EOPNOTSUPP: the text names the option that it lacks. For
 * the start: loads modules, and leaves nothing.
 */
int firewall_check(struct firewall *firewall, int family, struct err *err);

/*
 * Makes the kernel have these rules. -EOPNOTSUPP: it lacks something, the text names the options; without the subnets
 * and targets of the families that it lacks it can do the rest. -E2BIG: more than FIREWALL_RULES_MAX. After an error the
 * old rules are there.
 */
int firewall_apply(struct firewall *firewall, const struct firewall_rules *rules, struct err *err);

/* Is there a subnet of this family in it? */
bool firewall_has_family(const struct firewall_rules *rules, int family);

/*
 * Would these ports be taken from a program of the device that listens there? Translation comes first: it would
 * never be reached again, and may be how the device is cared for. -EADDRINUSE, or 0. Ports that firewall_apply() has
 * published don't count. On a wildcard address IPv4 decides.
 */
int firewall_check_port(const struct firewall_port *port, struct err *err);

/* Takes the tables away; what isn't there is success. */
int firewall_remove(struct firewall *firewall, struct err *err);

/*
 * Reads the events that are there: did anybody else take something away from our tables, or may have? Apply again
 * then, but ever later if it goes on: another program may be as stubborn.
 */
bool firewall_was_changed(struct firewall *firewall);

/* Does the device forward packets of this family, at least of one interface? */
bool firewall_forwards(int family);

/*
 * Lets the device forward packets of a family (IPV4, IPV6): net.ipv4.ip_forward, or all/forwarding. The latter would
 * make interfaces ignore router advertisements, which the device may have its own route from: those that
 * listen to them (accept_ra = 1) go on doing so (2). *told gets a line for each thing that was changed, for the log.
 */
int firewall_enable_forwarding(int family, struct buf *told, struct err *err);
int firewall_disable_forwarding(int family, struct err *err);

#endif
