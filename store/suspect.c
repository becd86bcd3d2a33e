#include "store/suspect.h"

#include <stdlib.h>

#include "lib/err.h"

static struct digest *find(const struct store *store, const struct digest *diff_id)
{
	for (size_t i = 0; i < store->suspect_count; i++)
		if (digest_equal(&store->suspects[i], diff_id))
			return &store->suspects[i];
	return NULL;
}

bool suspect_is(const struct store *store, const struct digest *diff_id)
{
	return find(store, diff_id);
}

void suspect_add(struct store *store, const struct digest *diff_id)
{
	if (find(store, diff_id))
		return;
	store->suspects = xrealloc(store->suspects,
				   (store->suspect_count + 1) * sizeof(*store->suspects));
	store->suspects[store->suspect_count++] = *diff_id;
}

void suspect_clear(struct store *store, const struct digest *diff_id)
{
	struct digest *suspect = find(store, diff_id);

	if (suspect)
		*suspect = store->suspects[--store->suspect_count];
}

bool suspect_has_any(const struct store *store, const struct image_config *image)
{
	for (size_t i = 0; i < image->diff_id_count; i++)
		if (suspect_is(store, &image->diff_ids[i]))
			return true;
	return false;
}
