#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/descriptor.h"
#include "lib/buf.h"
#include "lib/json.h"

/* Signatures and provenance that builders put beside the images have a platform that nothing is. */
static bool is_image(const struct descriptor *entry)
{
	enum manifest_kind kind;

	return media_type_kind(entry->media_type, &kind) == 0 && kind == MANIFEST_IMAGE &&
	       strcmp(entry->platform.os, "unknown");
}

static int read_manifests(struct index *index, const json_t *document, struct err *err)
{
	json_t *entries = NULL;
	size_t count;

	if (json_get_array(document, "manifests", &entries, err) < 0)
		return err_context(err, "index");
	count = json_array_size(entries);
	if (count > INDEX_MANIFESTS_MAX)
		return err_set(err, -E2BIG, "index: %zu manifests, at most %d are supported", count,
			       INDEX_MANIFESTS_MAX);
	index->manifests = xcalloc(count + 1, sizeof(*index->manifests));
	for (size_t i = 0; i < count; i++) {
		struct descriptor *entry = &index->manifests[index->manifest_count];

		if (descriptor_parse(entry, json_array_get(entries, i), MANIFEST_SIZE_MAX, err) < 0)
			return err_context(err, "index: manifest %zu", i);
		if (is_image(entry))
			index->manifest_count++;
		else
			descriptor_release(entry);
	}
	return 0;
}

int index_parse(struct index **out, const void *data, size_t size, struct err *err)
{
	JSON_CLEANUP json_t *document = NULL;
	enum manifest_kind kind;
	struct index *index;
	int rc = document_parse(&document, data, size, err);

	if (rc < 0 || (rc = document_kind(document, &kind, err)) < 0)
		return rc;
	if (kind != MANIFEST_INDEX)
		return err_set(err, -EINVAL, "index: it is the manifest of one image");
	index = xcalloc(1, sizeof(*index));
	rc = read_manifests(index, document, err);
	if (rc < 0) {
		index_free(index);
		return rc;
	}
	*out = index;
	return 0;
}

void index_free(struct index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->manifest_count; i++)
		descriptor_release(&index->manifests[i]);
	free(index->manifests);
	free(index);
}

static void refuse(const struct index *index, const struct platform *machine, struct err *err)
{
	BUF_CLEANUP struct buf offers = BUF_INIT;
	char text[PLATFORM_TEXT_SIZE];

	for (size_t i = 0; i < index->manifest_count; i++) {
		const struct platform *platform = &index->manifests[i].platform;

		platform_format(platform, text);
		buf_append_format(&offers, "%s%s", i ? ", " : "",
				  platform->os[0] ? text : "(unnamed)");
	}
	platform_format(machine, text);
	err_set(err, -ENOTSUP, "the image is not built for %s; the index offers: %s", text,
		offers.size ? buf_text(&offers) : "nothing");
}

const struct descriptor *index_select(const struct index *index, const struct platform *machine,
				      struct err *err)
{
	const struct descriptor *best = NULL;
	int best_rank = 0;

	for (size_t i = 0; i < index->manifest_count; i++) {
		int rank = platform_rank(machine, &index->manifests[i].platform);

		if (rank > best_rank) {
			best_rank = rank;
			best = &index->manifests[i];
		}
	}
	/* An index of one that doesn't say what it is for: the image config will. */
	if (!best && index->manifest_count == 1 && !index->manifests[0].platform.os[0])
		best = &index->manifests[0];
	if (!best)
		refuse(index, machine, err);
	return best;
}
