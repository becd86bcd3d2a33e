/* Pause and unpause: answered when the freezer has done it. */
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/container.h"
#include "agent/pause.h"
#include "lib/buf.h"

struct waiter {
	struct request *request; /* NULL: the client has gone */
};

static void release_waiter(struct request *request)
{
	struct waiter *waiter = request->data;

	waiter->request = NULL;
}

static void on_done(const struct err *err, void *data)
{
	struct waiter *waiter = data;
	struct request *request = waiter->request;

	free(waiter);
	if (!request)
		return;
	request->release = NULL;
	if (err->code)
		reply_err(request, err);
	else
		reply_empty(request, 204);
}

static void set_paused(struct request *request, bool paused)
{
	struct container *container = request_container(request);
	struct waiter *waiter;
	struct err err = ERR_INIT;

	if (!container)
		return;
	waiter = xcalloc(1, sizeof(*waiter));
	waiter->request = request;
	request->data = waiter;
	request->release = release_waiter;
	if (container_pause(container, paused, on_done, waiter, &err) == 0)
		return;
	request->release = NULL;
	free(waiter);
	reply_err(request, &err);
}

void on_container_pause(struct request *request)
{
	set_paused(request, true);
}

void on_container_unpause(struct request *request)
{
	set_paused(request, false);
}
