/*
 * manifest - image manifests and indexes, of OCI (image-spec manifest.md, image-index.md) and of
 * Docker's schema 2. Parsers of foreign bytes: pointer and length in, a struct out, no I/O. They
 * don't check the bytes' digest, which whoever received them does first.
 *
 *	manifest_sniff(data, size, content_type, &kind, err)	which of the two is it?
 *	index_parse(&index, ...); index_select(index, &platform, err)	what to fetch next
 *	manifest_parse(&manifest, ...) -> config and layers
 *
 * Schema 1, artifacts that are no images, and layers that must not be distributed are refused with
 * a reason that says so.
 */
#ifndef CONFIG_MANIFEST_H
#define CONFIG_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "config/platform.h"
#include "lib/err.h"

#define MANIFEST_SIZE_MAX (4u << 20) /* bytes; the distribution spec asks registries for as much */
#define MANIFEST_LAYERS_MAX 128	     /* Docker's own limit is 127 */
#define MANIFEST_LAYER_SIZE_MAX (INT64_C(64) << 30) /* bytes of one layer over the wire */
#define MANIFEST_LAYER_UNPACKED_MAX (INT64_C(64) << 30) /* bytes of a layer's tar */
#define MANIFEST_CONFIG_SIZE_MAX (4u << 20)	    /* bytes of the image config */
#define INDEX_MANIFESTS_MAX 256

#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

/* What to send as Accept when asking for a manifest. */
#define MANIFEST_ACCEPT \
	MEDIA_OCI_INDEX ", " MEDIA_DOCKER_LIST ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_MANIFEST

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

struct descriptor {
	char *media_type;
	struct digest digest;
	int64_t size;		      /* bytes, as they come over the wire */
	enum compression compression; /* of a layer, as its media type tells */
	struct platform platform;     /* in an index; all empty when the descriptor says nothing */
};

enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX };

struct manifest {
	struct descriptor config;
	struct descriptor *layers; /* bottom first */
	size_t layer_count;
};

struct index {
	struct descriptor *manifests; /* of images; attestations and the like are left out */
	size_t manifest_count;
};

/*
 * Past the first GiB a layer may unpack to so many times its bytes over the wire. gzip can't do more than 1032; zstd can,
 * but then it is a bomb, or a disk image full of zeros that does not belong in a layer.
 */
#define MANIFEST_LAYER_EXPANSION_MAX 1200
#define MANIFEST_LAYER_EXPANSION_FREE (INT64_C(1) << 30)

/* How many bytes of tar a layer of `size` bytes is unpacked to at most: by both of these. */
int64_t manifest_layer_unpacked_max(int64_t size);

/*
 * `content_type` is the HTTP header's (parameters are cut off) or NULL. Where the document's own
 * mediaType differs from it the document is refused, as is one with the members of both kinds
 * (CVE-2021-41190: two readers must not see two things). 0 or an error as below.
 */
int manifest_sniff(const void *data, size_t size, const char *content_type,
		   enum manifest_kind *kind, struct err *err);

/*
 * -EINVAL: broken; -ENOTSUP: sound, but nothing that berth can run; -E2BIG: past a limit. On
 * success free with manifest_free().
 */
int manifest_parse(struct manifest **out, const void *data, size_t size, struct err *err);
void manifest_free(struct manifest *manifest);

int index_parse(struct index **out, const void *data, size_t size, struct err *err);
void index_free(struct index *index);

/*
 * The best manifest for the machine, the first among equals; borrowed from the index. NULL with
 * a reason that lists what the index offers.
 */
const struct descriptor *index_select(const struct index *index, const struct platform *machine,
				      struct err *err);

#endif
