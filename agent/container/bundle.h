/*
 * bundle - the OCI runtime bundle of a container, below <run>/containers/<id> on tmpfs: config.json
 * from the image's config and the app's settings, the list of layers for the overlay, resolv.conf
 * and hosts, and container.json, by which the next agent knows the container again.
 */
#ifndef AGENT_CONTAINER_BUNDLE_H
#define AGENT_CONTAINER_BUNDLE_H

#include <jansson.h>

#include "config/image_config.h"
#include "lib/err.h"

struct container;

/* Writes all of it anew; sets container->args and stop_signal. -ENOENT: the image isn't in the store, or not whole. */
int bundle_write(struct container *container, struct err *err);

/* Removes the directory, and the writable layer and the anonymous volumes in the store. */
void bundle_remove(struct container *container);

/* What container.json holds; see containers_adopt(). */
json_t *bundle_describe(const struct container *container);

/* The image's config from the store. Free with image_config_free(). */
int bundle_image_config(struct container *container, struct image_config **out, struct err *err);

#endif
