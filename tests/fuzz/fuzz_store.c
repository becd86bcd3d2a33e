/* The store's own small files, after bad flash had its way with them: a layer's meta, a tag, an unfinished pull. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/layer.h"
#include "store/tag.h"
#include "store/unfinished.h"

static void check_meta(const uint8_t *data, size_t size)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct layer_meta meta, again;
	struct err err = ERR_INIT;

	if (layer_meta_parse(&meta, data, size, &err) < 0) {
		if (!err.text[0])
			abort();
		return;
	}
	layer_meta_format(&meta, &text);
	if (layer_meta_parse(&again, text.data, text.size, &err) < 0 ||
	    memcmp(&meta, &again, sizeof(meta)) != 0)
		abort();
}

static void check_tag(const uint8_t *data, size_t size)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct tag tag, again;
	struct err err = ERR_INIT;

	if (tag_parse(&tag, data, size, &err) < 0) {
		if (!err.text[0])
			abort();
		return;
	}
	tag_format(&tag, &text);
	if (tag_parse(&again, text.data, text.size, &err) < 0 ||
	    strcmp(tag.reference, again.reference) != 0 ||
	    !digest_equal(&tag.image, &again.image) ||
	    !digest_equal(&tag.manifest, &again.manifest) ||
	    !digest_equal(&tag.config, &again.config))
		abort();
}

static void check_unfinished(const uint8_t *data, size_t size)
{
	BUF_CLEANUP struct buf text = BUF_INIT, once_more = BUF_INIT;
	struct unfinished unfinished, again;
	struct err err = ERR_INIT;

	if (unfinished_parse(&unfinished, data, size, &err) < 0) {
		if (!err.text[0])
			abort();
		return;
	}
	unfinished_format(&unfinished, &text);
	if (unfinished_parse(&again, text.data, text.size, &err) < 0)
		abort();
	unfinished_format(&again, &once_more);
	if (text.size != once_more.size || memcmp(text.data, once_more.data, text.size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_meta(data, size);
	check_tag(data, size);
	check_unfinished(data, size);
	return 0;
}
