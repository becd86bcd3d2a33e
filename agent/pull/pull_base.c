#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/helper/seccomp.h"
#include "agent/pull/pull_parts.h"
#include "store/base.h"
#include "store/image.h"
#include "store/tag.h"

static bool is_same_repository(const struct reference *wanted, const char *text)
{
	struct reference reference;

	return reference_parse(&reference, text, NULL) == 0 &&
	       !strcmp(reference.registry, wanted->registry) &&
	       !strcmp(reference.repository, wanted->repository);
}

static void add_layer(struct pull *pull, const struct digest *diff_id)
{
	for (size_t i = 0; i < pull->base_count; i++)
		if (digest_equal(&pull->base[i], diff_id))
			return;
	if (pull->base_count < BASE_LAYERS_MAX)
		pull->base[pull->base_count++] = *diff_id;
}

/* Its layers from the top down: what comes first is looked at first, once the list is turned round. */
static void add_image(struct pull *pull, const struct digest *config)
{
	struct image_config *image;

	if (image_load(&pull->agent->store, config, &image, NULL, NULL) < 0)
		return;
	for (size_t i = image->diff_id_count; i--;)
		add_layer(pull, &image->diff_ids[i]);
	image_config_free(image);
}

static void add_apps(struct pull *pull)
{
	list_for_each(node, &pull->agent->apps) {
		struct app *app = list_entry(node, struct app, node);
		const struct generation *current = &app->record.current;

		if (generation_exists(current) &&
		    is_same_repository(&pull->request.reference, current->reference))
			add_image(pull, &current->config);
	}
}

static void add_tags(struct pull *pull)
{
	struct tag *tags = NULL;
	size_t count;

	if (tag_list(&pull->agent->store, &tags, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count && !pull->base_count; i++)
		if (is_same_repository(&pull->request.reference, tags[i].reference))
			add_image(pull, &tags[i].config);
	free(tags);
}

static void turn_round(struct digest *list, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct digest swap = list[i];

		list[i] = list[count - 1 - i];
		list[count - 1 - i] = swap;
	}
}

void pull_find_base(struct pull *pull)
{
	char reference[REFERENCE_TEXT_SIZE];
	struct tag tag;

	if (!pull->base)
		pull->base = xcalloc(BASE_LAYERS_MAX, sizeof(*pull->base));
	pull->base_count = 0;
	/* Only its filter keeps unpack from making writable what it is shown to read. */
	if (pull->agent->is_relink_broken || !seccomp_is_there())
		return;
	reference_format(&pull->request.reference, reference);
	if (tag_load(&pull->agent->store, reference, &tag, NULL) == 0)
		add_image(pull, &tag.config);
	add_apps(pull);
	add_tags(pull);
	turn_round(pull->base, pull->base_count);
}
