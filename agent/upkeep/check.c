#include "agent/upkeep/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/job.h"
#include "agent/upkeep/collect.h"
#include "agent/upkeep/fsck_look.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/suspect.h"

struct check {
	struct agent *agent;
	struct check_request request;
	struct job *job;
	struct err err;
	bool is_done, is_whole_store;
};

/* What a look at the whole store has found needed must not be collected under it. */
static void free_check(struct check *check)
{
	struct agent *agent = check->agent;

	agent->lookers -= check->is_whole_store;
	free(check);
	if (!agent->lookers && agent->is_collect_due)
		collect(agent);
}

static void take_damage(struct check *check, const json_t *damage)
{
	struct store *store = &check->agent->store;
	const char *kind = "", *text = "", *layer = "", *path = "";
	struct digest id;

	json_get_string(damage, "kind", &kind, NULL);
	json_get_string(damage, "layer", &layer, NULL);
	json_get_string(damage, "path", &path, NULL);
	json_get_string(damage, "text", &text, NULL);
	if (!fsck_is_damage(kind) || digest_parse(&id, layer) < 0 || suspect_is(store, &id))
		return;
	log_warn("layer %.19s is damaged: %s%s%s", id.text, path, *path ? ": " : "", text);
	suspect_add(store, &id);
}

static void on_line(struct job *job, char *text, void *data)
{
	struct check *check = data;
	JSON_CLEANUP json_t *line = NULL;
	const char *error = NULL;
	json_t *damage;

	(void)job;
	if (json_parse(&line, text, strlen(text), "the report of fsck-store", &check->err) < 0)
		return;
	if (json_get_object(line, "damage", &damage, NULL) > 0)
		take_damage(check, damage);
	if (json_get_string(line, "error", &error, NULL) > 0)
		err_set(&check->err, -EIO, "%s", error);
	json_get_bool(line, "done", &check->is_done, NULL);
	if (check->request.on_line)
		check->request.on_line(line, check->request.data);
}

static void on_end(struct job *job, int status, void *data)
{
	struct check *check = data;

	(void)job;
	if (!check->err.code && !check->is_done)
		err_set(&check->err, -EIO, "the check of the store was killed (status %d)", status);
	if (check->err.code)
		log_warn("check: %s", check->err.text);
	check->request.on_end(&check->err, check->request.data);
	free_check(check);
}

struct check *check_start(struct agent *agent, const struct check_request *request, struct err *err)
{
	FREE_CLEANUP char **argv = xcalloc(request->layer_count + 5, sizeof(*argv));
	struct job_spec spec = {
		.argv = argv, .budget = &agent->budget, .on_line = on_line, .on_end = on_end
	};
	struct check *check = xcalloc(1, sizeof(*check));
	size_t count = 0;

	check->agent = agent;
	check->request = *request;
	check->request.layers = NULL;
	spec.data = check;
	argv[count++] = "berth";
	argv[count++] = "fsck-store";
	argv[count++] = *agent->store.path ? agent->store.path : "/";
	argv[count++] = (char *)check_depth_names[request->depth];
	for (size_t i = 0; i < request->layer_count; i++)
		argv[count++] = (char *)request->layers[i].text;
	check->job = job_start(&agent->loop, &spec, err);
	if (!check->job) {
		free(check);
		return NULL;
	}
	check->is_whole_store = !request->layer_count;
	agent->lookers += check->is_whole_store;
	return check;
}

void check_stop(struct check *check)
{
	job_abandon(check->job);
	free_check(check);
}
