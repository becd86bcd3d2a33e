#include "config/subnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int size_of(const struct ip *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

int ip_parse(struct ip *ip, const char *text)
{
	struct ip found = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(found.family, text, found.bytes) != 1)
		return -EINVAL;
	*ip = found;
	return 0;
}

void ip_format(const struct ip *ip, char text[static IP_TEXT_MAX])
{
	*text = '\0';
	if (ip->family)
		inet_ntop(ip->family, ip->bytes, text, IP_TEXT_MAX);
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool ip_is_unspecified(const struct ip *ip)
{
	static const unsigned char zero[sizeof(ip->bytes)];

	return !memcmp(ip->bytes, zero, sizeof(zero));
}

bool ip_is_loopback(const struct ip *ip)
{
	static const unsigned char one[sizeof(ip->bytes)] = { [15] = 1 };

	return ip->family == AF_INET ? ip->bytes[0] == 127 :
				       ip->family && !memcmp(ip->bytes, one, sizeof(one));
}

/* Are the first `bits` the same? */
static bool has_prefix(const struct ip *ip, const struct ip *prefix, int bits)
{
	int whole = bits / 8, mask = 0xff00 >> bits % 8 & 0xff;

	return ip->family == prefix->family && !memcmp(ip->bytes, prefix->bytes, (size_t)whole) &&
	       (!mask || !((ip->bytes[whole] ^ prefix->bytes[whole]) & mask));
}

static void clear_host(struct subnet *subnet)
{
	for (int bit = subnet->bits; bit < 8 * size_of(&subnet->ip); bit++)
		subnet->ip.bytes[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
}

static int parse_bits(const char *text, int most)
{
	char *end;
	long bits;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	bits = strtol(text, &end, 10);
	return *end || bits > most ? -EINVAL : (int)bits;
}

int subnet_parse(struct subnet *subnet, const char *text, struct err *err)
{
	const char *slash = strchr(text, '/');
	char address[IP_TEXT_MAX], right[SUBNET_TEXT_MAX];
	struct subnet found, clean;

	if (!slash || slash - text >= IP_TEXT_MAX)
		return err_set(err, -EINVAL, "not a subnet; use one such as 10.20.0.0/24");
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (ip_parse(&found.ip, address) < 0 ||
	    (found.bits = parse_bits(slash + 1, 8 * size_of(&found.ip))) < 0)
		return err_set(err, -EINVAL, "not a subnet; use one such as 10.20.0.0/24");
	clean = found;
	clear_host(&clean);
	if (!ip_equal(&clean.ip, &found.ip)) {
		subnet_format(&clean, right);
		return err_set(err, -EINVAL, "not the first address of a subnet; use %s", right);
	}
	*subnet = found;
	return 0;
}

void subnet_format(const struct subnet *subnet, char text[static SUBNET_TEXT_MAX])
{
	char address[IP_TEXT_MAX];

	ip_format(&subnet->ip, address);
	if (*address)
		snprintf(text, SUBNET_TEXT_MAX, "%s/%d", address, subnet->bits);
	else
		*text = '\0';
}

bool subnet_contains(const struct subnet *subnet, const struct ip *ip)
{
	return subnet->ip.family && has_prefix(ip, &subnet->ip, subnet->bits);
}

bool subnet_equal(const struct subnet *a, const struct subnet *b)
{
	return a->bits == b->bits && ip_equal(&a->ip, &b->ip);
}

bool subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
	return a->bits < b->bits ? subnet_contains(a, &b->ip) : subnet_contains(b, &a->ip);
}

uint32_t subnet_room(const struct subnet *subnet)
{
	int host_bits = 8 * size_of(&subnet->ip) - subnet->bits;
	uint32_t addresses = host_bits > 31 ? 1U << 31 : 1U << host_bits;
	uint32_t taken = subnet->ip.family == AF_INET ? 2 : 1;

	return !subnet->ip.family || addresses < taken ? 0 : addresses - taken;
}

struct ip subnet_address(const struct subnet *subnet, uint32_t index)
{
	struct ip ip = subnet->ip;

	for (int i = size_of(&ip) - 1; index; i--, index >>= 8) {
		index += ip.bytes[i];
		ip.bytes[i] = (unsigned char)index;
	}
	return ip;
}
