/* link_parts - what link.c, bridge.c, link_table.c and attach.c share. */
#ifndef AGENT_NETWORK_LINK_PARTS_H
#define AGENT_NETWORK_LINK_PARTS_H

#include <net/if.h>
#include <stdint.h>

#include "agent/network/link.h"
#include "lib/err.h"

struct link {
	int index;
	int master;	/* index of the bridge it is in; 0: none */
	uint32_t flags; /* IFF_UP ... */
	uint32_t mtu;
	char name[LINK_NAME_MAX + 1];
	char alias[64]; /* as far as it fits */
	char kind[16];	/* "bridge", "veth"; "" for hardware */
};

/* -ENODEV when it is not there. */
int link_get(struct netlink *nl, const char *name, struct link *link, struct err *err);
int link_get_index(struct netlink *nl, int index, struct link *link, struct err *err);
/* Each interface; what the callback returns ends it unless 0. It must not use `nl`. */
int link_each(struct netlink *nl, int (*each)(const struct link *link, void *data), void *data, struct err *err);

int link_up(struct netlink *nl, int index, struct err *err);
/* Gives it an address; one that it has already is success. */
int link_address(struct netlink *nl, int index, const struct ip *ip, int bits, struct err *err);

/* bridge.c. A port may send back to where a packet came from. */
int bridge_set_hairpin(struct netlink *nl, int index, struct err *err);

/* /proc/sys/net/FAMILY/conf/NAME/SETTING of the network namespace that the caller is in. */
int link_setting(const char *family, const char *name, const char *setting, const char *value, struct err *err);

/* Before it is up: IPv6 settings of an interface that is ours. Without IPv6 there is nothing to set. */
int link_settle_ipv6(const char *name, struct err *err);

/* Puts the reason in front when an error means that the kernel can't make this kind of interface. */
int link_explain_kind(int rc, const char *kind, const char *option, struct err *err);

#endif
