#include "agent/pull/pull.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/pull/fetch_settings.h"
#include "agent/pull/pull_parts.h"
#include "agent/upkeep/check.h"
#include "agent/upkeep/collect.h"
#include "agent/upkeep/sweeper.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/image.h"
#include "store/suspect.h"

static void run_queue(struct timer *timer);

static void wake_queue(struct agent *agent)
{
	timer_start(&agent->loop, &agent->pull_timer, 0, run_queue, agent);
}

/* What the helpers of one try had: it is over. */
static void forget_try(struct pull *pull)
{
	pull_watch_end(pull);
	if (pull->has_stage) {
		stage_discard(&pull->stage);
		sweeper_start(pull->agent);
	}
	free(pull->base);
	free(pull->held);
	free(pull->plan);
	json_decref(pull->have);
	pull->base = pull->plan = NULL;
	pull->held = NULL;
	pull->have = NULL;
	pull->base_count = pull->held_count = pull->plan_count = 0;
	pull->has_stage = pull->is_stopping = false;
	memset(pull->helpers, 0, sizeof(pull->helpers));
}

/* The helpers have ended: the stage can go. */
static void end_pull(struct pull *pull)
{
	struct agent *agent = pull->agent;
	struct err *err = &pull->result.err;
	bool is_full = space_is_full(err->code);

	pull->step = STEP_ENDED;
	if (is_full)
		pull_explain_full(pull);
	if (err->code)
		err_context(err, "%s %s", pull->request.resolve_only ? "check" : "pull",
			    pull->name);
	if (!pull->is_cancelled)
		pull->request.on_end(pull, &pull->result, pull->request.data);
	/*
	 * Only now: the image has an owner, whose record names it, or nobody wanted it. What made
	 * the store full and can't be used is given back.
	 */
	if ((!err->code && !pull->is_cancelled) || is_full)
		pull_forget_plan(pull);
	forget_try(pull);
	json_decref(pull->request.auth);
	list_remove(&pull->node);
	free(pull);
	if (agent->is_collect_due || is_full)
		collect(agent);
	wake_queue(agent);
}

struct pull *pull_start(struct agent *agent, const struct pull_request *request)
{
	struct pull *pull = xcalloc(1, sizeof(*pull));

	pull->agent = agent;
	pull->request = *request;
	json_incref(pull->request.auth);
	pull->result.image = request->digest;
	pull->step = digest_is_none(&request->digest) ? STEP_WAIT_RESOLVE : STEP_WAIT_PULL;
	reference_familiar(&request->reference, pull->name);
	list_insert(&agent->pulls, &pull->node);
	wake_queue(agent);
	return pull;
}

void pull_cancel(struct pull *pull)
{
	if (pull->step == STEP_ENDED)
		return;
	pull->is_cancelled = true;
	if (pull->check)
		check_stop(pull->check);
	if (pull_has_helpers(pull))
		pull_stop_helpers(pull);
	else
		end_pull(pull);
}

static struct pull *find_step(const struct agent *agent, enum pull_step step)
{
	list_for_each(node, &agent->pulls) {
		struct pull *pull = list_entry(node, struct pull, node);

		if (pull->step == step)
			return pull;
	}
	return NULL;
}

bool pull_is_any_writing(const struct agent *agent)
{
	return find_step(agent, STEP_PULLING);
}

bool pull_is_under_way(const struct agent *agent, const struct digest *image)
{
	list_for_each(node, &agent->pulls) {
		const struct pull *pull = list_entry(node, struct pull, node);

		if (!pull->request.resolve_only && pull->step != STEP_ENDED &&
		    digest_equal(&pull->result.image, image))
			return true;
	}
	return false;
}

/* --- resolve --- */

/* Is it in the store under this reference, and nothing known to be missing or damaged? */
static bool find_present(struct pull *pull, struct image_config **config)
{
	char reference[REFERENCE_TEXT_SIZE];
	struct tag tag;
	bool is_whole;

	reference_format(&pull->request.reference, reference);
	if (tag_load(&pull->agent->store, reference, &tag, NULL) < 0 ||
	    !digest_equal(&tag.image, &pull->result.image) ||
	    image_load(&pull->agent->store, &tag.config, config, NULL, NULL) < 0)
		return false;
	is_whole = image_check_layers(&pull->agent->store, *config, NULL) == 0 &&
		   !suspect_has_any(&pull->agent->store, *config);
	if (!is_whole)
		image_config_free(*config);
	pull->result.manifest = tag.manifest;
	pull->result.config = tag.config;
	return is_whole;
}

static void wait_to_pull(struct pull *pull)
{
	pull->step = STEP_WAIT_PULL;
	wake_queue(pull->agent);
}

static void checked(const struct err *err, void *data)
{
	struct pull *pull = data;
	struct image_config *config;

	(void)err; /* what can't be looked at can't be called damaged */
	pull->check = NULL;
	pull->result.was_present = find_present(pull, &config);
	if (!pull->result.was_present) {
		wait_to_pull(pull);
		return;
	}
	image_config_free(config);
	end_pull(pull);
}

/* "Up to date" is said of files that were looked at. */
static void check_present(struct pull *pull, struct image_config *config)
{
	const struct check_request request = {
		.depth = CHECK_STAT, .layers = config->diff_ids, .layer_count = config->diff_id_count,
		.on_end = checked, .data = pull,
	};

	pull->step = STEP_CHECKING;
	pull->check = check_start(pull->agent, &request, &pull->result.err);
	image_config_free(config);
	if (!pull->check)
		end_pull(pull);
}

void pull_resolved(struct pull *pull)
{
	struct image_config *config;

	pull->result.err = pull->helpers[0][ROLE_FETCH].err;
	if (pull->result.err.code || pull->is_cancelled || pull->request.resolve_only)
		end_pull(pull);
	else if (find_present(pull, &config))
		check_present(pull, config);
	else
		wait_to_pull(pull);
}

static void start_resolve(struct pull *pull)
{
	pull->step = STEP_RESOLVING;
	if (pull_start_head(pull, &pull->result.err) < 0)
		end_pull(pull);
}

/* --- pull --- */

static int commit_image(struct pull *pull, struct err *err)
{
	struct tag tag = {
		.image = pull->result.image,
		.manifest = pull->result.manifest,
		.config = pull->result.config,
	};

	reference_format(&pull->request.reference, tag.reference);
	return stage_commit_image(&pull->stage, &tag.manifest, &tag.config,
				  pull->request.tag ? &tag : NULL, err);
}

/*
 * Layers are checked behind fetch, when there is no going back to another source any more. So before the image is
 * blamed, all of it is asked of the registry itself. Layers that were finished are kept.
 */
static bool go_on_without_mirrors(struct pull *pull)
{
	if (pull->without_mirrors || pull->is_cancelled || !pull->result.is_unusable ||
	    !fetch_settings_have_mirrors(pull->agent->config, &pull->request.reference))
		return false;
	log_warn("pull %s: %s; trying again without the mirrors", pull->name, pull->result.err.text);
	pull->without_mirrors = true;
	forget_try(pull);
	pull->result = (struct pull_result){ .image = pull->result.image };
	pull->step = STEP_WAIT_PULL;
	wake_queue(pull->agent);
	return true;
}

void pull_finish(struct pull *pull)
{
	const struct pull_helper *culprit = pull_find_culprit(pull);
	struct err *err = &pull->result.err;

	if (err->code || pull->is_cancelled) {
		; /* it could not even be started, or nobody cares */
	} else if (culprit) {
		*err = culprit->err;
		pull->result.is_unusable = culprit->blames_image;
	} else if (digest_is_none(&pull->result.config)) {
		err_set(err, -EIO, "a helper was killed before the image was whole");
	} else {
		commit_image(pull, err);
	}
	if (!go_on_without_mirrors(pull))
		end_pull(pull);
}

static void start_pulling(struct pull *pull)
{
	collect(pull->agent); /* room for it */
	pull->step = STEP_PULLING;
	pull_watch(pull, PULL_STALL_MS);
	if (pull_start_helpers(pull, &pull->result.err) == 0)
		return;
	if (pull_has_helpers(pull))
		pull_stop_helpers(pull);
	else
		end_pull(pull);
}

/* --- queue --- */

static void run_queue(struct timer *timer)
{
	struct agent *agent = timer->data;
	struct pull *next;

	next = find_step(agent, STEP_WAIT_RESOLVE);
	if (next && !find_step(agent, STEP_RESOLVING))
		start_resolve(next);
	next = find_step(agent, STEP_WAIT_PULL);
	if (next && !find_step(agent, STEP_PULLING))
		start_pulling(next);
}
