/*
 * suspect - layers that are known to be damaged, until they are replaced.
 *
 * A suspect layer counts as absent for whoever would fetch it (store_has_layer, layer_list), so the next
 * pull brings it again and stage_commit_layer() puts it into its place. It counts as present for
 * containers: a damaged version is better than none. The list is in memory only; after a start the
 * checks find again what is damaged.
 */
#ifndef STORE_SUSPECT_H
#define STORE_SUSPECT_H

#include <stdbool.h>

#include "config/digest.h"
#include "config/image_config.h"
#include "store/store.h"

bool suspect_is(const struct store *store, const struct digest *diff_id);
void suspect_add(struct store *store, const struct digest *diff_id);
void suspect_clear(struct store *store, const struct digest *diff_id);

/* Has the image a suspect layer? */
bool suspect_has_any(const struct store *store, const struct image_config *image);

#endif
