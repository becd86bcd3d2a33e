/*
 * gc - deletes what nothing needs any more.
 *
 * Kept are: images with a tag or in keep->configs, their manifests and layers; the layers of
 * unfinished pulls (unfinished.h); the writable layers of keep->containers. Volumes, tags and
 * records are never touched.
 *
 * In an order that a power cut can't turn into an image without its layers: images go first,
 * durably, then layers are thrown away (sweep.h). What a cut interrupts is an unreferenced layer,
 * which the next gc() finds, or a left-over in staging/. Takes a few system calls for each thing,
 * however large: the room is there when sweep() has been.
 */
#ifndef STORE_GC_H
#define STORE_GC_H

#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "lib/err.h"
#include "store/store.h"

/* Borrowed lists; empty ones may be NULL. */
struct gc_keep {
	const struct digest *configs; /* image IDs: generations, and whatever a container was made of */
	size_t config_count;
	const char *const *containers; /* IDs */
	size_t container_count;
};

/*
 * `freed_bytes` (may be NULL): unpacked bytes of the layers that were deleted. An image whose config
 * is damaged but kept makes it stop before any layer is deleted: which ones it needs isn't known.
 */
int gc(struct store *store, const struct gc_keep *keep, int64_t *freed_bytes, struct err *err);

#endif
