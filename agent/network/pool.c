#include "agent/network/pool.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/sha256.h"

#define TRIES6 64
#define BITS_MIN 4 /* tunnels have two routes of one bit in place of the default one */

bool pool_conflicts(const struct subnet *a, const struct subnet *b)
{
	return a->bits >= BITS_MIN && b->bits >= BITS_MIN && subnet_overlaps(a, b);
}

static bool is_taken(const struct subnet *subnet, const struct subnet *taken, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pool_conflicts(subnet, &taken[i]))
			return true;
	return false;
}

int pool_choose(struct subnet *subnet, const struct subnet *taken, size_t count, struct err *err)
{
	static const struct {
		unsigned char first[2], last[2];
	} ranges[] = { { { 172, 29 }, { 172, 31 } }, { { 10, 128 }, { 10, 255 } } };

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		for (int b = ranges[i].first[1]; b <= ranges[i].last[1]; b++)
			for (int c = 0; c < 256; c++) {
				*subnet = (struct subnet){
					.ip = { AF_INET, { ranges[i].first[0], (unsigned char)b, (unsigned char)c } },
					.bits = 24,
				};
				if (!is_taken(subnet, taken, count))
					return 0;
			}
	return err_set(err, -EADDRNOTAVAIL, "every subnet that berth would choose has a route already: give the network "
					    "one with subnet =");
}

int pool_choose6(struct subnet *subnet, const char *device, const char *network,
		 const struct subnet *taken, size_t count, struct err *err)
{
	char of_device[SHA256_HEX + 1], of_network[SHA256_HEX + 1], text[SUBNET_TEXT_MAX];

	sha256_hex(device, strlen(device), of_device);
	for (int try = 0; try < TRIES6; try++) {
		FREE_CLEANUP char *name = xasprintf("%s/%s/%d", device, network, try);

		sha256_hex(name, strlen(name), of_network);
		snprintf(text, sizeof(text), "fd%.2s:%.4s:%.4s:%.4s::/64", of_device, of_device + 2,
			 of_device + 6, of_network);
		if (subnet_parse(subnet, text, err) == 0 && !is_taken(subnet, taken, count))
			return 0;
	}
	return err_set(err, -EADDRNOTAVAIL, "this device's part of fd00::/8 has routes already: give the network one with "
					    "subnet6 =");
}
