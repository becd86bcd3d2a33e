/* attach_parts - what `berth attach-network` was told, and doing it. Reading the options is pure. */
#ifndef AGENT_NETWORK_ATTACH_PARTS_H
#define AGENT_NETWORK_ATTACH_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/network/attach.h"
#include "agent/network/link.h"
#include "config/subnet.h"
#include "lib/err.h"

struct attach_address {
	struct ip ip; /* family 0: none */
	int bits;
};

struct attach {
	const char *bridge;
	const char *host_name;
	const char *name;
	struct attach_address addresses[IP_FAMILIES];
	struct ip gateways[IP_FAMILIES];
	unsigned char mac[LINK_MAC_BYTES];
	uint32_t mtu; /* 0: the kernel's */
	char *forwards[ATTACH_FORWARDS_MAX + 1]; /* NULL-terminated */
};

/* Makes the veth between a bridge in the caller's network namespace and `ns`. On failure nothing is left. */
int attach_to(const struct attach *attach, int ns, struct err *err);

/* argv[0] is "attach-network". What is set points into argv. */
int attach_parse(struct attach *attach, int argc, char **argv, struct err *err);

#endif
