/* labels - a container's labels: that of its app, those of agent.ini, and the image's below them. */
#ifndef AGENT_CONTAINER_LABELS_H
#define AGENT_CONTAINER_LABELS_H

#include "config/app_config.h"
#include "config/image_config.h"

/* Which app a container belongs to; nobody else can set it. */
#define LABEL_APP "io.berth.app"

/*
 * name, value, name, value ..., each name once; NULL-terminated, for free_strings(). `image` may be
 * NULL: not known.
 */
char **labels_merge(const struct app_config *settings, const struct image_config *image);

#endif
