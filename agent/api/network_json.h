/* network_json - networks and published ports in Docker's JSON. */
#ifndef AGENT_API_NETWORK_JSON_H
#define AGENT_API_NETWORK_JSON_H

#include <jansson.h>

#include "agent/networks/networks.h"

struct agent;
struct container;

#define NETWORK_ID_SIZE 65

/* The same for a name on every device: 64 hex digits. */
void network_id(const char *name, char id[static NETWORK_ID_SIZE]);

/* "bridge", or "container:ID" where it joins another's. */
json_t *network_mode_json(const struct container *container);

/* Of a container: "NetworkSettings" of a list and of an inspect, "Ports" of a list, "PortBindings" of HostConfig. */
json_t *network_endpoints_json(const struct container *container);
json_t *network_settings_json(const struct container *container);
json_t *network_ports_json(const struct container *container);
json_t *network_bindings_json(const struct container *container);

/* One network as GET /networks/NAME has it; `section` is NULL for host and none, and for bridge without one. */
json_t *network_json(struct agent *agent, const char *name, const struct network_config *section);

#endif
