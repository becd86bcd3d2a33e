/*
 * nft - a transaction of nf_tables as the kernel takes it over netlink (linux/netfilter/nf_tables.h): tables, chains,
 * and rules as lists of expressions, which work on registers. Building is pure.
 *
 *	struct nft nft;
 *	nft_begin(&nft);
 *	nft_family(&nft, NFPROTO_IPV4, "berth");
 *	nft_replace_table(&nft);
 *	nft_base_chain(&nft, "forward", "filter", NF_INET_FORWARD, 0);
 *	nft_rule(&nft, "forward");
 *	nft_in_interface(&nft, "berth0", true);	-- matches, then what to do
 *	nft_verdict(&nft, NF_DROP, NULL);
 *	nft_rule_end(&nft);
 *	nft_commit(&nft, &nl, &err);		-- all of it, or nothing
 *	nft_release(&nft);
 */
#ifndef AGENT_NETWORK_NFT_H
#define AGENT_NETWORK_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/network/netlink.h"
#include "config/subnet.h"
#include "lib/err.h"

struct nft {
	struct netlink_request request;
	uint8_t family;	   /* NFPROTO_IPV4, NFPROTO_IPV6 */
	const char *table;
	size_t expressions; /* the nest of the rule that is being built */
	size_t rules;
};

#define NFT_CLEANUP __attribute__((cleanup(nft_release)))

void nft_begin(struct nft *nft);
void nft_release(struct nft *nft);
/* What follows is about this table. */
void nft_family(struct nft *nft, uint8_t family, const char *table);

/* An empty table, whatever was there before. */
void nft_replace_table(struct nft *nft);
/* Away with it, whether it is there or not. */
void nft_remove_table(struct nft *nft);
void nft_base_chain(struct nft *nft, const char *name, const char *type, uint32_t hook, int priority);
void nft_chain(struct nft *nft, const char *name); /* one to jump to */
void nft_rule(struct nft *nft, const char *chain);
void nft_rule_end(struct nft *nft);

/* Matches. `is`: equal, or (false) not. */
void nft_in_interface(struct nft *nft, const char *name, bool is);
void nft_out_interface(struct nft *nft, const char *name, bool is);
void nft_source(struct nft *nft, const struct subnet *subnet, bool is);
void nft_destination(struct nft *nft, const struct subnet *subnet, bool is);
void nft_destination_is_local(struct nft *nft); /* an address of this device, 127.0.0.1 too */
void nft_ports(struct nft *nft, uint8_t protocol, uint16_t first, uint16_t last);
void nft_connection_state(struct nft *nft, uint32_t bits);  /* one of NF_CT_STATE_BIT(...) */
void nft_connection_status(struct nft *nft, uint32_t bits); /* one of IPS_... */

/* What to do: NF_DROP, NF_ACCEPT, or NFT_JUMP and a chain. */
void nft_verdict(struct nft *nft, int verdict, const char *chain);
void nft_masquerade(struct nft *nft);
void nft_dnat(struct nft *nft, const struct ip *to, uint16_t port); /* 0: the same port */

int nft_commit(struct nft *nft, struct netlink *nl, struct err *err);

/* Is a message about a table, chain or rule that was removed; about anything of this table? Pure. */
bool nft_message_is_removal(const struct nlmsghdr *message);
bool nft_message_is_about(const struct nlmsghdr *message, const char *table);

#endif
