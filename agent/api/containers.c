#include <errno.h>
#include <signal.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/container_json.h"
#include "agent/api/filters.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/app/app.h"
#include "agent/container/container.h"
#include "agent/container/pause.h"
#include "lib/json.h"
#include "lib/signame.h"

struct container *request_container(struct request *request)
{
	const char *name = request->name + (request->name[0] == '/');
	const struct app *app = app_find(request->agent, name);
	struct container *container;
	struct err err = ERR_INIT;

	/* While a version is switched in, two containers have the app's name. */
	if (app && app->container)
		return app->container;
	if (container_find(request->agent, name, &container, &err) == 0)
		return container;
	reply_err(request, &err);
	return NULL;
}

bool request_can_begin(struct request *request, const struct container *container)
{
	if (container->state == CONTAINER_PAUSED)
		reply_error(request, 409, "container %s is paused: unpause it first",
			    container->name);
	else if (container->state != CONTAINER_RUNNING)
		reply_error(request, 409, "container %s is not running", container->name);
	return container->state == CONTAINER_RUNNING;
}

static bool is_listed(const struct container *container, const json_t *filters)
{
	return filters_within(filters, "name", container->name) &&
	       filters_prefix(filters, "id", container->id) &&
	       filters_equal(filters, "status", container_state_names[container->state]) &&
	       filters_equal(filters, "health",
			     health_status_names[container_health(container)]) &&
	       filters_prefix(filters, "ancestor", container->image_name) &&
	       filters_labels(filters, container->labels);
}

static bool is_up(const struct container *container)
{
	return container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED ||
	       container->state == CONTAINER_RESTARTING;
}

/* Newest first, as docker lists them; the agent's list has them in the order they were made. */
void on_container_list(struct request *request)
{
	static const char *const known[] = { "name", "id", "status", "health", "ancestor", "label", NULL };
	json_t *filters JSON_CLEANUP = NULL;
	int64_t limit = -1;
	struct err err = ERR_INIT;
	json_t *list;
	bool all;

	if (filters_parse(&filters, &request->target, known, &err) < 0 ||
	    target_int(&request->target, "limit", &limit, &err) < 0) {
		reply_err(request, &err);
		return;
	}
	all = target_flag(&request->target, "all") || limit > 0 ||
	      json_object_get(filters, "status");
	list = answer_pack("[]");
	for (struct list *node = request->agent->containers.prev;
	     node != &request->agent->containers; node = node->prev) {
		struct container *container = list_entry(node, struct container, node);

		if (limit > 0 && (int64_t)json_array_size(list) >= limit)
			break;
		if ((all || is_up(container)) && is_listed(container, filters))
			json_array_append_new(list, container_summary_json(container));
	}
	reply_json(request, 200, list);
}

void on_container_inspect(struct request *request)
{
	struct container *container = request_container(request);

	if (container)
		reply_json(request, 200, container_inspect_json(container));
}

/* Docker counts this as stopped by the user: no restart policy brings it back. */
static void stop_at_once(struct request *request, struct container *container)
{
	struct app *app = app_of_container(container);
	bool is_last_word = app && app->container == container && !app->record.stopped;
	struct err err = ERR_INIT;

	if ((is_last_word ? app_stop(app, 0, &err) : container_signal(container, SIGKILL, &err)) < 0)
		reply_err(request, &err);
	else
		reply_empty(request, 204);
}

/* A paused container could not obey its stop signal; other ones wait until it goes on. */
static void signal_is_sent(struct request *request, struct container *container, int signal)
{
	if (signal == container->stop_signal)
		container_thaw(container);
	reply_empty(request, 204);
}

void on_container_kill(struct request *request)
{
	const char *text = target_get(&request->target, "signal");
	struct container *container = request_container(request);
	int signal = signal_parse(text && *text ? text : "KILL");
	struct err err = ERR_INIT;

	if (!container)
		return;
	if (signal < 0)
		reply_error(request, 400, "Invalid signal: %s", text);
	else if (container->state != CONTAINER_RUNNING && container->state != CONTAINER_PAUSED)
		reply_error(request, 409, "Container %s is not running", container->id);
	else if (signal == SIGKILL)
		stop_at_once(request, container);
	else if (container_signal(container, signal, &err) < 0)
		reply_err(request, &err);
	else
		signal_is_sent(request, container, signal);
}
