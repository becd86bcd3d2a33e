/* nft_parts - the expressions that nft.c encodes, for nft_match.c, which puts matches together from them. */
#ifndef AGENT_NETWORK_NFT_PARTS_H
#define AGENT_NETWORK_NFT_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/network/nft.h"

struct nft_nests {
	size_t element, data;
};

struct nft_nests nft_expression(struct nft *nft, const char *name);
void nft_expression_end(struct nft *nft, struct nft_nests nests);

/* All of them work on register 1. */
void nft_load(struct nft *nft, const char *name, uint16_t key_type, uint32_t key, uint16_t register_type);
void nft_load_payload(struct nft *nft, uint32_t base, uint32_t offset, uint32_t size);
void nft_mask(struct nft *nft, const void *mask, size_t size);
void nft_compare(struct nft *nft, uint32_t op, const void *data, size_t size);
/* Into the register that is told. */
void nft_immediate(struct nft *nft, uint32_t reg, const void *data, size_t size);

#endif
