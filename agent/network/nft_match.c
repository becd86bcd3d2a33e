/* What rules are made of: matches and actions. */
#include <arpa/inet.h>
#include <netinet/in.h> /* before those of the kernel, which know it */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/network/nft_parts.h"

/* Where addresses are in the IP headers. */
#define IPV4_SOURCE 12
#define IPV6_SOURCE 8

static size_t address_size(const struct nft *nft)
{
	return nft->family == NFPROTO_IPV4 ? 4 : 16;
}

/* The kernel compares all 16 bytes of a name. */
static void match_interface(struct nft *nft, uint32_t key, const char *name, bool is)
{
	char padded[16] = "";

	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	nft_load(nft, "meta", NFTA_META_KEY, key, NFTA_META_DREG);
	nft_compare(nft, is ? NFT_CMP_EQ : NFT_CMP_NEQ, padded, sizeof(padded));
}

void nft_in_interface(struct nft *nft, const char *name, bool is)
{
	match_interface(nft, NFT_META_IIFNAME, name, is);
}

void nft_out_interface(struct nft *nft, const char *name, bool is)
{
	match_interface(nft, NFT_META_OIFNAME, name, is);
}

static void match_address(struct nft *nft, uint32_t offset, const struct subnet *subnet, bool is)
{
	size_t size = address_size(nft);
	unsigned char mask[16] = "";

	nft_load_payload(nft, NFT_PAYLOAD_NETWORK_HEADER, offset, (uint32_t)size);
	for (int bit = 0; bit < subnet->bits; bit++)
		mask[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
	if ((size_t)subnet->bits < 8 * size)
		nft_mask(nft, mask, size);
	nft_compare(nft, is ? NFT_CMP_EQ : NFT_CMP_NEQ, subnet->ip.bytes, size);
}

void nft_source(struct nft *nft, const struct subnet *subnet, bool is)
{
	match_address(nft, nft->family == NFPROTO_IPV4 ? IPV4_SOURCE : IPV6_SOURCE, subnet, is);
}

void nft_destination(struct nft *nft, const struct subnet *subnet, bool is)
{
	uint32_t source = nft->family == NFPROTO_IPV4 ? IPV4_SOURCE : IPV6_SOURCE;

	match_address(nft, source + (uint32_t)address_size(nft), subnet, is);
}

void nft_destination_is_local(struct nft *nft)
{
	struct nft_nests nests = nft_expression(nft, "fib");
	uint32_t local = RTN_LOCAL;

	netlink_put_be32(&nft->request, NFTA_FIB_DREG, NFT_REG_1);
	netlink_put_be32(&nft->request, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	netlink_put_be32(&nft->request, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
	nft_expression_end(nft, nests);
	nft_compare(nft, NFT_CMP_EQ, &local, sizeof(local));
}

/* TCP and UDP have the destination's port at the same place. */
void nft_ports(struct nft *nft, uint8_t protocol, uint16_t first, uint16_t last)
{
	uint16_t from = htons(first), to = htons(last);

	nft_load(nft, "meta", NFTA_META_KEY, NFT_META_L4PROTO, NFTA_META_DREG);
	nft_compare(nft, NFT_CMP_EQ, &protocol, sizeof(protocol));
	nft_load_payload(nft, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(from));
	if (first == last) {
		nft_compare(nft, NFT_CMP_EQ, &from, sizeof(from));
		return;
	}
	nft_compare(nft, NFT_CMP_GTE, &from, sizeof(from));
	nft_compare(nft, NFT_CMP_LTE, &to, sizeof(to));
}

static void match_bits(struct nft *nft, uint32_t key, uint32_t bits)
{
	static const uint32_t none;

	nft_load(nft, "ct", NFTA_CT_KEY, key, NFTA_CT_DREG);
	nft_mask(nft, &bits, sizeof(bits));
	nft_compare(nft, NFT_CMP_NEQ, &none, sizeof(none));
}

void nft_connection_state(struct nft *nft, uint32_t bits)
{
	match_bits(nft, NFT_CT_STATE, bits);
}

void nft_connection_status(struct nft *nft, uint32_t bits)
{
	match_bits(nft, NFT_CT_STATUS, bits);
}

void nft_verdict(struct nft *nft, int verdict, const char *chain)
{
	struct nft_nests nests = nft_expression(nft, "immediate");
	size_t data, inner;

	netlink_put_be32(&nft->request, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = netlink_nest(&nft->request, NFTA_IMMEDIATE_DATA);
	inner = netlink_nest(&nft->request, NFTA_DATA_VERDICT);
	netlink_put_be32(&nft->request, NFTA_VERDICT_CODE, (uint32_t)verdict);
	if (chain)
		netlink_put_text(&nft->request, NFTA_VERDICT_CHAIN, chain);
	netlink_nest_end(&nft->request, inner);
	netlink_nest_end(&nft->request, data);
	nft_expression_end(nft, nests);
}

void nft_masquerade(struct nft *nft)
{
	nft_expression_end(nft, nft_expression(nft, "masq"));
}

void nft_dnat(struct nft *nft, const struct ip *to, uint16_t port)
{
	uint16_t network_port = htons(port);
	struct nft_nests nests;

	nft_immediate(nft, NFT_REG_1, to->bytes, address_size(nft));
	if (port)
		nft_immediate(nft, NFT_REG_2, &network_port, sizeof(network_port));
	nests = nft_expression(nft, "nat");
	netlink_put_be32(&nft->request, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	netlink_put_be32(&nft->request, NFTA_NAT_FAMILY, nft->family);
	netlink_put_be32(&nft->request, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	if (port)
		netlink_put_be32(&nft->request, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
	nft_expression_end(nft, nests);
}
