#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/network/link_parts.h"
#include "lib/fd.h"

static bool is_ours(const struct link *link)
{
	return !strcmp(link->kind, "bridge") && !strncmp(link->alias, BRIDGE_ALIAS, strlen(BRIDGE_ALIAS));
}

/*
 * Its MAC address is given: without one a bridge has the lowest of its ports' and changes it as containers come
 * and go, which neighbours would notice.
 */
static int make(struct netlink *nl, const struct bridge *bridge, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	const struct ip *ip = &bridge->gateways[bridge->gateways[IPV4].family ? IPV4 : IPV6];
	struct ifinfomsg header = { 0 };
	unsigned char mac[LINK_MAC_BYTES];
	size_t nest;

	link_mac_of(mac, ip);
	netlink_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put_text(&request, IFLA_IFNAME, bridge->name);
	netlink_put(&request, IFLA_ADDRESS, mac, sizeof(mac));
	nest = netlink_nest(&request, IFLA_LINKINFO);
	netlink_put_text(&request, IFLA_INFO_KIND, "bridge");
	netlink_nest_end(&request, nest);
	return link_explain_kind(netlink_send(nl, &request, err), "bridge", "CONFIG_BRIDGE", err);
}

/* The alias can't be given when it is made. */
static int mark(struct netlink *nl, int index, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { .ifi_index = index };

	netlink_begin(&request, RTM_NEWLINK, 0, &header, sizeof(header));
	netlink_put(&request, IFLA_IFALIAS, BRIDGE_ALIAS, strlen(BRIDGE_ALIAS));
	return netlink_send(nl, &request, err);
}

static int set_mtu(struct netlink *nl, const struct link *link, uint32_t mtu, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { .ifi_index = link->index };

	if (!mtu || mtu == link->mtu)
		return 0;
	netlink_begin(&request, RTM_NEWLINK, 0, &header, sizeof(header));
	netlink_put_u32(&request, IFLA_MTU, mtu);
	return netlink_send(nl, &request, err) < 0 ? err_context(err, "set the MTU to %u", mtu) : 0;
}

/* ---- addresses ---- */

struct found_address {
	struct ip ip;
	uint8_t bits;
	bool stays;
};

/* More are not on a bridge of ours. */
#define ADDRESSES_MAX 32

struct address_list {
	const struct bridge *bridge;
	int index;
	size_t count;
	struct found_address found[ADDRESSES_MAX];
};

static bool is_wanted(const struct bridge *bridge, const struct found_address *address)
{
	for (int family = 0; family < IP_FAMILIES; family++)
		if (ip_equal(&bridge->gateways[family], &address->ip) &&
		    bridge->subnets[family].bits == address->bits)
			return true;
	return false;
}

/* fe80::/10 is the kernel's own. */
static bool is_link_local(const struct ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static int take_address(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[IFA_MAX + 1];
	const struct ifaddrmsg *header = (const struct ifaddrmsg *)(const void *)(message + 1);
	struct address_list *list = data;
	struct found_address *found = &list->found[list->count];

	if (message->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (netlink_read(table, IFA_MAX, message, sizeof(*header)) < 0)
		return -EBADMSG;
	if ((int)header->ifa_index != list->index || list->count == ADDRESSES_MAX)
		return 0;
	found->ip = netlink_ip(table[IFA_LOCAL] ? table[IFA_LOCAL] : table[IFA_ADDRESS], header->ifa_family);
	found->bits = header->ifa_prefixlen;
	found->stays = is_link_local(&found->ip) || is_wanted(list->bridge, found);
	list->count += found->ip.family != 0;
	return 0;
}

static int remove_address(struct netlink *nl, int index, const struct found_address *address, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifaddrmsg header = { .ifa_family = (uint8_t)address->ip.family, .ifa_prefixlen = address->bits,
				    .ifa_index = (uint32_t)index };

	netlink_begin(&request, RTM_DELADDR, 0, &header, sizeof(header));
	netlink_put_ip(&request, IFA_LOCAL, &address->ip);
	return netlink_send(nl, &request, err);
}

static int remove_other_addresses(struct netlink *nl, const struct bridge *bridge, int index, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifaddrmsg header = { .ifa_family = AF_UNSPEC };
	FREE_CLEANUP struct address_list *list = xcalloc(1, sizeof(*list));
	int rc;

	list->bridge = bridge;
	list->index = index;
	netlink_begin(&request, RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header));
	rc = netlink_ask(nl, &request, take_address, list, err);
	for (size_t i = 0; !rc && i < list->count; i++)
		if (!list->found[i].stays)
			rc = remove_address(nl, index, &list->found[i], err);
	return rc;
}

static int set_addresses(struct netlink *nl, const struct bridge *bridge, int index, struct err *err)
{
	int rc = remove_other_addresses(nl, bridge, index, err);

	for (int family = 0; !rc && family < IP_FAMILIES; family++)
		if (bridge->gateways[family].family)
			rc = link_address(nl, index, &bridge->gateways[family], bridge->subnets[family].bits, err);
	return rc;
}

/* ---- the whole ---- */

static int adjust(struct netlink *nl, const struct bridge *bridge, const struct link *link, struct err *err)
{
	int rc = link_settle_ipv6(bridge->name, err);

	/* A berth before this one had it on: it opens the loopback to apps when somebody removes the rules. */
	if (!rc)
		rc = link_setting("ipv4", bridge->name, "route_localnet", "0", err);
	if (!rc)
		rc = set_mtu(nl, link, bridge->mtu, err);
	if (!rc)
		rc = set_addresses(nl, bridge, link->index, err);
	if (!rc && !(link->flags & IFF_UP))
		rc = link_up(nl, link->index, err);
	return rc;
}

static int make_and_adjust(struct netlink *nl, const struct bridge *bridge, struct err *err)
{
	struct link link;
	int rc = make(nl, bridge, err);

	if (rc < 0)
		return rc;
	rc = link_get(nl, bridge->name, &link, err);
	if (!rc)
		rc = mark(nl, link.index, err);
	if (!rc)
		rc = adjust(nl, bridge, &link, err);
	if (rc < 0)
		link_remove(nl, bridge->name, NULL);
	return rc;
}

int bridge_apply(struct netlink *nl, const struct bridge *bridge, struct err *err)
{
	struct link link;
	int rc = link_get(nl, bridge->name, &link, err);

	if (rc == -ENODEV)
		rc = make_and_adjust(nl, bridge, err);
	else if (!rc && !is_ours(&link))
		rc = err_set(err, -EEXIST, "there is an interface of this name that isn't berth's; remove it "
			     "(ip link delete %s) or call the network otherwise", bridge->name);
	else if (!rc)
		rc = adjust(nl, bridge, &link, err);
	return rc < 0 ? err_context(err, "bridge %s", bridge->name) : 0;
}

/* ---- its ports ---- */

/*
 * Where br_netfilter is loaded, the bridge itself translates a packet to a published port and may have to send it
 * back where it came from.
 */
int bridge_set_hairpin(struct netlink *nl, int index, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { .ifi_family = AF_BRIDGE, .ifi_index = index };
	size_t nest;

	netlink_begin(&request, RTM_SETLINK, 0, &header, sizeof(header));
	nest = netlink_nest(&request, IFLA_PROTINFO);
	netlink_put_u8(&request, IFLA_BRPORT_MODE, 1);
	netlink_nest_end(&request, nest);
	return netlink_send(nl, &request, err) < 0 ? err_context(err, "set hairpin mode") : 0;
}

static int set_master(struct netlink *nl, int index, int bridge, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { .ifi_index = index };

	netlink_begin(&request, RTM_NEWLINK, 0, &header, sizeof(header));
	netlink_put_u32(&request, IFLA_MASTER, (uint32_t)bridge);
	return netlink_send(nl, &request, err);
}

int bridge_attach(struct netlink *nl, const char *bridge, const char *name, struct err *err)
{
	struct link port;
	int index = link_index(nl, bridge, err), rc = index < 0 ? index : link_get(nl, name, &port, err);

	if (rc < 0 || port.master == index)
		return rc;
	rc = set_master(nl, port.index, index, err);
	if (!rc)
		rc = bridge_set_hairpin(nl, port.index, err);
	return rc < 0 ? err_context(err, "put %s into %s", name, bridge) : 1;
}

/* ---- those that nobody needs ---- */

struct bridge_names {
	const char *const *keep;
	size_t keep_count;
	char (*remove)[LINK_NAME_MAX + 1];
	size_t count;
};

static int take_other_bridge(const struct link *link, void *data)
{
	struct bridge_names *names = data;

	if (!is_ours(link))
		return 0;
	for (size_t i = 0; i < names->keep_count; i++)
		if (!strcmp(names->keep[i], link->name))
			return 0;
	names->remove = xrealloc(names->remove, (names->count + 1) * sizeof(*names->remove));
	memcpy(names->remove[names->count++], link->name, sizeof(*names->remove));
	return 0;
}

static int is_port_of(const struct link *link, void *data)
{
	return link->master == *(int *)data;
}

int bridge_is_used(struct netlink *nl, const char *name, struct err *err)
{
	int index = link_index(nl, name, err);

	return index < 0 ? index : link_each(nl, is_port_of, &index, err);
}

int bridge_remove_others(struct netlink *nl, const char *const *names, size_t count, struct err *err)
{
	struct bridge_names others = { .keep = names, .keep_count = count };
	int rc = link_each(nl, take_other_bridge, &others, err), stays = 0;

	for (size_t i = 0; i < others.count; i++) {
		bool is_used = bridge_is_used(nl, others.remove[i], NULL) > 0;
		int removed = is_used ? 0 : link_remove(nl, others.remove[i], rc ? NULL : err);

		stays |= is_used;
		if (!rc)
			rc = removed;
	}
	free(others.remove);
	return rc ?: stays;
}
