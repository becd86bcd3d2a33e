#include "config/layout_index.h"

#include <errno.h>
#include <string.h>

#include "config/descriptor.h"
#include "lib/buf.h"
#include "lib/json.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define OFFERS_MAX 300 /* characters of names in an error */

static const char *name_of(const json_t *entry)
{
	json_t *annotations = NULL;
	const char *name = "";

	if (json_is_object(entry) && json_get_object(entry, "annotations", &annotations, NULL) > 0)
		json_get_string(annotations, REF_NAME, &name, NULL);
	return name;
}

static int refuse(const json_t *entries, const char *tag, struct err *err)
{
	BUF_CLEANUP struct buf offers = BUF_INIT;
	const json_t *entry;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)entries, i, entry)
		if (*name_of(entry) && offers.size < OFFERS_MAX)
			buf_append_format(&offers, "%s%.128s", offers.size ? ", " : "", name_of(entry));
	return err_set(err, -ENOENT, "the layout has no image named %s; it has: %s", tag,
		       offers.size ? buf_text(&offers) : "none with a name");
}

static int take(const json_t *entry, struct digest *digest, int64_t *size_bytes, struct err *err)
{
	enum manifest_kind kind;
	struct descriptor found;
	int rc = descriptor_parse(&found, entry, MANIFEST_SIZE_MAX, err);

	if (rc < 0)
		return err_context(err, "index.json");
	*digest = found.digest;
	*size_bytes = found.size;
	rc = media_type_kind(found.media_type, &kind);
	if (rc < 0)
		err_set(err, -ENOTSUP, "index.json: what has that name is of type %s and no image",
			found.media_type);
	descriptor_release(&found);
	return rc < 0 ? -ENOTSUP : 0;
}

int layout_index_find(const void *data, size_t size, const char *tag, struct digest *digest,
		      int64_t *size_bytes, struct err *err)
{
	JSON_CLEANUP json_t *document = NULL;
	json_t *entries = NULL;
	const json_t *entry, *found = NULL;
	size_t i;
	int rc = document_parse(&document, data, size, err);

	if (rc < 0 || (rc = json_get_array(document, "manifests", &entries, err)) < 0)
		return err_context(err, "index.json");
	json_array_foreach(entries, i, entry) {
		if (strcmp(name_of(entry), tag))
			continue;
		if (found)
			return err_set(err, -EINVAL, "the layout names two images %s: name each only once", tag);
		found = entry;
	}
	return found ? take(found, digest, size_bytes, err) : refuse(entries, tag, err);
}
