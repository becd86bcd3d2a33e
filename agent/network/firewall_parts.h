/* firewall_parts - what firewall.c, firewall_rules.c, firewall_check.c, flows.c and forwarding.c share. */
#ifndef AGENT_NETWORK_FIREWALL_PARTS_H
#define AGENT_NETWORK_FIREWALL_PARTS_H

#include "agent/network/firewall.h"
#include "agent/network/nft.h"

#define FIREWALL_TABLE "berth"

/* All rules of one family, behind what `nft` holds already. Pure. */
void firewall_build(struct nft *nft, const struct firewall_rules *rules, int family);

/* About how many that are; what FIREWALL_RULES_MAX bounds. */
size_t firewall_count(const struct firewall_rules *rules);

/* Is it published at all (an internal network's is not), and by this family? */
bool firewall_is_published(const struct firewall_rules *rules, const struct firewall_port *port);
bool firewall_port_is_for(const struct firewall_port *port, int family);

/*
 * Forgets UDP flows that these rules would translate otherwise than they are. Where the kernel can't list them
 * (CONFIG_NF_CT_NETLINK) they last until their peers are silent for half a minute.
 */
void firewall_forget_flows(struct netlink *nl, const struct firewall_rules *rules);

#endif
