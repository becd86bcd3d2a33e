/*
 * link - bridges and veths (rtnetlink(7)), and what the device has of addresses and routes.
 *
 *	netlink_open(&nl, NETLINK_ROUTE, &err);
 *	bridge_apply(&nl, &(struct bridge){ .name = "berth0", .subnets = ..., .gateways = ... }, &err);
 *	...			-- containers: berth attach-network (attach.h), as their createRuntime hook
 *	link_remove(&nl, "v0123456789ab", &err);	-- when one has ended
 *	bridge_remove_others(&nl, names, count, &err);
 *
 * A bridge of ours is one whose alias (`ip link`) begins with BRIDGE_ALIAS; one that somebody else made is never
 * touched.
 */
#ifndef AGENT_NETWORK_LINK_H
#define AGENT_NETWORK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/network/netlink.h"
#include "config/subnet.h"
#include "lib/err.h"

#define LINK_NAME_MAX 15
#define LINK_MAC_BYTES 6
#define LINK_MTU_DEFAULT 1500
#define BRIDGE_ALIAS "berth"

/* Index into pairs of IPv4 and IPv6; an absent one has ip.family 0. */
enum { IPV4, IPV6, IP_FAMILIES };

struct bridge {
	const char *name;
	struct subnet subnets[IP_FAMILIES];
	struct ip gateways[IP_FAMILIES]; /* the bridge's own addresses in them */
	uint32_t mtu; /* 0: the kernel's */
};

/* Is it a name that the kernel takes for an interface? */
bool link_name_is_valid(const char *name);

/* Can this kernel do IPv6 (built in, not disabled)? */
bool link_has_ipv6(void);

/*
 * Makes the bridge, or adjusts the one that is there: its addresses (others are removed, its link-local one
 * excepted), MTU, up. Done again it changes nothing, and containers stay attached. -EEXIST: something of
 * this name isn't berth's. -EOPNOTSUPP: the kernel has no bridges; the text names the option. After an error
 * a bridge that this call made is gone again.
 */
int bridge_apply(struct netlink *nl, const struct bridge *bridge, struct err *err);

/*
 * Puts the host's end of a container's veth into the bridge; done again it changes nothing. 1: it was in none, or in another
 * one. -ENODEV: one of the two is not there.
 */
int bridge_attach(struct netlink *nl, const char *bridge, const char *name, struct err *err);

/*
 * Removes every bridge of ours but these and those that something is attached to: a container of another agent's, or one
 * that nobody knows any more. 1: there are such. Goes on after an error.
 */
int bridge_remove_others(struct netlink *nl, const char *const *names, size_t count, struct err *err);

/* Is a container attached to it? -ENODEV when there is no such bridge. */
int bridge_is_used(struct netlink *nl, const char *name, struct err *err);

/* Removes an interface, such as the host end of a container's veth; what isn't there is success. */
int link_remove(struct netlink *nl, const char *name, struct err *err);

/* The index of an interface, or -ENODEV. */
int link_index(struct netlink *nl, const char *name, struct err *err);

/* Opens a socket of its own for changes of interfaces: .fd is readable when there are some. */
int link_listen(struct netlink *events, struct err *err);
/* Reads them: has one gone that `is_ours` says yes to? Also true when some were lost. */
bool link_was_removed(struct netlink *events, bool (*is_ours)(const char *name, void *data), void *data);

/* MTU of the interface that the default route leads to (IPv4's before IPv6's); LINK_MTU_DEFAULT without one. */
uint32_t link_uplink_mtu(struct netlink *nl);

/*
 * Every subnet that an address or a route of this device is in, default routes and host routes of the local
 * table left out, those of bridges of ours too; for choosing one that is free. *subnets is to be freed.
 */
int link_taken_subnets(struct netlink *nl, struct subnet **subnets, size_t *count, struct err *err);

/* Each address of this device but loopback's and link-local ones; to be freed. */
int link_addresses(struct netlink *nl, struct ip **addresses, size_t *count, struct err *err);

/*
 * The MAC address that goes with an IP address: 02:42 and the last four bytes of it, as Docker has it. A container that
 * gets the address of the one before it so gets its MAC too, and no neighbour asks for the old one.
 */
void link_mac_of(unsigned char mac[static LINK_MAC_BYTES], const struct ip *ip);
#define LINK_MAC_TEXT_MAX 18
void link_mac_format(const unsigned char mac[static LINK_MAC_BYTES], char text[static LINK_MAC_TEXT_MAX]);

#endif
