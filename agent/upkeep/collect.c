#include "agent/upkeep/collect.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/pull/pull.h"
#include "agent/upkeep/heal.h"
#include "agent/upkeep/sweeper.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/time.h"
#include "store/gc.h"
#include "store/layer.h"
#include "store/tag.h"
#include "store/unfinished.h"

/* An unfinished pull of a person's; an app's is kept as long as the app wants it. */
#define BY_HAND_MAX_S (7 * 24 * 60 * 60)

static bool is_image_of(const struct app *app, const struct unfinished *unfinished,
			const struct digest **config)
{
	const struct generation *generations[] = { &app->record.current, &app->record.trying,
						   &app->record.previous };

	for (size_t i = 0; i < sizeof(generations) / sizeof(*generations); i++)
		if (digest_equal(&generations[i]->image, &unfinished->image)) {
			*config = &generations[i]->config;
			return true;
		}
	return false;
}

static bool is_wanted_by(const struct app *app, const struct unfinished *unfinished)
{
	const struct digest *config;
	char reference[REFERENCE_TEXT_SIZE];

	if (app->is_leaving)
		return false;
	/* Is it being healed, or has a power cut come before the record was removed? */
	if (is_image_of(app, unfinished, &config))
		return !heal_is_whole(app->agent, config);
	reference_format(&app->config->ref, reference);
	return !strcmp(reference, unfinished->reference) &&
	       (digest_is_none(&app->candidate) || digest_equal(&app->candidate, &unfinished->image));
}

static bool is_tagged(const struct agent *agent, const struct unfinished *unfinished)
{
	struct tag tag;

	return tag_load(&agent->store, unfinished->reference, &tag, NULL) == 0 &&
	       digest_equal(&tag.image, &unfinished->image) && heal_is_whole(agent, &tag.config);
}

/* A clock that was set since can only make this a day too early or too late, never for good. */
static bool is_fresh(const struct unfinished *unfinished)
{
	int64_t age_s = time_now_ns() / 1000000000 - unfinished->written_s;

	return age_s < BY_HAND_MAX_S;
}

static bool is_wanted(const struct agent *agent, const struct unfinished *unfinished)
{
	if (pull_is_under_way(agent, &unfinished->image))
		return true;
	list_for_each(node, &agent->apps)
		if (is_wanted_by(list_entry(node, struct app, node), unfinished))
			return true;
	return unfinished->by_hand && is_fresh(unfinished) && !is_tagged(agent, unfinished);
}

static void drop(struct agent *agent, const struct unfinished *unfinished)
{
	struct err err = ERR_INIT;

	log_info("the pull of %.19s (%s) has ended or isn't gone on with: dropped", unfinished->image.text,
		 unfinished->reference);
	if (unfinished_remove(&agent->store, &unfinished->image, &err) < 0)
		log_warn("%s", err.text);
}

static int list_unfinished(struct agent *agent, struct unfinished **pulls, size_t *count)
{
	struct err err = ERR_INIT;
	int rc = unfinished_list(&agent->store, pulls, count, &err);

	if (rc < 0)
		log_warn("%s", err.text);
	else
		agent->has_unfinished = *count;
	return rc;
}

/* True when something was dropped. */
static bool review_unfinished(struct agent *agent)
{
	struct unfinished *pulls;
	bool dropped = false;
	size_t count;

	if (!agent->has_unfinished || list_unfinished(agent, &pulls, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (is_wanted(agent, &pulls[i]))
			continue;
		drop(agent, &pulls[i]);
		dropped = true;
	}
	free(pulls);
	return dropped;
}

void collect_unfinished(struct agent *agent)
{
	if (review_unfinished(agent))
		collect(agent);
}

void collect_count_start(struct agent *agent)
{
	struct unfinished *pulls;
	size_t count;

	if (list_unfinished(agent, &pulls, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct err err = ERR_INIT;

		if (++pulls[i].starts > UNFINISHED_STARTS_MAX)
			drop(agent, &pulls[i]);
		else if (unfinished_save(&agent->store, &pulls[i], &err) < 0)
			log_warn("%s", err.text);
	}
	free(pulls);
}

static size_t list_length(const struct list *head)
{
	size_t length = 0;

	list_for_each(node, head)
		length++;
	return length;
}

static size_t add_generation(const struct generation *generation, struct digest *configs,
			     const char **containers, size_t count)
{
	if (!generation_exists(generation))
		return count;
	configs[count] = generation->config;
	containers[count] = generation->container;
	return count + 1;
}

/* Not under a container that has them mounted. */
static void retire_old_layers(struct agent *agent)
{
	list_for_each(node, &agent->containers) {
		const struct container *container = list_entry(node, struct container, node);

		if (container->keeps_old && container_is_alive(container))
			return;
	}
	if (layer_retire_old(&agent->store) < 0)
		log_warn("collect: a layer that was replaced can't be removed");
}

void collect(struct agent *agent)
{
	size_t most = 3 * list_length(&agent->apps) + list_length(&agent->containers);
	FREE_CLEANUP struct digest *configs = xcalloc(most, sizeof(*configs));
	FREE_CLEANUP const char **containers = xcalloc(most, sizeof(*containers));
	struct gc_keep keep = { .configs = configs, .containers = containers };
	size_t count = 0;
	int64_t freed = 0;
	struct err err = ERR_INIT;

	sweeper_start(agent); /* also for what others have thrown away */
	agent->is_collect_due = pull_is_any_writing(agent) || agent->lookers;
	if (agent->is_collect_due)
		return;
	list_for_each(node, &agent->apps) {
		struct app *app = list_entry(node, struct app, node);

		if (app->is_unsaved)
			return;
		count = add_generation(&app->record.current, configs, containers, count);
		count = add_generation(&app->record.previous, configs, containers, count);
		count = add_generation(&app->record.trying, configs, containers, count);
	}
	list_for_each(node, &agent->containers) {
		struct container *container = list_entry(node, struct container, node);

		configs[count] = container->config;
		containers[count++] = container->id;
	}
	keep.config_count = keep.container_count = count;
	review_unfinished(agent);
	retire_old_layers(agent);
	if (gc(&agent->store, &keep, &freed, &err) < 0)
		log_warn("collect: %s", err.text);
	else if (freed)
		log_info("collected %lld bytes of layers that nothing needs any more",
			 (long long)freed);
}
