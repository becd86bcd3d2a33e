/* berth's own calls about the devices of a running container (agent/container/plug.h). */
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/handlers.h"
#include "agent/api/later.h"
#include "agent/api/request.h"
#include "agent/container/container.h"
#include "agent/container/plug.h"

/* The parameter that a call can't do without; answers and returns NULL when it isn't there. */
static const char *parameter(struct request *request, const char *name)
{
	const char *text = target_get(&request->target, name);

	if (text && *text)
		return text;
	reply_error(request, 400, "which one? give it as ?%s=", name);
	return NULL;
}

void on_device_list(struct request *request)
{
	struct container *container = request_container(request);

	if (container)
		reply_json(request, 200, plugs_json(container));
}

void on_device_add(struct request *request)
{
	const char *device = parameter(request, "device");
	struct container *container = device ? request_container(request) : NULL;
	struct err err = ERR_INIT;
	struct later *later;

	if (!container)
		return;
	later = later_new(request);
	if (plugs_add(container, device, later_done, later, &err) < 0)
		later_done(&err, later);
}

void on_device_remove(struct request *request)
{
	const char *path = parameter(request, "path");
	struct container *container = path ? request_container(request) : NULL;
	struct err err = ERR_INIT;
	struct later *later;

	if (!container)
		return;
	later = later_new(request);
	if (plugs_remove(container, path, later_done, later, &err) < 0)
		later_done(&err, later);
}
