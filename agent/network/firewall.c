#include "agent/network/firewall.h"

#include <errno.h>
#include <netinet/in.h> /* before those of the kernel, which know it */
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "agent/network/firewall_parts.h"
#include "lib/fd.h"

static const uint8_t families[IP_FAMILIES] = { [IPV4] = NFPROTO_IPV4, [IPV6] = NFPROTO_IPV6 };

/* ---- open, close ---- */

static int hear(struct netlink *events, bool is, struct err *err)
{
	int group = NFNLGRP_NFTABLES;

	if (setsockopt(events->fd, SOL_NETLINK, is ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP, &group,
		       sizeof(group)) < 0)
		return err_sys(err, "listen to changes of the firewall");
	return 0;
}

int firewall_open(struct firewall *firewall, struct err *err)
{
	int rc;

	*firewall = (struct firewall){ .lacks = { true, true }, .requests = { .fd = -1 }, .events = { .fd = -1 } };
	rc = netlink_open(&firewall->requests, NETLINK_NETFILTER, err);
	if (!rc)
		rc = netlink_open(&firewall->events, NETLINK_NETFILTER, err);
	if (!rc)
		rc = hear(&firewall->events, true, err);
	if (rc < 0)
		firewall_close(firewall);
	if (rc == -EPROTONOSUPPORT)
		return err_set(err, rc, "the kernel has no nf_tables: it needs CONFIG_NF_TABLES");
	return rc;
}

void firewall_close(struct firewall *firewall)
{
	netlink_close(&firewall->requests);
	netlink_close(&firewall->events);
}

/* ---- apply, remove ---- */

bool firewall_has_family(const struct firewall_rules *rules, int family)
{
	for (size_t i = 0; i < rules->network_count; i++)
		if (rules->networks[i].subnets[family].ip.family)
			return true;
	return false;
}

/*
 * `events` doesn't hear of it: each rule is an event or two, and thousands are more than a socket holds. The kernel tells
 * of a change before it answers, so nothing of this one comes afterwards.
 */
static int commit_unheard(struct firewall *firewall, struct nft *nft, struct err *err)
{
	int rc;

	hear(&firewall->events, false, NULL);
	rc = nft_commit(nft, &firewall->requests, err);
	hear(&firewall->events, true, NULL);
	return rc;
}

static int remove_family(struct firewall *firewall, int family, struct err *err)
{
	NFT_CLEANUP struct nft nft;

	nft_begin(&nft);
	nft_family(&nft, families[family], FIREWALL_TABLE);
	nft_remove_table(&nft);
	return commit_unheard(firewall, &nft, err);
}

/*
 * The kernel says "no such file" of an expression or a kind of chain that it can't load, and other things of a family
 * that it doesn't have: so it is asked for each part by itself.
 */
static int explain(struct firewall *firewall, const struct firewall_rules *rules, int rc, struct err *err)
{
	bool *lacks = firewall->lacks;

	for (int family = IP_FAMILIES; family-- > 0;) {
		struct err why = ERR_INIT;

		lacks[family] = firewall_has_family(rules, family) && firewall_check(firewall, family, &why) < 0;
		if (lacks[family])
			rc = err_set(err, why.code, "%s", why.text);
	}
	if (!lacks[IPV4] && !lacks[IPV6])
		lacks[IPV4] = lacks[IPV6] = true;
	return rc;
}

static int commit(struct firewall *firewall, const struct firewall_rules *rules, struct err *err)
{
	NFT_CLEANUP struct nft nft;

	nft_begin(&nft);
	for (int family = 0; family < IP_FAMILIES; family++)
		if (firewall_has_family(rules, family))
			firewall_build(&nft, rules, family);
	return commit_unheard(firewall, &nft, err);
}

/* A family that no network has any more: its table goes, where the kernel knows it at all. */
int firewall_apply(struct firewall *firewall, const struct firewall_rules *rules, struct err *err)
{
	int rc;

	if (rules->network_count > FIREWALL_NETWORKS_MAX || firewall_count(rules) > FIREWALL_RULES_MAX)
		return err_set(err, -E2BIG, "firewall: over %d rules; publish fewer ports, or ranges under the same "
			       "numbers", FIREWALL_RULES_MAX);
	if (!firewall_has_family(rules, IPV4) && !firewall_has_family(rules, IPV6))
		return firewall_remove(firewall, err);
	rc = commit(firewall, rules, err);
	if (rc < 0) {
		rc = explain(firewall, rules, rc, err);
		err_context(err, "firewall");
		return rc;
	}
	for (int family = 0; family < IP_FAMILIES; family++)
		if (!firewall_has_family(rules, family))
			remove_family(firewall, family, NULL);
	firewall_forget_flows(&firewall->requests, rules);
	return 0;
}

int firewall_remove(struct firewall *firewall, struct err *err)
{
	int rc = remove_family(firewall, IPV4, err);

	/* Without IPv6 in the kernel there is nothing to remove. */
	remove_family(firewall, IPV6, NULL);
	return rc < 0 ? err_context(err, "remove the firewall") : 0;
}

/* ---- changes by others ---- */

static bool is_our_loss(const struct nlmsghdr *message, void *data)
{
	(void)data;
	return nft_message_is_removal(message) && nft_message_is_about(message, FIREWALL_TABLE);
}

bool firewall_was_changed(struct firewall *firewall)
{
	return netlink_heard(&firewall->events, is_our_loss, NULL);
}
