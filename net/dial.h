/*
 * dial - a TCP connection to a host by name or address, over IPv4 or IPv6, whichever works (RFC 8305, simplified).
 *
 * The host's addresses are tried in the resolver's order, the families taking turns. The next one is started as soon as
 * one fails, or after DIAL_NEXT_MS, while the earlier ones go on; the first that is through wins. So a family
 * that is dead costs a quarter of a second, not a time-out.
 *
 * How long a name may take is the resolver's business: agent/helper/sandbox.c writes it into fetch's resolv.conf.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>

#include "lib/err.h"

#define DIAL_ADDRESSES_MAX 8 /* more are not tried */
#define DIAL_NEXT_MS 250

/*
 * The descriptor of a connected, non-blocking socket; each address has `connect_ms`. -ENXIO: no such host;
 * otherwise what the last address failed with, reachable ones before unreachable ones. `peer` ("host:port") is for errors.
 */
int dial(const char *host, uint16_t port, int connect_ms, const char *peer, struct err *err);

#endif
