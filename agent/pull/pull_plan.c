#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/pull/pull_parts.h"
#include "config/manifest.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/unfinished.h"

/*
 * How large a layer is when it is unpacked is known only then. Compressed ones come to two and a
 * half to four times their size (Debian's base: 2.8 with gzip, 3.3 with zstd), some that hold
 * images or archives to no more than their size. Taken low: a pull that would fit must not be
 * refused, for nobody would try it again; one that doesn't fit after all is stopped on the way.
 */
#define UNPACKED_FACTOR 2
/* Bytes to an inode, taken high for the same reason: Debian's base has 19 kB. */
#define UNPACKED_FILE_SIZE (64 * 1024)
/* After a pull was stopped on the way: so much more than there was is worth another try. */
#define MORE_BYTES (1 << 20)
#define MORE_INODES 64

int pull_look_at_space(struct pull *pull, struct err *err)
{
	struct agent *agent = pull->agent;
	int rc = space_read(agent->store.dirfd, agent->config->min_free_bytes, &pull->available,
			    &pull->floor);

	return rc ? err_code(err, rc, "look what is free in %s", agent->store.path) :
		    0;
}

static int read_layer(struct pull *pull, const json_t *json, struct space *need, struct err *err)
{
	struct digest *id = &pull->plan[pull->plan_count];
	bool is_compressed = true;
	const char *diff_id = "";
	int64_t size = 0;

	if (json_get_string(json, "diff_id", &diff_id, NULL) <= 0 ||
	    digest_parse(id, diff_id) < 0 || json_get_int(json, "size", &size, NULL) <= 0 ||
	    size < 0 || size > MANIFEST_LAYER_SIZE_MAX)
		return err_set(err, -EINVAL, "the unpack helper announces a bad layer");
	json_get_bool(json, "compressed", &is_compressed, NULL);
	pull->plan_count++;
	if (store_has_layer(&pull->agent->store, id))
		return 0;
	size *= is_compressed ? UNPACKED_FACTOR : 1;
	need->bytes += size;
	need->inodes += 1 + size / UNPACKED_FILE_SIZE;
	return 0;
}

static int read_plan(struct pull *pull, const json_t *layers, struct space *need,
		     struct err *err)
{
	json_t *layer;
	size_t i;
	int rc = 0;

	if (json_array_size(layers) > MANIFEST_LAYERS_MAX)
		return err_set(err, -EINVAL, "the unpack helper announces too many layers");
	pull->plan = xcalloc(json_array_size(layers) + 1, sizeof(*pull->plan));
	json_array_foreach(layers, i, layer)
		if (!rc)
			rc = read_layer(pull, layer, need, err);
	return rc;
}

/*
 * Files that are as they were in the version before are linked (pull_base.c): at best those are all
 * that its own layers have. Taken at its best, again so that what would fit is not refused.
 */
static void subtract_links(const struct pull *pull, struct space *need)
{
	for (size_t i = 0; i < pull->base_count; i++) {
		struct layer_meta meta;

		if (pull_plan_has(pull, &pull->base[i]) ||
		    layer_read_meta(&pull->agent->store, &pull->base[i], &meta, NULL) < 0)
			continue;
		need->bytes -= meta.size_bytes;
		need->inodes -= meta.files;
	}
	if (need->bytes < 0)
		need->bytes = 0;
	if (need->inodes < 0)
		need->inodes = 0;
}

static int check_room(struct pull *pull, const struct space *need, struct err *err)
{
	char text[HUMAN_TEXT_MAX];

	if (space_has(&pull->available, &pull->floor, need))
		return 0;
	pull->result.room.bytes = need->bytes + pull->floor.bytes;
	pull->result.room.inodes = need->inodes + pull->floor.inodes;
	human_size(text, (uint64_t)need->bytes, 3);
	return err_set(err, -ENOSPC, "it needs about %s and %lld inodes", text,
		       (long long)need->inodes);
}

/* While what it wrote is still there. */
static bool is_short_of_inodes(const struct pull *pull)
{
	struct space now, floor;

	return space_read(pull->agent->store.dirfd, pull->floor.bytes, &now, &floor) == 0 &&
	       now.inodes - floor.inodes < MORE_INODES;
}

void pull_explain_full(struct pull *pull)
{
	struct pull_result *result = &pull->result;
	char available[HUMAN_TEXT_MAX], floor[HUMAN_TEXT_MAX], inodes[48] = "";
	struct err what = result->err;

	human_size(available, (uint64_t)pull->available.bytes, 3);
	human_size(floor, (uint64_t)pull->floor.bytes, 3);
	if (pull->available.inodes != SPACE_UNLIMITED)
		snprintf(inodes, sizeof(inodes), " and %lld inodes",
			 (long long)pull->available.inodes);
	err_set(&result->err, what.code,
		"%.200s; %s has %s%s free, of which min_free keeps %s and %lld inodes: make room "
		"there, or lower min_free",
		what.text, pull->agent->store.path, available, inodes, floor,
		(long long)pull->floor.inodes);
	if (result->room.bytes)
		return; /* it was known before */
	if (is_short_of_inodes(pull))
		result->room.inodes = pull->available.inodes + MORE_INODES;
	else
		result->room.bytes = pull->available.bytes + MORE_BYTES;
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
	struct space need = { 0 };
	int rc;

	/* Its lanes have been started: twice, and the first ones would be forgotten while they run. */
	if (pull->plan)
		return err_set(err, -EINVAL, "the unpack helper announces its layers twice");
	rc = read_plan(pull, layers, &need, err);
	if (rc < 0 || !need.inodes)
		return rc; /* 0: all there, nothing needs to be kept */
	subtract_links(pull, &need);
	return check_room(pull, &need, err) ?: note_plan(pull, err);
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
