/* What a netlink socket gives: messages, their attributes, errors with words. */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agent/network/nft.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define TYPES 64

static void look_at(const struct nlattr *attribute)
{
	const struct nlattr *inner[TYPES + 1];
	size_t value = strlen(netlink_text(attribute));

	value += netlink_u32(attribute, 0) & 1;
	value += (size_t)netlink_ip(attribute, AF_INET).family + (size_t)netlink_ip(attribute, AF_INET6).family;
	if (attribute && !netlink_read_nested(inner, TYPES, attribute))
		for (size_t i = 0; i <= TYPES; i++)
			value += strlen(netlink_text(inner[i]));
	if (value > 1 << 20)
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const size_t headers[] = { 0, 4, sizeof(struct rtmsg), sizeof(struct ifinfomsg) };
	const struct nlattr *table[TYPES + 1];
	/* As from malloc: aligned, and its end is watched. */
	unsigned char *copy = malloc(size + !size);
	struct err err = ERR_INIT;

	if (size)
		memcpy(copy, data, size);
	for (const struct nlmsghdr *message = NULL; netlink_next(&message, copy, size);) {
		if (netlink_error(message, &err) > 0)
			abort();
		nft_message_is_about(message, "berth");
		nft_message_is_removal(message);
		for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
			if (!netlink_read(table, TYPES, message, headers[i]))
				for (size_t type = 0; type <= TYPES; type++)
					look_at(table[type]);
	}
	free(copy);
	return 0;
}
