/*
 * unfinished - pulls that are under way, on flash: pulls/<digest of the image>.
 *
 * Layers are committed one by one, and until the image is there too nothing refers to them. This
 * record does: gc() keeps the layers that it names, so a pull that breaks, or a power cut in the
 * middle, costs no layer that was finished. It is written once, before the first layer is
 * committed, and removed when the image is somebody's, or nobody wants it any more. So that no
 * record stays for good, it counts the starts of the agent since it was last worked on.
 */
#ifndef STORE_UNFINISHED_H
#define STORE_UNFINISHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "config/manifest.h"
#include "config/reference.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "store/store.h"

#define UNFINISHED_FILE_MAX (16 * 1024) /* bytes: 128 layers and a reference */
/* So many starts without anybody going on with it, and it is dropped. */
#define UNFINISHED_STARTS_MAX 8

/* The file is a JSON object with these members. */
struct unfinished {
	struct digest image; /* what was asked for: manifest or index; names the file */
	char reference[REFERENCE_TEXT_SIZE]; /* it was asked by, canonical */
	bool by_hand;	     /* a person pulls it, no app does */
	int64_t starts;	     /* of the agent since the pull was last begun */
	int64_t written_s;   /* time of the file, by the clock of then; not in it */
	struct digest layers[MANIFEST_LAYERS_MAX]; /* diff IDs */
	size_t layer_count;
};

/* Sets or replaces the record of an image; writes nothing when it says so already. */
int unfinished_save(struct store *store, const struct unfinished *unfinished, struct err *err);

/* Removing one that isn't there is success, and writes nothing. */
int unfinished_remove(struct store *store, const struct digest *image, struct err *err);

/* All of them; damaged ones are logged and removed, unreadable ones an error. free() *out. */
int unfinished_list(struct store *store, struct unfinished **out, size_t *count,
		    struct err *err);

/* Parser of bytes that flash may have damaged. -EINVAL with the reason. */
int unfinished_parse(struct unfinished *unfinished, const void *data, size_t size,
		     struct err *err);
void unfinished_format(const struct unfinished *unfinished, struct buf *out);

#endif
