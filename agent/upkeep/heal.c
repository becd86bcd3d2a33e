#include "agent/upkeep/heal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/upkeep/collect.h"
#include "lib/log.h"
#include "store/image.h"
#include "store/suspect.h"

#define AGAIN_FIRST_MS 60000
#define AGAIN_MAX_MS (15 * 60 * 1000)

/* An image that somebody needs. */
struct target {
	char reference[REFERENCE_TEXT_SIZE];
	struct digest image;
};

bool heal_is_whole(const struct agent *agent, const struct digest *config)
{
	struct image_config *image;
	bool is_whole;

	if (image_load(&agent->store, config, &image, NULL, NULL) < 0)
		return false;
	is_whole = !suspect_has_any(&agent->store, image) &&
		   image_check_layers(&agent->store, image, NULL) == 0;
	image_config_free(image);
	return is_whole;
}

static bool has_manifest(const struct agent *agent, const struct digest *manifest)
{
	BUF_CLEANUP struct buf text = BUF_INIT;

	return image_load_manifest(&agent->store, manifest, &text, NULL) == 0;
}

bool heal_has_failed(const struct agent *agent, const struct digest *image)
{
	const struct heal *heal = &agent->heal;

	for (size_t i = 0; i < heal->failed_count; i++)
		if (digest_equal(&heal->failed[i], image))
			return true;
	return heal->failed_count == HEAL_FAILED_MAX;
}

static bool is_target(struct agent *agent, const char *reference, const struct digest *image,
		      const struct digest *manifest, const struct digest *config, struct target *target)
{
	if (heal_has_failed(agent, image) ||
	    (has_manifest(agent, manifest) && heal_is_whole(agent, config)))
		return false;
	snprintf(target->reference, sizeof(target->reference), "%s", reference);
	target->image = *image;
	return true;
}

static bool find_in_apps(struct agent *agent, struct target *target)
{
	list_for_each(node, &agent->apps) {
		const struct record *record = &list_entry(node, struct app, node)->record;
		const struct generation *all[] = { &record->trying, &record->current, &record->previous };

		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			if (generation_exists(all[i]) &&
			    is_target(agent, all[i]->reference, &all[i]->image, &all[i]->manifest,
				      &all[i]->config, target))
				return true;
	}
	return false;
}

static bool find_in_tags(struct agent *agent, struct target *target)
{
	bool is_found = false;
	struct tag *tags;
	size_t count;

	if (tag_list(&agent->store, &tags, &count, NULL) < 0)
		return false;
	for (size_t i = 0; !is_found && i < count; i++)
		is_found = is_target(agent, tags[i].reference, &tags[i].image, &tags[i].manifest,
				     &tags[i].config, target);
	free(tags);
	return is_found;
}

static void next(struct agent *agent);

static void note_failure(struct heal *heal, const struct digest *image, const struct err *err)
{
	if (heal->err.code != err->code || !heal->rounds)
		log_warn("heal: %s", err->text);
	heal->err = *err;
	if (heal->failed_count < HEAL_FAILED_MAX)
		heal->failed[heal->failed_count++] = *image;
}

/* What they do may free one of them. */
static void tell_apps(struct agent *agent)
{
	list_for_each_safe(node, &agent->apps)
		app_was_healed(list_entry(node, struct app, node));
}

static void pulled(struct pull *pull, const struct pull_result *result, void *data)
{
	struct agent *agent = data;
	struct heal *heal = &agent->heal;
	struct err still = ERR_INIT;

	(void)pull;
	heal->pull = NULL;
	if (result->err.code) {
		note_failure(heal, &result->image, &result->err);
	} else if (!heal_is_whole(agent, &result->config)) {
		err_set(&still, -EIO, "%.19s was fetched and is not whole all the same", result->image.text);
		note_failure(heal, &result->image, &still);
	} else {
		log_info("heal: %.19s is whole again", result->image.text);
		tell_apps(agent);
	}
	next(agent);
}

static void again(struct timer *timer)
{
	heal_now(timer->data);
}

static int64_t delay_ms(const struct heal *heal)
{
	int64_t delay = AGAIN_FIRST_MS;

	for (int i = 1; i < heal->rounds && delay < AGAIN_MAX_MS; i++)
		delay *= 2;
	return delay < AGAIN_MAX_MS ? delay : AGAIN_MAX_MS;
}

static void end_round(struct agent *agent)
{
	struct heal *heal = &agent->heal;
	void (*on_round)(struct agent *, void *) = heal->on_round;

	heal->rounds = heal->failed_count ? heal->rounds + 1 : 0;
	if (heal->failed_count)
		timer_start(&agent->loop, &heal->timer, delay_ms(heal), again, agent);
	else
		heal->err = ERR_INIT;
	heal->on_round = NULL;
	collect(agent);
	if (on_round)
		on_round(agent, heal->data);
}

/* The queue of pulls calls back from the loop, the end of a round does so by the timer. */
static void next(struct agent *agent)
{
	struct pull_request request = { .on_end = pulled, .data = agent };
	struct target target;

	if (!find_in_apps(agent, &target) && !find_in_tags(agent, &target)) {
		end_round(agent);
		return;
	}
	request.digest = target.image;
	if (reference_parse(&request.reference, target.reference, &agent->heal.err) < 0) {
		note_failure(&agent->heal, &target.image, &agent->heal.err);
		next(agent);
		return;
	}
	agent->heal.pull = pull_start(agent, &request);
}

static void begin_round(struct timer *timer)
{
	struct agent *agent = timer->data;

	agent->heal.failed_count = 0;
	next(agent);
}

void heal_now(struct agent *agent)
{
	if (!agent->heal.pull)
		timer_start(&agent->loop, &agent->heal.timer, 0, begin_round, agent);
}
