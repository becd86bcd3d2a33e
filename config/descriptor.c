#include "config/descriptor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

#define DOCKER_SCHEMA1 "application/vnd.docker.distribution.manifest.v1+" /* json, prettyjws */

static int refuse_schema1(struct err *err)
{
	return err_set(err, -ENOTSUP,
		       "a schema 1 manifest, which has no image config: push the image again with "
		       "a current docker");
}

int media_type_kind(const char *media_type, enum manifest_kind *kind)
{
	if (!strcmp(media_type, MEDIA_OCI_MANIFEST) || !strcmp(media_type, MEDIA_DOCKER_MANIFEST))
		*kind = MANIFEST_IMAGE;
	else if (!strcmp(media_type, MEDIA_OCI_INDEX) || !strcmp(media_type, MEDIA_DOCKER_LIST))
		*kind = MANIFEST_INDEX;
	else
		return -EINVAL;
	return 0;
}

int document_parse(json_t **out, const void *data, size_t size, struct err *err)
{
	JSON_CLEANUP json_t *document = NULL;
	const char *media_type = "";
	int64_t version = 0;
	int rc;

	if (size > MANIFEST_SIZE_MAX)
		return err_set(err, -E2BIG, "manifest: longer than %u bytes", MANIFEST_SIZE_MAX);
	rc = json_parse(&document, data, size, "manifest", err);
	if (rc == 0 && (rc = json_get_int(document, "schemaVersion", &version, err)) >= 0)
		rc = json_get_string(document, "mediaType", &media_type, err);
	if (rc < 0)
		return rc;
	if (version == 1 || !strncmp(media_type, DOCKER_SCHEMA1, strlen(DOCKER_SCHEMA1)))
		return refuse_schema1(err);
	if (version != 2)
		return err_set(err, -EINVAL, "manifest: schemaVersion is not 2");
	*out = json_incref(document);
	return 0;
}

int document_kind(const json_t *document, enum manifest_kind *kind, struct err *err)
{
	bool lists_manifests = json_object_get(document, "manifests");
	bool lists_layers = json_object_get(document, "layers") ||
			    json_object_get(document, "config");
	const char *media_type = NULL;

	if (lists_manifests == lists_layers)
		return err_set(err, -EINVAL, "manifest: has %s \"manifests\" %s \"layers\"",
			       lists_layers ? "both" : "neither", lists_layers ? "and" : "nor");
	*kind = lists_manifests ? MANIFEST_INDEX : MANIFEST_IMAGE;
	if (json_get_string(document, "mediaType", &media_type, NULL) > 0) {
		enum manifest_kind named;

		if (media_type_kind(media_type, &named) < 0)
			return err_set(err, -ENOTSUP, "manifest: it is of type %s and no image",
				       media_type);
		if (named != *kind)
			return err_set(err, -EINVAL, "manifest: it says %s, but has \"%s\"",
				       media_type, lists_manifests ? "manifests" : "layers");
	}
	return 0;
}

static int read_word(const json_t *platform, const char *name, char word[PLATFORM_WORD_MAX + 1],
		     struct err *err)
{
	const char *text = "";

	if (json_get_string(platform, name, &text, err) < 0)
		return -EINVAL;
	if (strlen(text) > PLATFORM_WORD_MAX)
		return err_set(err, -EINVAL, "platform \"%s\" is longer than %d letters", name,
			       PLATFORM_WORD_MAX);
	strcpy(word, text);
	return 0;
}

static int read_platform(const json_t *descriptor, struct platform *out, struct err *err)
{
	json_t *platform;
	int rc = json_get_object(descriptor, "platform", &platform, err);

	if (rc <= 0)
		return rc;
	if (read_word(platform, "os", out->os, err) < 0 ||
	    read_word(platform, "architecture", out->architecture, err) < 0 ||
	    read_word(platform, "variant", out->variant, err) < 0)
		return -EINVAL;
	return 0;
}

int descriptor_parse(struct descriptor *out, const json_t *json, int64_t max, struct err *err)
{
	const char *media_type = NULL, *digest = NULL;
	struct descriptor found = { .size = -1 };

	if (!json_is_object(json))
		return err_set(err, -EINVAL, "not a descriptor object");
	if (json_get_string(json, "mediaType", &media_type, err) < 0 ||
	    json_get_string(json, "digest", &digest, err) < 0 ||
	    json_get_int(json, "size", &found.size, err) < 0 ||
	    read_platform(json, &found.platform, err) < 0)
		return -EINVAL;
	if (!media_type || !digest)
		return err_set(err, -EINVAL, "a descriptor without mediaType or digest");
	if (digest_parse(&found.digest, digest) < 0)
		return err_set(err, -EINVAL, "digest \"%.100s\": %s", digest, digest_fault(digest));
	if (found.size < 0)
		return err_set(err, -EINVAL, "a descriptor without a size of 0 or more");
	if (found.size > max)
		return err_set(err, -E2BIG, "size %lld is past the limit of %lld bytes",
			       (long long)found.size, (long long)max);
	found.media_type = xstrdup(media_type);
	*out = found;
	return 0;
}

void descriptor_release(struct descriptor *descriptor)
{
	free(descriptor->media_type);
	*descriptor = (struct descriptor){ 0 };
}
