/*
 * image - images in the store. An image is its config: images/<config digest>.json, byte for byte as
 * the registry served it; the config's digest is what docker calls the image ID. An image is there
 * only after all its layers are (stage_commit_image).
 */
#ifndef STORE_IMAGE_H
#define STORE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "config/image_config.h"
#include "config/manifest.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "store/store.h"
#include "store/tag.h"

bool image_exists(const struct store *store, const struct digest *config);

/*
 * The image's config, its digest checked. -ENOENT: no such image; -EBADMSG: the file is damaged.
 * free with image_config_free(); `raw` may be NULL.
 */
int image_load(const struct store *store, const struct digest *config, struct image_config **out,
	       struct buf *raw, struct err *err);

/* The manifest's bytes, digest checked; same errors. Tags name the manifest. */
int image_load_manifest(const struct store *store, const struct digest *manifest, struct buf *raw,
			struct err *err);

/* 0 when every layer is in the store, so that a container can be made; else -ENOENT or -EBADMSG, with the layer. */
int image_check_layers(const struct store *store, const struct image_config *config,
		       struct err *err);

/*
 * Finds an image as docker does: by "sha256:<ID>", by reference (also repository@digest, and with
 * the default tag), or by the first digits of its ID. `tag` is filled in when a reference did it,
 * else its reference is "". -ENOENT; -EEXIST: several IDs begin so; -EINVAL: no name at all.
 */
int image_find(const struct store *store, const char *text, struct digest *config, struct tag *tag,
	       struct err *err);

struct image {
	struct digest config;
	int64_t created_ns;
	int64_t size_bytes; /* unpacked, layers shared with other images counted in */
	struct tag *tags;
	size_t tag_count; /* 0: docker shows <none> */
};

/* All of them, newest first; damaged ones are logged and left out. */
int image_list(const struct store *store, struct image **out, size_t *count, struct err *err);
void image_list_free(struct image *images, size_t count);

#endif
