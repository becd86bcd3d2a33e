/*
 * resolv - the resolv.conf(5) of a container: the device's, with an app's dns, dns_search and dns_option in place
 * of its own lines. Pure.
 */
#ifndef CONFIG_RESOLV_H
#define CONFIG_RESOLV_H

#include <stdbool.h>

#include "config/app_network.h"
#include "lib/buf.h"

/* Does it name only servers that another network namespace can't reach (127.0.0.53), and at least one of those? */
bool resolv_is_local(const char *device);

/*
 * Appends the lines. `is_apart`: name servers on loopback and link-local addresses are left out, since they aren't
 * there. False: no name server is left.
 */
bool resolv_compose(struct buf *out, const char *device, const struct app_network *network, bool is_apart);

#endif
