#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/network/attach_parts.h"

static int index_of(const struct ip *ip)
{
	return ip->family == AF_INET ? IPV4 : IPV6;
}

static int parse_number(const char *text, long most)
{
	char *end;
	long number;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	number = strtol(text, &end, 10);
	return *end || number > most ? -EINVAL : (int)number;
}

static int take_address(struct attach *attach, char *text)
{
	struct attach_address address = { 0 };
	char host[IP_TEXT_MAX];
	char *slash = strchr(text, '/');

	if (!slash || slash - text >= IP_TEXT_MAX)
		return -EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)(slash - text), text);
	if (ip_parse(&address.ip, host) < 0)
		return -EINVAL;
	address.bits = parse_number(slash + 1, address.ip.family == AF_INET ? 32 : 128);
	if (address.bits < 0)
		return -EINVAL;
	attach->addresses[index_of(&address.ip)] = address;
	return 0;
}

static int take_gateway(struct attach *attach, const char *text)
{
	struct ip ip;

	if (ip_parse(&ip, text) < 0)
		return -EINVAL;
	attach->gateways[index_of(&ip)] = ip;
	return 0;
}

/* A bit says "for a group": no interface has such an address. */
static int take_mac(struct attach *attach, const char *text)
{
	unsigned int bytes[LINK_MAC_BYTES];
	int size = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
		   &bytes[5], &size) != LINK_MAC_BYTES || text[size] || bytes[0] & 1)
		return -EINVAL;
	for (int i = 0; i < LINK_MAC_BYTES; i++)
		attach->mac[i] = (unsigned char)bytes[i];
	return 0;
}

static int take_name(const char **name, const char *text)
{
	*name = text;
	return link_name_is_valid(text) ? 0 : -EINVAL;
}

static int take_mtu(struct attach *attach, const char *text)
{
	int mtu = parse_number(text, 65535);

	attach->mtu = mtu < 0 ? 0 : (uint32_t)mtu;
	return mtu < 68 ? -EINVAL : 0;
}

static int take_forward(struct attach *attach, char *text)
{
	for (size_t i = 0; i < ATTACH_FORWARDS_MAX; i++)
		if (!attach->forwards[i]) {
			attach->forwards[i] = text;
			return 0;
		}
	return -E2BIG;
}

static int take(struct attach *attach, int option, char *text)
{
	switch (option) {
	case 'b':
		return take_name(&attach->bridge, text);
	case 'h':
		return take_name(&attach->host_name, text);
	case 'n':
		return take_name(&attach->name, text);
	case 'a':
		return take_address(attach, text);
	case 'g':
		return take_gateway(attach, text);
	case 'm':
		return take_mtu(attach, text);
	case 'M':
		return take_mac(attach, text);
	default:
		return take_forward(attach, text);
	}
}

static const struct ip zero_ip;
static const unsigned char no_mac[LINK_MAC_BYTES];

static int complete(struct attach *attach, struct err *err)
{
	const struct ip *first = &attach->addresses[attach->addresses[IPV4].ip.family ? IPV4 : IPV6].ip;

	if (!attach->bridge || !attach->host_name || ip_equal(first, &zero_ip))
		return err_set(err, -EINVAL, "--bridge, --host-name and --address are needed");
	for (int i = 0; i < IP_FAMILIES; i++)
		if (attach->gateways[i].family && !attach->addresses[i].ip.family)
			return err_set(err, -EINVAL, "a gateway without an address of its family");
	if (!memcmp(attach->mac, no_mac, sizeof(no_mac)))
		link_mac_of(attach->mac, first);
	return 0;
}

int attach_parse(struct attach *attach, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "bridge", required_argument, NULL, 'b' },  { "host-name", required_argument, NULL, 'h' },
		{ "name", required_argument, NULL, 'n' },    { "address", required_argument, NULL, 'a' },
		{ "gateway", required_argument, NULL, 'g' }, { "mtu", required_argument, NULL, 'm' },
		{ "mac", required_argument, NULL, 'M' },     { "forward", required_argument, NULL, 'f' },
		{ 0 },
	};
	int option, which;

	*attach = (struct attach){ .name = "eth0" };
	optind = 0;
	while ((option = getopt_long(argc, argv, "+", options, &which)) != -1) {
		int rc = option == '?' ? -EINVAL : take(attach, option, optarg);

		if (option == '?')
			return err_set(err, rc, "%s: no such option, or its value is missing", argv[optind - 1]);
		if (rc < 0)
			return err_set(err, rc, "--%s %s: %s", options[which].name, optarg,
				       rc == -E2BIG ? "too many" : "not valid");
	}
	if (optind != argc)
		return err_set(err, -EINVAL, "%s: nothing is expected behind the options", argv[optind]);
	return complete(attach, err);
}
