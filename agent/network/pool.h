/*
 * pool - subnets for networks whose section names none. Pure: what the device has already is handed in.
 */
#ifndef AGENT_NETWORK_POOL_H
#define AGENT_NETWORK_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "config/subnet.h"
#include "lib/err.h"

/* Would one take addresses from the other? A route to all or half of everything doesn't count. */
bool pool_conflicts(const struct subnet *a, const struct subnet *b);

/*
 * The first /24 of 172.29.0.0/16, 172.30.0.0/16, 172.31.0.0/16 and 10.128.0.0/9 that has nothing in common with
 * one that is taken; -EADDRNOTAVAIL when there is none.
 */
int pool_choose(struct subnet *subnet, const struct subnet *taken, size_t count, struct err *err);

/*
 * A /64 of fd00::/8 (RFC 4193): its 40 random bits come from the device's name, so that all networks of a device
 * have them in common, and 16 from the network's. The same every time, unless it is taken.
 */
int pool_choose6(struct subnet *subnet, const char *device, const char *network,
		 const struct subnet *taken, size_t count, struct err *err);

#endif
