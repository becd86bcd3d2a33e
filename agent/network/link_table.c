/* What the device has of addresses and routes. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/network/link_parts.h"

/* A router with the whole Internet in its tables has a million; what is past this is not looked at. */
#define SUBNETS_MAX 65536

struct subnet_list {
	struct subnet *subnets;
	size_t count;
};

static void add_subnet(struct subnet_list *list, struct ip ip, int bits)
{
	struct subnet *subnet;

	if (list->count == SUBNETS_MAX)
		return;
	/* Doubled at each power of two, so that no second count is needed. */
	if (!(list->count & (list->count - 1)))
		list->subnets = xrealloc(list->subnets, (list->count ? 2 * list->count : 1) * sizeof(*subnet));
	subnet = &list->subnets[list->count++];
	*subnet = (struct subnet){ .ip = ip, .bits = bits };
	for (int bit = bits; bit < (ip.family == AF_INET ? 32 : 128); bit++)
		subnet->ip.bytes[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
}

static int take_address(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[IFA_MAX + 1];
	const struct ifaddrmsg *header = (const struct ifaddrmsg *)(const void *)(message + 1);
	struct ip ip;

	if (message->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (netlink_read(table, IFA_MAX, message, sizeof(*header)) < 0)
		return -EBADMSG;
	ip = netlink_ip(table[IFA_ADDRESS], header->ifa_family);
	if (ip.family)
		add_subnet(data, ip, header->ifa_prefixlen);
	return 0;
}

static int take_route(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[RTA_MAX + 1];
	const struct rtmsg *header = (const struct rtmsg *)(const void *)(message + 1);
	struct ip ip;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (netlink_read(table, RTA_MAX, message, sizeof(*header)) < 0)
		return -EBADMSG;
	ip = netlink_ip(table[RTA_DST], header->rtm_family);
	if (ip.family && header->rtm_dst_len && header->rtm_table != RT_TABLE_LOCAL)
		add_subnet(data, ip, header->rtm_dst_len);
	return 0;
}

static int ask_addresses(struct netlink *nl, netlink_each *each, void *data, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifaddrmsg header = { .ifa_family = AF_UNSPEC };

	netlink_begin(&request, RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header));
	return netlink_ask(nl, &request, each, data, err);
}

static int ask_routes(struct netlink *nl, int family, netlink_each *each, void *data, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct rtmsg header = { .rtm_family = (uint8_t)family };

	netlink_begin(&request, RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));
	return netlink_ask(nl, &request, each, data, err);
}

int link_taken_subnets(struct netlink *nl, struct subnet **subnets, size_t *count, struct err *err)
{
	struct subnet_list list = { 0 };
	int rc = ask_addresses(nl, take_address, &list, err);

	if (!rc)
		rc = ask_routes(nl, AF_INET, take_route, &list, err);
	if (!rc && link_has_ipv6())
		rc = ask_routes(nl, AF_INET6, take_route, &list, err);
	if (rc < 0) {
		free(list.subnets);
		return err_context(err, "look at addresses and routes");
	}
	*subnets = list.subnets;
	*count = list.count;
	return 0;
}

struct ip_list {
	struct ip *ips;
	size_t count;
};

static int take_host_address(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[IFA_MAX + 1];
	const struct ifaddrmsg *header = (const struct ifaddrmsg *)(const void *)(message + 1);
	struct ip_list *list = data;
	struct ip ip;

	if (message->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (netlink_read(table, IFA_MAX, message, sizeof(*header)) < 0)
		return -EBADMSG;
	ip = netlink_ip(table[IFA_LOCAL] ? table[IFA_LOCAL] : table[IFA_ADDRESS], header->ifa_family);
	if (!ip.family || header->ifa_scope >= RT_SCOPE_LINK || list->count == SUBNETS_MAX)
		return 0;
	list->ips = xrealloc(list->ips, (list->count + 1) * sizeof(ip));
	list->ips[list->count++] = ip;
	return 0;
}

int link_addresses(struct netlink *nl, struct ip **addresses, size_t *count, struct err *err)
{
	struct ip_list list = { 0 };
	int rc = ask_addresses(nl, take_host_address, &list, err);

	if (rc < 0) {
		free(list.ips);
		return err_context(err, "look at addresses");
	}
	*addresses = list.ips;
	*count = list.count;
	return 0;
}

struct uplink {
	int index;
	uint32_t metric;
};

static int take_default_route(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[RTA_MAX + 1];
	const struct rtmsg *header = (const struct rtmsg *)(const void *)(message + 1);
	struct uplink *uplink = data;
	uint32_t metric;
	int index;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (netlink_read(table, RTA_MAX, message, sizeof(*header)) < 0)
		return -EBADMSG;
	index = (int)netlink_u32(table[RTA_OIF], 0);
	metric = netlink_u32(table[RTA_PRIORITY], 0);
	if (header->rtm_dst_len || header->rtm_type != RTN_UNICAST || !index ||
	    (uplink->index && metric >= uplink->metric))
		return 0;
	*uplink = (struct uplink){ index, metric };
	return 0;
}

uint32_t link_uplink_mtu(struct netlink *nl)
{
	struct uplink uplink = { 0 };
	struct link link;

	if (ask_routes(nl, AF_INET, take_default_route, &uplink, NULL) < 0 || !uplink.index)
		ask_routes(nl, AF_INET6, take_default_route, &uplink, NULL);
	if (!uplink.index || link_get_index(nl, uplink.index, &link, NULL) < 0 || !link.mtu)
		return LINK_MTU_DEFAULT;
	return link.mtu;
}
