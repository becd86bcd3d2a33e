#include "agent/network/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h> /* before those of the kernel, which know it */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/network/nft_parts.h"

static void begin(struct nft *nft, uint16_t type, uint16_t flags)
{
	struct nfgenmsg header = { .nfgen_family = nft->family, .version = NFNETLINK_V0 };

	netlink_begin(&nft->request, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &header, sizeof(header));
}

static void bracket(struct nft *nft, uint16_t type)
{
	struct nfgenmsg header = { .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	netlink_begin(&nft->request, type, 0, &header, sizeof(header));
}

void nft_begin(struct nft *nft)
{
	*nft = (struct nft){ 0 };
	bracket(nft, NFNL_MSG_BATCH_BEGIN);
}

void nft_release(struct nft *nft)
{
	netlink_request_release(&nft->request);
}

void nft_family(struct nft *nft, uint8_t family, const char *table)
{
	nft->family = family;
	nft->table = table;
}

static void add_table(struct nft *nft)
{
	begin(nft, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	netlink_put_text(&nft->request, NFTA_TABLE_NAME, nft->table);
}

/* Removing what isn't there is an error; so it is made first. */
void nft_remove_table(struct nft *nft)
{
	add_table(nft);
	begin(nft, NFT_MSG_DELTABLE, 0);
	netlink_put_text(&nft->request, NFTA_TABLE_NAME, nft->table);
}

void nft_replace_table(struct nft *nft)
{
	nft_remove_table(nft);
	add_table(nft);
}

void nft_chain(struct nft *nft, const char *name)
{
	begin(nft, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	netlink_put_text(&nft->request, NFTA_CHAIN_TABLE, nft->table);
	netlink_put_text(&nft->request, NFTA_CHAIN_NAME, name);
}

void nft_base_chain(struct nft *nft, const char *name, const char *type, uint32_t hook, int priority)
{
	size_t nest;

	nft_chain(nft, name);
	nest = netlink_nest(&nft->request, NFTA_CHAIN_HOOK);
	netlink_put_be32(&nft->request, NFTA_HOOK_HOOKNUM, hook);
	netlink_put_be32(&nft->request, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	netlink_nest_end(&nft->request, nest);
	netlink_put_text(&nft->request, NFTA_CHAIN_TYPE, type);
}

void nft_rule(struct nft *nft, const char *chain)
{
	begin(nft, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	netlink_put_text(&nft->request, NFTA_RULE_TABLE, nft->table);
	netlink_put_text(&nft->request, NFTA_RULE_CHAIN, chain);
	nft->expressions = netlink_nest(&nft->request, NFTA_RULE_EXPRESSIONS);
	nft->rules++;
}

void nft_rule_end(struct nft *nft)
{
	netlink_nest_end(&nft->request, nft->expressions);
}

int nft_commit(struct nft *nft, struct netlink *nl, struct err *err)
{
	netlink_want_answer(&nft->request);
	bracket(nft, NFNL_MSG_BATCH_END);
	return netlink_send_batch(nl, &nft->request, err);
}

/* ---- expressions ---- */

struct nft_nests nft_expression(struct nft *nft, const char *name)
{
	struct nft_nests nests;

	nests.element = netlink_nest(&nft->request, NFTA_LIST_ELEM);
	netlink_put_text(&nft->request, NFTA_EXPR_NAME, name);
	nests.data = netlink_nest(&nft->request, NFTA_EXPR_DATA);
	return nests;
}

void nft_expression_end(struct nft *nft, struct nft_nests nests)
{
	netlink_nest_end(&nft->request, nests.data);
	netlink_nest_end(&nft->request, nests.element);
}

/* An expression that says where to load a register from: two numbers, of which one is the register. */
void nft_load(struct nft *nft, const char *name, uint16_t key_type, uint32_t key, uint16_t register_type)
{
	struct nft_nests nests = nft_expression(nft, name);

	netlink_put_be32(&nft->request, key_type, key);
	netlink_put_be32(&nft->request, register_type, NFT_REG_1);
	nft_expression_end(nft, nests);
}

static void put_value(struct nft *nft, uint16_t type, const void *data, size_t size)
{
	size_t nest = netlink_nest(&nft->request, type);

	netlink_put(&nft->request, NFTA_DATA_VALUE, data, size);
	netlink_nest_end(&nft->request, nest);
}

void nft_compare(struct nft *nft, uint32_t op, const void *data, size_t size)
{
	struct nft_nests nests = nft_expression(nft, "cmp");

	netlink_put_be32(&nft->request, NFTA_CMP_SREG, NFT_REG_1);
	netlink_put_be32(&nft->request, NFTA_CMP_OP, op);
	put_value(nft, NFTA_CMP_DATA, data, size);
	nft_expression_end(nft, nests);
}

void nft_mask(struct nft *nft, const void *mask, size_t size)
{
	static const unsigned char zeros[16];
	struct nft_nests nests = nft_expression(nft, "bitwise");

	netlink_put_be32(&nft->request, NFTA_BITWISE_SREG, NFT_REG_1);
	netlink_put_be32(&nft->request, NFTA_BITWISE_DREG, NFT_REG_1);
	netlink_put_be32(&nft->request, NFTA_BITWISE_LEN, (uint32_t)size);
	put_value(nft, NFTA_BITWISE_MASK, mask, size);
	put_value(nft, NFTA_BITWISE_XOR, zeros, size);
	nft_expression_end(nft, nests);
}

void nft_load_payload(struct nft *nft, uint32_t base, uint32_t offset, uint32_t size)
{
	struct nft_nests nests = nft_expression(nft, "payload");

	netlink_put_be32(&nft->request, NFTA_PAYLOAD_DREG, NFT_REG_1);
	netlink_put_be32(&nft->request, NFTA_PAYLOAD_BASE, base);
	netlink_put_be32(&nft->request, NFTA_PAYLOAD_OFFSET, offset);
	netlink_put_be32(&nft->request, NFTA_PAYLOAD_LEN, size);
	nft_expression_end(nft, nests);
}

void nft_immediate(struct nft *nft, uint32_t reg, const void *data, size_t size)
{
	struct nft_nests nests = nft_expression(nft, "immediate");

	netlink_put_be32(&nft->request, NFTA_IMMEDIATE_DREG, reg);
	put_value(nft, NFTA_IMMEDIATE_DATA, data, size);
	nft_expression_end(nft, nests);
}

/* ---- reading ---- */

bool nft_message_is_removal(const struct nlmsghdr *message)
{
	uint8_t type = message->nlmsg_type & 0xff;

	return message->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES &&
	       (type == NFT_MSG_DELTABLE || type == NFT_MSG_DELCHAIN || type == NFT_MSG_DELRULE);
}

/* The table's name is attribute 1 of tables, chains and rules alike; other messages don't have one there. */
bool nft_message_is_about(const struct nlmsghdr *message, const char *table)
{
	const struct nlattr *attributes[NFTA_TABLE_NAME + 1];
	uint8_t type = message->nlmsg_type & 0xff;

	_Static_assert((int)NFTA_TABLE_NAME == (int)NFTA_CHAIN_TABLE, "one place");
	_Static_assert((int)NFTA_TABLE_NAME == (int)NFTA_RULE_TABLE, "one place");
	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || type > NFT_MSG_DELRULE)
		return false;
	if (netlink_read(attributes, NFTA_TABLE_NAME, message, sizeof(struct nfgenmsg)) < 0)
		return false;
	return !strcmp(netlink_text(attributes[NFTA_TABLE_NAME]), table);
}
