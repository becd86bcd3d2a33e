/*
 * network_config - `[network NAME]` sections of agent.ini: bridges that apps share, apart from
 * each other. "bridge" is there without a section.
 */
#ifndef CONFIG_NETWORK_CONFIG_H
#define CONFIG_NETWORK_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "config/keys.h"
#include "config/subnet.h"
#include "lib/err.h"

#define NETWORKS_MAX 16 /* sections of one agent.ini */
#define NETWORK_INTERFACE_SIZE 16 /* IFNAMSIZ */
#define NETWORK_MTU_MIN 1280 /* IPv6's */
#define NETWORK_MTU_MAX 65535

struct agent_config;

struct network_config {
	char *name;
	struct subnet subnet;  /* family 0: berth chooses one */
	struct subnet subnet6;
	bool no_subnet6; /* subnet6 = none */
	bool internal;	 /* no way out, and none in but from the device */
	int mtu;	 /* 0: the uplink's */
};

void network_config_init(struct network_config *network, const char *name);
void network_config_release(struct network_config *network);
const struct key_table *network_config_keys(void);

/* May a section have this name? */
int network_config_check_name(const char *name, struct err *err);

/* The bridge's name in the kernel: berth0 for "bridge", else berth-NAME, with a hash where that is too long. */
void network_config_interface(const char *name, char interface[static NETWORK_INTERFACE_SIZE]);

/*
 * What can be said only when all sections are known: networks that apps name are there, subnets
 * don't overlap, no two apps publish one port, and who joins an app's network finds it. The error
 * begins with the section: "[app b] publish = 8080:80/tcp: ...".
 */
int network_config_check_all(const struct agent_config *config, struct err *err);

#endif
