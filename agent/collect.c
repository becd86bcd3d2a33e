#include "agent/collect.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/app.h"
#include "agent/pull.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "store/gc.h"

void collect_pin(struct agent *agent, const struct digest *diff_id)
{
	if (agent->pin_count == AGENT_PINS_MAX) {
		agent->pin_count--;
		memmove(&agent->pins[0], &agent->pins[1], agent->pin_count * sizeof(agent->pins[0]));
	}
	agent->pins[agent->pin_count++] = *diff_id;
}

void collect_unpin(struct agent *agent)
{
	agent->pin_count = 0;
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

void collect(struct agent *agent)
{
	size_t most = 3 * list_length(&agent->apps) + list_length(&agent->containers);
	FREE_CLEANUP struct digest *configs = xcalloc(most, sizeof(*configs));
	FREE_CLEANUP const char **containers = xcalloc(most, sizeof(*containers));
	struct gc_keep keep = { .configs = configs, .containers = containers,
				.layers = agent->pins, .layer_count = agent->pin_count };
	size_t count = 0;
	int64_t freed = 0;
	struct err err = ERR_INIT;

	agent->is_collect_due = pull_is_any_writing(agent);
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
	if (gc(&agent->store, &keep, &freed, &err) < 0)
		log_warn("collect: %s", err.text);
	else if (freed)
		log_info("collected %lld bytes of layers that nothing needs any more",
			 (long long)freed);
}
