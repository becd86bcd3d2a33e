/* container_json - a container as the API's documents have it. New references. */
#ifndef AGENT_API_CONTAINER_JSON_H
#define AGENT_API_CONTAINER_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "agent/app/health.h"
#include "config/image_config.h"

struct container;

/* An entry of GET /containers/json. */
json_t *container_summary_json(const struct container *container);

/* GET /containers/{id}/json. */
json_t *container_inspect_json(struct container *container);

/* Its "HostConfig" (host_config_json.c). */
json_t *host_config_json(const struct container *container);

/* An image's labels as an object. */
json_t *image_labels_json(const struct image_config *image);

enum health_status container_health(const struct container *container);

/* "Up 2 minutes (healthy)", "Exited (1) 5 seconds ago". */
void container_status_text(const struct container *container, char *text, size_t size);

#endif
