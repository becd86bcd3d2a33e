#include "agent/network/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/network/link_parts.h"
#include "lib/fd.h"

bool link_name_is_valid(const char *name)
{
	size_t size = strlen(name);

	if (!size || size > LINK_NAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name >= 0x7f || strchr("/:%", *name))
			return false;
	return true;
}

/* The file is there when IPv6 is, and the setting is 0 unless it is disabled. */
bool link_has_ipv6(void)
{
	int64_t disabled = 0;

	if (access("/proc/net/if_inet6", F_OK) < 0)
		return false;
	return fd_read_number(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/disable_ipv6", &disabled) < 0 || !disabled;
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[IFLA_MAX + 1], *info[IFLA_INFO_KIND + 1];
	const struct ifinfomsg *header = (const struct ifinfomsg *)(const void *)(message + 1);
	struct link *link = data;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (netlink_read(table, IFLA_MAX, message, sizeof(*header)) < 0)
		return -EBADMSG;
	*link = (struct link){ .index = header->ifi_index, .flags = header->ifi_flags,
			       .mtu = netlink_u32(table[IFLA_MTU], 0),
			       .master = (int)netlink_u32(table[IFLA_MASTER], 0) };
	snprintf(link->name, sizeof(link->name), "%s", netlink_text(table[IFLA_IFNAME]));
	snprintf(link->alias, sizeof(link->alias), "%s", netlink_text(table[IFLA_IFALIAS]));
	if (table[IFLA_LINKINFO] && !netlink_read_nested(info, IFLA_INFO_KIND, table[IFLA_LINKINFO]))
		snprintf(link->kind, sizeof(link->kind), "%s", netlink_text(info[IFLA_INFO_KIND]));
	return 0;
}

static int get_link(struct netlink *nl, int index, const char *name, struct link *link, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { .ifi_index = index };

	netlink_begin(&request, RTM_GETLINK, 0, &header, sizeof(header));
	if (name)
		netlink_put_text(&request, IFLA_IFNAME, name);
	return netlink_ask(nl, &request, take_link, link, err);
}

int link_get(struct netlink *nl, const char *name, struct link *link, struct err *err)
{
	return get_link(nl, 0, name, link, err);
}

int link_get_index(struct netlink *nl, int index, struct link *link, struct err *err)
{
	return get_link(nl, index, NULL, link, err);
}

struct link_walk {
	int (*each)(const struct link *link, void *data);
	void *data;
};

static int walk_link(const struct nlmsghdr *message, void *data)
{
	struct link_walk *walk = data;
	struct link link = { 0 };
	int rc = take_link(message, &link);

	return rc || !link.index ? rc : walk->each(&link, walk->data);
}

int link_each(struct netlink *nl, int (*each)(const struct link *link, void *data), void *data, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { 0 };
	struct link_walk walk = { each, data };

	netlink_begin(&request, RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header));
	return netlink_ask(nl, &request, walk_link, &walk, err);
}

int link_index(struct netlink *nl, const char *name, struct err *err)
{
	struct link link;
	int rc = link_get(nl, name, &link, err);

	return rc < 0 ? rc : link.index;
}

int link_explain_kind(int rc, const char *kind, const char *option, struct err *err)
{
	if (rc != -EOPNOTSUPP)
		return rc;
	return err_set(err, rc, "the kernel can't make a %s: it needs %s, built in or as the module %s", kind, option,
		       kind);
}

int link_up(struct netlink *nl, int index, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	netlink_begin(&request, RTM_NEWLINK, 0, &header, sizeof(header));
	return netlink_send(nl, &request, err);
}

int link_remove(struct netlink *nl, const char *name, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifinfomsg header = { 0 };
	int rc;

	netlink_begin(&request, RTM_DELLINK, 0, &header, sizeof(header));
	netlink_put_text(&request, IFLA_IFNAME, name);
	rc = netlink_send(nl, &request, err);
	if (rc == -ENODEV)
		return 0;
	return rc < 0 ? err_context(err, "remove %s", name) : 0;
}

int link_listen(struct netlink *events, struct err *err)
{
	int group = RTNLGRP_LINK, rc = netlink_open(events, NETLINK_ROUTE, err);

	if (!rc && setsockopt(events->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		rc = err_sys(err, "listen to changes of interfaces");
		netlink_close(events);
	}
	return rc;
}

/* A bridge tells of a port that leaves it by the same message, with a family. */
static const char *removed_name(const struct nlmsghdr *message)
{
	const struct nlattr *table[IFLA_MAX + 1];
	const struct ifinfomsg *header = (const struct ifinfomsg *)(const void *)(message + 1);

	if (message->nlmsg_type != RTM_DELLINK || netlink_read(table, IFLA_MAX, message, sizeof(*header)) < 0 ||
	    header->ifi_family != AF_UNSPEC)
		return "";
	return netlink_text(table[IFLA_IFNAME]);
}

struct removal {
	bool (*is_ours)(const char *name, void *data);
	void *data;
};

static bool is_removal(const struct nlmsghdr *message, void *data)
{
	const struct removal *removal = data;

	return removal->is_ours(removed_name(message), removal->data);
}

bool link_was_removed(struct netlink *events, bool (*is_ours)(const char *name, void *data), void *data)
{
	struct removal removal = { is_ours, data };

	return netlink_heard(events, is_removal, &removal);
}

int link_address(struct netlink *nl, int index, const struct ip *ip, int bits, struct err *err)
{
	NETLINK_REQUEST_CLEANUP struct netlink_request request = NETLINK_REQUEST_INIT;
	struct ifaddrmsg header = { .ifa_family = (uint8_t)ip->family, .ifa_prefixlen = (uint8_t)bits,
				    .ifa_index = (uint32_t)index };

	/* Without duplicate address detection: nobody else gives addresses out, and apps listen at once. */
	if (ip->family == AF_INET6)
		header.ifa_flags = IFA_F_NODAD;
	netlink_begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof(header));
	netlink_put_ip(&request, IFA_LOCAL, ip);
	netlink_put_ip(&request, IFA_ADDRESS, ip);
	return netlink_send(nl, &request, err);
}

int link_setting(const char *family, const char *name, const char *setting, const char *value, struct err *err)
{
	char path[128];
	int rc;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, name, setting);
	rc = fd_write_file(AT_FDCWD, path, value);
	return rc < 0 ? err_code(err, rc, "write %s to %s", value, path) : 0;
}

/*
 * Who else is on the link may send router advertisements: they are not believed. Nobody else has our addresses
 * either; looking for duplicates would keep the link-local one from use for two seconds, and with it, on a bridge, all
 * that is forwarded to containers it has not met yet.
 */
int link_settle_ipv6(const char *name, struct err *err)
{
	static const char *const settings[] = { "accept_ra", "autoconf", "accept_dad" };
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(settings) / sizeof(settings[0]); i++)
		rc = link_setting("ipv6", name, settings[i], "0", err);
	return rc == -ENOENT ? 0 : rc;
}

void link_mac_of(unsigned char mac[static LINK_MAC_BYTES], const struct ip *ip)
{
	mac[0] = 0x02;
	mac[1] = 0x42;
	memcpy(mac + 2, ip->bytes + (ip->family == AF_INET ? 0 : 12), 4);
}

void link_mac_format(const unsigned char mac[static LINK_MAC_BYTES], char text[static LINK_MAC_TEXT_MAX])
{
	snprintf(text, LINK_MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
}
