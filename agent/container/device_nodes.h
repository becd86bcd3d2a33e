/*
 * device_nodes - the device nodes that a container gets (config/spec.h): those that the app's
 * settings name, and, when it is privileged, all others below /dev. What every container has of its
 * own (null, pts and so on) is none of them; nor are optional ones that aren't plugged in.
 */
#ifndef AGENT_CONTAINER_DEVICE_NODES_H
#define AGENT_CONTAINER_DEVICE_NODES_H

#include <stddef.h>

#include "config/app_config.h"
#include "config/spec.h"
#include "lib/err.h"

#define DEVICE_NODES_MAX 4096 /* nodes below /dev; more is an error */

struct device_nodes {
	struct spec_device *items;
	size_t count;
	char **paths; /* on the device; owned */
};

/* Looks them up now; `settings` must live as long as the result. Release it also after an error. */
int device_nodes_find(struct device_nodes *nodes, const struct app_config *settings,
		      struct err *err);
void device_nodes_release(struct device_nodes *nodes);

#endif
