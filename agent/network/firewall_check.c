/* Which part of nf_tables does the kernel lack? */
#include <errno.h>
#include <netinet/in.h> /* before those of the kernel, which know it */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/network/firewall_parts.h"

#define TRIAL_TABLE "berth-trial"

static void try_nothing(struct nft *nft)
{
	(void)nft;
}

static void try_filter(struct nft *nft)
{
	nft_base_chain(nft, "chain", "filter", NF_INET_FORWARD, 0);
}

static void try_nat(struct nft *nft)
{
	nft_base_chain(nft, "chain", "nat", NF_INET_POST_ROUTING, 100);
}

static void try_connection(struct nft *nft)
{
	try_filter(nft);
	nft_rule(nft, "chain");
	nft_connection_status(nft, IPS_DST_NAT);
	nft_rule_end(nft);
}

static void try_masquerade(struct nft *nft)
{
	try_nat(nft);
	nft_rule(nft, "chain");
	nft_masquerade(nft);
	nft_rule_end(nft);
}

static void try_fib(struct nft *nft)
{
	nft_base_chain(nft, "chain", "nat", NF_INET_PRE_ROUTING, -100);
	nft_rule(nft, "chain");
	nft_destination_is_local(nft);
	nft_rule_end(nft);
}

static void try_dnat(struct nft *nft)
{
	struct ip ip = { .family = nft->family == NFPROTO_IPV4 ? AF_INET : AF_INET6, .bytes = { 1 } };

	nft_base_chain(nft, "chain", "nat", NF_INET_PRE_ROUTING, -100);
	nft_rule(nft, "chain");
	nft_ports(nft, IPPROTO_TCP, 1, 1);
	nft_dnat(nft, &ip, 1);
	nft_rule_end(nft);
}

/* Each builds on those before it. Behind "IPV" comes the family's number. */
static const struct {
	void (*add)(struct nft *nft);
	const char *option;
} parts[] = {
	{ try_nothing, "CONFIG_NF_TABLES and CONFIG_NF_TABLES_IPV" },
	{ try_filter, "CONFIG_NF_TABLES_IPV" },
	{ try_nat, "CONFIG_NFT_NAT, or before Linux 5.1 CONFIG_NFT_CHAIN_NAT_IPV" },
	{ try_connection, "CONFIG_NFT_CT" },
	{ try_masquerade, "CONFIG_NFT_MASQ, or before Linux 5.2 CONFIG_NFT_MASQ_IPV" },
	{ try_fib, "CONFIG_NFT_FIB_IPV" },
	{ try_dnat, "CONFIG_NFT_NAT" },
};

/* Made and removed in one transaction: nobody ever sees the table. */
static int try_part(struct netlink *nl, int family, size_t part, struct err *err)
{
	NFT_CLEANUP struct nft nft;

	nft_begin(&nft);
	nft_family(&nft, family == IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6, TRIAL_TABLE);
	nft_replace_table(&nft);
	parts[part].add(&nft);
	nft_remove_table(&nft);
	return nft_commit(&nft, nl, err);
}

/* Other errors, such as a lack of rights, say nothing about the kernel. */
static bool means_missing(int rc)
{
	return rc == -ENOENT || rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT || rc == -EPROTONOSUPPORT || rc == -EINVAL;
}

int firewall_check(struct firewall *firewall, int family, struct err *err)
{
	const char *number = family == IPV4 ? "4" : "6";

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int rc = try_part(&firewall->requests, family, i, err);
		const char *option = parts[i].option;

		if (rc < 0 && !means_missing(rc))
			return rc;
		if (rc < 0)
			return err_set(err, -EOPNOTSUPP, "the kernel can't do NAT for IPv%s: it needs %s%s, built in or as a "
				       "module", number, option, option[strlen(option) - 1] == 'V' ? number : "");
	}
	return 0;
}
