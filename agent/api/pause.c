/* Pause and unpause: answered when the freezer has done it. */
#include "agent/agent.h"
#include "agent/api/handlers.h"
#include "agent/api/later.h"
#include "agent/container/container.h"
#include "agent/container/pause.h"

static void set_paused(struct request *request, bool paused)
{
	struct container *container = request_container(request);
	struct err err = ERR_INIT;
	struct later *later;

	if (!container)
		return;
	later = later_new(request);
	if (container_pause(container, paused, later_done, later, &err) < 0)
		later_done(&err, later);
}

void on_container_pause(struct request *request)
{
	set_paused(request, true);
}

void on_container_unpause(struct request *request)
{
	set_paused(request, false);
}
