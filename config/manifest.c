#include "config/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/descriptor.h"
#include "lib/fd.h"
#include "lib/json.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

static const struct {
	const char *media_type;
	enum compression compression;
} layer_types[] = {
	{ "application/vnd.oci.image.layer.v1.tar", COMPRESSION_NONE },
	{ "application/vnd.oci.image.layer.v1.tar+gzip", COMPRESSION_GZIP },
	{ "application/vnd.oci.image.layer.v1.tar+zstd", COMPRESSION_ZSTD },
	{ "application/vnd.docker.image.rootfs.diff.tar", COMPRESSION_NONE },
	{ "application/vnd.docker.image.rootfs.diff.tar.gzip", COMPRESSION_GZIP },
	{ "application/vnd.docker.image.rootfs.diff.tar.zstd", COMPRESSION_ZSTD },
};

/*
 * Compares the header with the document where it names one of the types; a plain file server may
 * say anything else.
 */
static int check_content_type(const char *content_type, const json_t *document,
			      enum manifest_kind kind, struct err *err)
{
	FREE_CLEANUP char *type = xstrndup(content_type, strcspn(content_type, "; \t"));
	const char *kind_text = kind == MANIFEST_INDEX ? "lists manifests" : "lists layers";
	const char *media_type = NULL;
	enum manifest_kind told;

	if (media_type_kind(type, &told) < 0)
		return 0;
	json_get_string(document, "mediaType", &media_type, NULL);
	if (told != kind || (media_type && strcmp(type, media_type)))
		return err_set(err, -EINVAL, "manifest: the registry says %s, the document %s",
			       type, media_type ? media_type : kind_text);
	return 0;
}

int manifest_sniff(const void *data, size_t size, const char *content_type,
		   enum manifest_kind *kind, struct err *err)
{
	JSON_CLEANUP json_t *document = NULL;
	int rc = document_parse(&document, data, size, err);

	if (rc < 0 || (rc = document_kind(document, kind, err)) < 0)
		return rc;
	return content_type ? check_content_type(content_type, document, *kind, err) : 0;
}

static int read_compression(struct descriptor *layer, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(layer_types); i++) {
		if (!strcmp(layer->media_type, layer_types[i].media_type)) {
			layer->compression = layer_types[i].compression;
			return 0;
		}
	}
	if (strstr(layer->media_type, ".foreign.") ||
	    strstr(layer->media_type, ".nondistributable."))
		return err_set(err, -ENOTSUP,
			       "%s: a layer that registries do not hold (Windows base images have "
			       "them): not supported",
			       layer->media_type);
	return err_set(err, -ENOTSUP, "%s is no file system layer: the tag names no image to run",
		       layer->media_type);
}

static int read_config(struct manifest *manifest, const json_t *document, struct err *err)
{
	json_t *config = json_object_get(document, "config");

	if (!config)
		return err_set(err, -EINVAL, "manifest: no \"config\" in it");
	if (descriptor_parse(&manifest->config, config, MANIFEST_CONFIG_SIZE_MAX, err) < 0)
		return err_context(err, "manifest: config");
	if (strcmp(manifest->config.media_type, MEDIA_OCI_CONFIG) &&
	    strcmp(manifest->config.media_type, MEDIA_DOCKER_CONFIG))
		return err_set(err, -ENOTSUP,
			       "manifest: config is %s: the tag names an artifact, no image to run",
			       manifest->config.media_type);
	return 0;
}

static int read_layers(struct manifest *manifest, const json_t *document, struct err *err)
{
	json_t *layers = NULL;
	size_t count;

	if (json_get_array(document, "layers", &layers, err) < 0)
		return err_context(err, "manifest");
	count = json_array_size(layers);
	if (count == 0)
		return err_set(err, -ENOTSUP, "manifest: no layers in it: nothing to run");
	if (count > MANIFEST_LAYERS_MAX)
		return err_set(err, -E2BIG, "manifest: %zu layers, at most %d are supported", count,
			       MANIFEST_LAYERS_MAX);
	manifest->layers = xcalloc(count, sizeof(*manifest->layers));
	for (size_t i = 0; i < count; i++) {
		struct descriptor *layer = &manifest->layers[i];

		if (descriptor_parse(layer, json_array_get(layers, i), MANIFEST_LAYER_SIZE_MAX,
				     err) < 0)
			return err_context(err, "manifest: layer %zu", i);
		manifest->layer_count++;
		if (read_compression(layer, err) < 0)
			return err_context(err, "manifest: layer %zu", i);
	}
	return 0;
}

int manifest_parse(struct manifest **out, const void *data, size_t size, struct err *err)
{
	JSON_CLEANUP json_t *document = NULL;
	struct manifest *manifest;
	enum manifest_kind kind;
	int rc = document_parse(&document, data, size, err);

	if (rc < 0 || (rc = document_kind(document, &kind, err)) < 0)
		return rc;
	if (kind != MANIFEST_IMAGE)
		return err_set(err, -EINVAL, "manifest: it is an index of manifests");
	manifest = xcalloc(1, sizeof(*manifest));
	if ((rc = read_config(manifest, document, err)) < 0 ||
	    (rc = read_layers(manifest, document, err)) < 0) {
		manifest_free(manifest);
		return rc;
	}
	*out = manifest;
	return 0;
}

void manifest_free(struct manifest *manifest)
{
	if (!manifest)
		return;
	descriptor_release(&manifest->config);
	for (size_t i = 0; i < manifest->layer_count; i++)
		descriptor_release(&manifest->layers[i]);
	free(manifest->layers);
	free(manifest);
}

int64_t manifest_layer_unpacked_max(int64_t size)
{
	const int64_t room = MANIFEST_LAYER_UNPACKED_MAX - MANIFEST_LAYER_EXPANSION_FREE;

	if (size > room / MANIFEST_LAYER_EXPANSION_MAX)
		return MANIFEST_LAYER_UNPACKED_MAX;
	return MANIFEST_LAYER_EXPANSION_FREE + size * MANIFEST_LAYER_EXPANSION_MAX;
}
