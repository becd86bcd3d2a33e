#include <errno.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/pull_parts.h"
#include "config/manifest.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/unfinished.h"

static int read_layer(struct pull *pull, const json_t *json, struct err *err)
{
	const char *diff_id = "";

	if (json_get_string(json, "diff_id", &diff_id, NULL) <= 0 ||
	    digest_parse(&pull->plan[pull->plan_count], diff_id) < 0)
		return err_set(err, -EINVAL, "the unpack helper announces a bad layer");
	pull->plan_count++;
	return 0;
}

static int read_plan(struct pull *pull, const json_t *layers, struct err *err)
{
	json_t *layer;
	size_t i;
	int rc = 0;

	if (json_array_size(layers) > MANIFEST_LAYERS_MAX)
		return err_set(err, -EINVAL, "the unpack helper announces too many layers");
	pull->plan = xcalloc(json_array_size(layers) + 1, sizeof(*pull->plan));
	json_array_foreach(layers, i, layer)
		if (!rc)
			rc = read_layer(pull, layer, err);
	return rc;
}

/* Durable before the first layer is committed, or the next start would collect it. */
static int note_plan(const struct pull *pull, struct err *err)
{
	struct unfinished *unfinished = xcalloc(1, sizeof(*unfinished));
	int rc;

	unfinished->image = pull->result.image;
	unfinished->by_hand = pull->request.tag;
	reference_format(&pull->request.reference, unfinished->reference);
	for (size_t i = 0; i < pull->plan_count; i++)
		unfinished->layers[i] = pull->plan[i];
	unfinished->layer_count = pull->plan_count;
	rc = unfinished_save(&pull->agent->store, unfinished, err);
	free(unfinished);
	pull->agent->has_unfinished = true;
	return rc;
}

int pull_take_plan(struct pull *pull, const json_t *layers, struct err *err)
{
	int rc;

	if (pull->plan)
		return 0; /* the first one counts */
	rc = read_plan(pull, layers, err);
	for (size_t i = 0; !rc && i < pull->plan_count; i++)
		if (!store_has_layer(&pull->agent->store, &pull->plan[i]))
			return note_plan(pull, err);
	return rc; /* all there: nothing needs to be kept */
}

bool pull_plan_has(const struct pull *pull, const struct digest *diff_id)
{
	for (size_t i = 0; i < pull->plan_count; i++)
		if (digest_equal(&pull->plan[i], diff_id))
			return true;
	return false;
}

void pull_forget_plan(struct pull *pull)
{
	struct err err = ERR_INIT;

	if (pull->plan &&
	    unfinished_remove(&pull->agent->store, &pull->result.image, &err) < 0)
		log_warn("%s", err.text);
}
