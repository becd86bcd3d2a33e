/*
 * lane - one of several chains fetch | decode | unpack that bring the layers of one image at the same
 * time. Which layer is whose the processes find out by themselves, each from the same facts: the
 * manifest, and what the store had when the pull began.
 *
 * In the settings of fetch and unpack: "lane":{"number":n,"count":n}. Without it there is one, lane 0.
 * Lane 0 brings the documents; the others are given them, and only bring layers.
 */
#ifndef AGENT_HELPER_LANE_H
#define AGENT_HELPER_LANE_H

#include <jansson.h>
#include <stdbool.h>

#include "config/image_config.h"
#include "config/manifest.h"
#include "lib/err.h"

#define LANES_MAX 8

struct lane {
	unsigned int number;
	unsigned int count;
};

/* As a settings object has it, and from one: 0 or -EINVAL. */
json_t *lane_settings(const struct lane *lane);
int lane_read(struct lane *lane, const json_t *settings, struct err *err);

/*
 * Sets mine[i] for each layer of the manifest that this lane has to bring: none that `has` says is
 * there, and of equal ones the first. The largest layers are dealt out first, each to the lane that
 * has the fewest bytes, so that all are done at about the same time. When there are fewer layers
 * than lanes, it's the last lanes that get none.
 */
void lane_deal(const struct lane *lane, const struct manifest *manifest,
	       const struct image_config *config, const bool *has, bool *mine);

#endif
