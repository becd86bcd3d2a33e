/*
 * stage - quarantine: where a pull is unpacked before it becomes part of the store.
 *
 *	stage_open(&stage, store, &err)
 *	... the unpack helper gets stage.dirfd as its root, makes <n>/fs for layer n ...
 *	stage_commit_layer(&stage, &meta_of_n, n, &err)		for each, as soon as it is reported
 *	... the helper writes manifest.json and config.json ...
 *	stage_commit_image(&stage, &manifest, &config, &tag, &err)
 *	stage_discard(&stage)					always
 *
 * Layers are committed one by one, so what a broken pull has finished needs no fetching again (pin
 * them in gc_keep meanwhile, until an image has them).
 */
#ifndef STORE_STAGE_H
#define STORE_STAGE_H

#include "config/digest.h"
#include "lib/err.h"
#include "store/layer.h"
#include "store/store.h"
#include "store/tag.h"

#define STAGE_MANIFEST "manifest.json"
#define STAGE_CONFIG "config.json"

struct stage {
	struct store *store;
	char name[16]; /* in staging/ */
	int dirfd;
};

/* On error nothing is left behind; stage_discard() is harmless then. */
int stage_open(struct stage *stage, struct store *store, struct err *err);

/*
 * Makes <number>/fs of the stage the layer meta->diff_id. Its files must be on disk already (the
 * helper calls syncfs, after it has written the meta beside them); this renames. The new name is
 * durable when the next image is, or when the file system commits by itself. A layer that exists is
 * kept, the staged one stays behind.
 */
int stage_commit_layer(struct stage *stage, const struct layer_meta *meta, unsigned int number,
		       struct err *err);

/* The two documents as the helper has left them, unchecked. */
int stage_read_documents(const struct stage *stage, struct buf *manifest, struct buf *config,
			 struct err *err);

/*
 * Takes over the image: checks that both files of the stage have these digests, that the manifest
 * names the config, and that every layer is in the store. -EBADMSG: they don't belong together.
 * With a tag the image gets that name in the same go, unless it is NULL. All is on disk then, the
 * layers too, and the stage is discarded.
 */
int stage_commit_image(struct stage *stage, const struct digest *manifest,
		       const struct digest *config, const struct tag *tag, struct err *err);

/* Throws away what is left (sweep.h). The helper must have ended. */
void stage_discard(struct stage *stage);

#endif
