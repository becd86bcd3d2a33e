/* Any bytes as a manifest and as an index: at most one of the two reads it, and the kind says
 * which. */
#include <stdlib.h>
#include <string.h>

#include "config/manifest.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_manifest(const struct manifest *manifest)
{
	struct digest digest;

	if (manifest->layer_count == 0 || manifest->layer_count > MANIFEST_LAYERS_MAX)
		abort();
	for (size_t i = 0; i < manifest->layer_count; i++) {
		const struct descriptor *layer = &manifest->layers[i];

		if (layer->size < 0 || layer->size > MANIFEST_LAYER_SIZE_MAX ||
		    digest_parse(&digest, layer->digest.text) < 0 || !strlen(layer->media_type))
			abort();
	}
}

static void check_index(const struct index *index)
{
	static const struct platform machines[] = {
		{ "linux", "amd64", "" },
		{ "linux", "arm64", "v8" },
		{ "linux", "arm", "v7" },
	};

	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		struct err err = ERR_INIT;
		const struct descriptor *found = index_select(index, &machines[i], &err);

		if (found ? found < index->manifests ||
				    found >= index->manifests + index->manifest_count
			  : !err.text[0])
			abort();
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct manifest *manifest = NULL;
	struct index *index = NULL;
	struct err err = ERR_INIT;
	enum manifest_kind kind;
	char *text = malloc(size ? size : 1);

	memcpy(text, data, size);
	int sniffed = manifest_sniff(text, size, NULL, &kind, &err);

	if (manifest_parse(&manifest, text, size, &err) == 0) {
		if (sniffed < 0 || kind != MANIFEST_IMAGE)
			abort();
		check_manifest(manifest);
	}
	if (index_parse(&index, text, size, &err) == 0) {
		if (sniffed < 0 || kind != MANIFEST_INDEX || manifest)
			abort();
		check_index(index);
	}
	manifest_sniff(text, size, MEDIA_OCI_MANIFEST "; charset=utf-8", &kind, &err);
	manifest_free(manifest);
	index_free(index);
	free(text);
	return 0;
}
