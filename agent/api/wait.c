/* POST /containers/{id}/wait: the head at once, the exit code when the container has ended or is removed. */
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/container/container.h"
#include "lib/buf.h"

struct waiting {
	struct container_waiter waiter;
	struct request *request;
};

static void release_waiting(struct request *request)
{
	struct waiting *waiting = request->data;

	list_remove(&waiting->waiter.node);
	free(waiting);
}

static void answer(struct request *request, const struct container *container)
{
	json_t *json = answer_pack("{s:i}", "StatusCode", container->exit_code);

	if (container->error[0])
		json_object_set_new(json, "Error",
				    answer_pack("{s:o}", "Message", answer_text(container->error)));
	reply_json_line(request, json);
	reply_end(request);
}

static void on_end(struct container_waiter *waiter, const struct container *container)
{
	struct waiting *waiting = list_entry(waiter, struct waiting, waiter);

	answer(waiting->request, container);
}

void on_container_wait(struct request *request)
{
	const char *condition = target_get(&request->target, "condition");
	struct container *container = request_container(request);
	bool next = condition && !strcmp(condition, "next-exit");
	bool removed = condition && !strcmp(condition, "removed");
	struct waiting *waiting;

	if (!container)
		return;
	if (condition && *condition && !next && !removed && strcmp(condition, "not-running")) {
		reply_error(request, 400, "invalid condition: \"%s\"", condition);
		return;
	}
	reply_begin(request, 200, "application/json");
	if (!next && !removed && container_has_ended(container)) {
		answer(request, container);
		return;
	}
	waiting = xcalloc(1, sizeof(*waiting));
	waiting->request = request;
	waiting->waiter.until_removed = removed;
	waiting->waiter.on_end = on_end;
	list_insert(&container->waiters, &waiting->waiter.node);
	request->data = waiting;
	request->release = release_waiting;
}
