/*
 * subnet - IPv4 and IPv6 addresses and subnets as values: text in and out, and the arithmetic that
 * choosing networks and addresses needs. No sockets.
 */
#ifndef CONFIG_SUBNET_H
#define CONFIG_SUBNET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

#define IP_TEXT_MAX INET6_ADDRSTRLEN
#define SUBNET_TEXT_MAX (IP_TEXT_MAX + 4)

struct ip {
	int family; /* AF_INET, AF_INET6, or 0: no address */
	unsigned char bytes[16]; /* in network order; IPv4 has the first four */
};

struct subnet {
	struct ip ip; /* its first address; family 0: no subnet */
	int bits;
};

/* "192.0.2.1", "2001:db8::1"; brackets and scopes are refused. 0 or -EINVAL; *ip is then unchanged. */
int ip_parse(struct ip *ip, const char *text);
/* "" for no address. */
void ip_format(const struct ip *ip, char text[static IP_TEXT_MAX]);
bool ip_equal(const struct ip *a, const struct ip *b);
bool ip_is_unspecified(const struct ip *ip); /* 0.0.0.0, :: or no address */
bool ip_is_loopback(const struct ip *ip);    /* 127.0.0.0/8, ::1 */

/* "172.29.0.0/16"; bits behind the prefix must be zero. 0, or -EINVAL with the reason. */
int subnet_parse(struct subnet *subnet, const char *text, struct err *err);
void subnet_format(const struct subnet *subnet, char text[static SUBNET_TEXT_MAX]);
bool subnet_contains(const struct subnet *subnet, const struct ip *ip);
bool subnet_equal(const struct subnet *a, const struct subnet *b);
bool subnet_overlaps(const struct subnet *a, const struct subnet *b);

/* Addresses 1 to subnet_room() are for hosts; IPv4's last one is for broadcasts. At most 2^31. */
uint32_t subnet_room(const struct subnet *subnet);
/* The first address plus `index`. */
struct ip subnet_address(const struct subnet *subnet, uint32_t index);

#endif
