/* berth's own calls: status, update, rollback. */
#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/app/app.h"

void on_berth_status(struct request *request)
{
	reply_json(request, 200, status_json(request->agent));
}

/* The app that the parameter names; answers and returns NULL when there is none. */
static struct app *named_app(struct request *request, const char *name)
{
	struct app *app = app_find(request->agent, name);

	if (!app)
		reply_error(request, 404, "No such app: %s (berth status lists them)", name);
	return app;
}

/* {"apps":["sensor"]}: those that are at it now. */
void on_berth_update(struct request *request)
{
	const char *name = target_get(&request->target, "app");
	json_t *names = answer_pack("[]");
	struct err err = ERR_INIT;
	struct app *one = NULL;

	if (name && !(one = named_app(request, name))) {
		json_decref(names);
		return;
	}
	list_for_each(node, &request->agent->apps) {
		struct app *app = list_entry(node, struct app, node);

		if (app->is_leaving || (one && app != one))
			continue;
		if (app_update(app, one != NULL, &err) == 0)
			json_array_append_new(names, answer_text(app->config->name));
	}
	if (err.code && !json_array_size(names)) {
		json_decref(names);
		reply_err(request, &err);
		return;
	}
	reply_json(request, 200, answer_pack("{s:o}", "apps", names));
}

void on_berth_rollback(struct request *request)
{
	const char *name = target_get(&request->target, "app");
	struct err err = ERR_INIT;
	struct app *app;

	if (!name || !*name) {
		reply_error(request, 400, "which app? give it as ?app=NAME");
		return;
	}
	app = named_app(request, name);
	if (!app)
		return;
	if (app_rollback(app, &err) < 0)
		reply_error(request, 409, "%s", err.text);
	else
		reply_json(request, 200, answer_pack("{s:[s]}", "apps", app->config->name));
}
