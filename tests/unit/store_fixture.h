/* store_fixture - a store in a scratch directory, and small images to put into it. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <sys/stat.h>

#include "store/image.h"
#include "store/layer.h"
#include "store/stage.h"
#include "store/store.h"
#include "tests/unit/scratch.h"

#define FIXTURE_LAYERS_MAX 4

/* An image of layers that are named by one letter: layer 'a' has the diff ID sha256("a"). */
struct fixture_image {
	struct digest manifest, config;
	struct buf manifest_text, config_text;
};

static inline void fixture_diff_id(char letter, struct digest *digest)
{
	digest_of(digest, &letter, 1);
}

static inline void fixture_image(struct fixture_image *image, const char *letters,
				 const char *created)
{
	struct buf *config = &image->config_text, *manifest = &image->manifest_text;
	struct digest id;

	*image = (struct fixture_image){ 0 };
	buf_append_format(config, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"%s\","
			  "\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[", created);
	for (const char *p = letters; *p; p++) {
		fixture_diff_id(*p, &id);
		buf_append_format(config, "%s\"%s\"", p > letters ? "," : "", id.text);
	}
	buf_append_text(config, "]}}");
	digest_of(&image->config, config->data, config->size);
	buf_append_format(manifest, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\","
			  "\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"%s\","
			  "\"size\":%zu},\"layers\":[", image->config.text, config->size);
	for (const char *p = letters; *p; p++) {
		fixture_diff_id(*p, &id);
		buf_append_format(manifest, "%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
				  "\"digest\":\"%s\",\"size\":10}", p > letters ? "," : "", id.text);
	}
	buf_append_text(manifest, "]}");
	digest_of(&image->manifest, manifest->data, manifest->size);
}

static inline void fixture_image_release(struct fixture_image *image)
{
	buf_release(&image->manifest_text);
	buf_release(&image->config_text);
}

/* What unpack leaves for a layer: <number>/fs with a file in it. */
static inline void fixture_stage_layer(const struct stage *stage, unsigned int number)
{
	FD_CLEANUP int dir = -1, fs = -1;
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	dir = fd_open_dir(stage->dirfd, name, 0700);
	fs = fd_open_dir(dir, "fs", 0755);
	fd_replace_file_volatile(fs, "file", "content", 7, 0644);
}

static inline int fixture_commit_layer(struct stage *stage, unsigned int number, char letter,
				       struct err *err)
{
	struct layer_meta meta = { .size_bytes = 7, .files = 1 };

	fixture_diff_id(letter, &meta.diff_id);
	return stage_commit_layer(stage, &meta, number, err);
}

static inline void fixture_stage_documents(const struct stage *stage,
					   const struct fixture_image *image)
{
	fd_replace_file_volatile(stage->dirfd, STAGE_MANIFEST, image->manifest_text.data,
				 image->manifest_text.size, 0600);
	fd_replace_file_volatile(stage->dirfd, STAGE_CONFIG, image->config_text.data,
				 image->config_text.size, 0600);
}

/* A whole pull. 0 or the error of the step that failed. */
static inline int fixture_pull(struct store *store, const struct fixture_image *image,
			       const char *letters, struct err *err)
{
	struct stage stage;
	int rc = stage_open(&stage, store, err);

	for (unsigned int i = 0; !rc && letters[i]; i++) {
		fixture_stage_layer(&stage, i);
		rc = fixture_commit_layer(&stage, i, letters[i], err);
	}
	if (!rc) {
		fixture_stage_documents(&stage, image);
		rc = stage_commit_image(&stage, &image->manifest, &image->config, NULL, err);
	}
	stage_discard(&stage);
	return rc;
}

static inline int fixture_tag(struct store *store, const struct fixture_image *image,
			      const char *reference, struct err *err)
{
	struct tag tag = { .image = image->manifest, .manifest = image->manifest,
			   .config = image->config };

	snprintf(tag.reference, sizeof(tag.reference), "%s", reference);
	return image_tag(store, &tag, err);
}

#endif
