#include "agent/upkeep/sweeper.h"

#include <string.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/job.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/sweep.h"

#define STAGING_FD 4

static void run(struct timer *timer);

static void said(struct job *job, char *line, void *data)
{
	JSON_CLEANUP json_t *json = NULL;
	const char *text;

	(void)job;
	(void)data;
	if (json_parse(&json, line, strlen(line), "helper's report", NULL) == 0 &&
	    json_get_string(json, "error", &text, NULL) > 0)
		log_warn("sweep: %s (tried again at the next start)", text);
}

static void ended(struct job *job, int status, void *data)
{
	struct agent *agent = data;

	(void)job;
	(void)status;
	agent->sweep_job = NULL;
	if (agent->is_sweep_due)
		sweeper_start(agent);
	list_for_each_safe(node, &agent->apps)
		app_look_for_room(list_entry(node, struct app, node));
}

static void run(struct timer *timer)
{
	struct agent *agent = timer->data;
	const struct job_spec spec = {
		.argv = (char *[]){ "berth", "sweep", "4", NULL },
		.fds = { { .from = agent->store.staging, .to = STAGING_FD } },
		.fd_count = 1,
		.budget = &agent->budget,
		.on_line = said,
		.on_end = ended,
		.data = agent,
	};
	struct err err = ERR_INIT;

	agent->is_sweep_due = false;
	if (!sweep_is_due(agent->store.staging))
		return;
	agent->sweep_job = job_start(&agent->loop, &spec, &err);
	if (!agent->sweep_job)
		log_warn("sweep: %s", err.text);
}

/* From a timer: many things are thrown away at once. */
void sweeper_start(struct agent *agent)
{
	agent->is_sweep_due = true;
	if (!agent->sweep_job)
		timer_start(&agent->loop, &agent->sweep_timer, 0, run, agent);
}
