#include "store/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/image_config.h"
#include "config/manifest.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/file.h"
#include "store/image.h"
#include "store/layer.h"
#include "store/quota.h"
#include "store/suspect.h"
#include "store/tag.h"
#include "store/unfinished.h"

struct digests {
	struct digest *items;
	size_t count;
};

struct gc {
	struct store *store;
	const struct gc_keep *keep;
	struct digests images; /* to keep */
	struct digests layers;
	int64_t freed_bytes;
};

static bool has(const struct digests *set, const struct digest *digest)
{
	for (size_t i = 0; i < set->count; i++)
		if (digest_equal(&set->items[i], digest))
			return true;
	return false;
}

static void add(struct digests *set, const struct digest *digest)
{
	if (has(set, digest))
		return;
	/* Capacities are powers of two: full when the count is one. */
	if (!(set->count & (set->count - 1)))
		set->items = xrealloc(set->items,
				      (set->count ? 2 * set->count : 1) * sizeof(*set->items));
	set->items[set->count++] = *digest;
}

static int mark_images(struct gc *gc, struct err *err)
{
	struct tag *tags;
	size_t count;
	int rc = tag_list(gc->store, &tags, &count, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		add(&gc->images, &tags[i].config);
	for (size_t i = 0; i < gc->keep->config_count; i++)
		add(&gc->images, &gc->keep->configs[i]);
	free(tags);
	return 0;
}

static int mark_unfinished(struct gc *gc, struct err *err)
{
	struct unfinished *pulls;
	size_t count;
	int rc = unfinished_list(gc->store, &pulls, &count, err);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < pulls[i].layer_count; j++)
			add(&gc->layers, &pulls[i].layers[j]);
	free(pulls);
	return rc;
}

/* An image that can't be read may need any layer: then none is deleted. */
static int mark_layers(struct gc *gc, struct err *err)
{
	for (size_t i = 0; i < gc->images.count; i++) {
		struct image_config *config = NULL;
		int rc = image_load(gc->store, &gc->images.items[i], &config, NULL, err);

		if (rc == -ENOENT)
			continue;
		if (rc < 0)
			return rc;
		for (size_t j = 0; j < config->diff_id_count; j++)
			add(&gc->layers, &config->diff_ids[j]);
		image_config_free(config);
	}
	return mark_unfinished(gc, err);
}

typedef bool (*is_needed)(struct gc *gc, const char *name);

/* What the names in a directory stand for is kept or goes; foreign names stay. */
static bool needs_image(struct gc *gc, const char *name)
{
	struct digest digest;

	return file_document_digest(&digest, name) < 0 || has(&gc->images, &digest);
}

/* A damaged manifest serves nobody: a pull brings it again. One that can't be read now may be whole. */
static bool needs_manifest(struct gc *gc, const char *name)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct manifest *manifest = NULL;
	struct digest digest;
	bool needed;
	int rc;

	if (file_document_digest(&digest, name) < 0)
		return true;
	rc = image_load_manifest(gc->store, &digest, &text, NULL);
	if (rc < 0)
		return rc != -EBADMSG;
	needed = manifest_parse(&manifest, text.data, text.size, NULL) == 0 &&
		 has(&gc->images, &manifest->config.digest);
	manifest_free(manifest);
	return needed;
}

static bool needs_layer(struct gc *gc, const char *name)
{
	struct layer_meta meta;
	struct digest digest;

	if (digest_from_hex(&digest, name) < 0 || has(&gc->layers, &digest))
		return true;
	if (layer_read_meta(gc->store, &digest, &meta, NULL) == 0)
		gc->freed_bytes += meta.size_bytes;
	suspect_clear(gc->store, &digest);
	return false;
}

static bool needs_container(struct gc *gc, const char *name)
{
	for (size_t i = 0; i < gc->keep->container_count; i++)
		if (!strcmp(gc->keep->containers[i], name))
			return true;
	quota_lift(gc->store->containers, name);
	return false;
}

static int discard(struct gc *gc, int dir, const char *name, bool is_tree)
{
	if (is_tree)
		return file_throw_away(gc->store, dir, name);
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

/* Files are removed, trees are thrown away (sweep.h). Durable when it returns. */
static int clear(struct gc *gc, int dir, const char *what, is_needed needed, bool is_tree,
		 struct err *err)
{
	bool changed = false;
	char **names;
	int rc = file_names(dir, &names);

	for (char **name = names; !rc && *name; name++) {
		if (needed(gc, *name))
			continue;
		rc = discard(gc, dir, *name, is_tree);
		changed = true;
	}
	free_strings(names);
	if (changed && fsync(dir) < 0 && !rc)
		rc = -errno;
	return rc ? err_code(err, rc, "remove unused %s", what) : 0;
}

static int collect(struct gc *gc, struct err *err)
{
	struct store *store = gc->store;

	return mark_images(gc, err) ?:
	       clear(gc, store->images, "images", needs_image, false, err) ?:
	       clear(gc, store->manifests, "manifests", needs_manifest, false, err) ?:
	       mark_layers(gc, err) ?:
	       clear(gc, store->layers, "layers", needs_layer, true, err) ?:
	       clear(gc, store->containers, "containers", needs_container, true, err);
}

int gc(struct store *store, const struct gc_keep *keep, int64_t *freed_bytes, struct err *err)
{
	struct gc gc = { .store = store, .keep = keep };
	int rc = collect(&gc, err);

	free(gc.images.items);
	free(gc.layers.items);
	if (freed_bytes)
		*freed_bytes = gc.freed_bytes;
	return rc;
}
