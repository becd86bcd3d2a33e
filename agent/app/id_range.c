#include "agent/app/id_range.h"

#include <errno.h>
#include <stdbool.h>

#include "agent/agent.h"
#include "agent/app/app.h"

/* Of whichever pool: that may have been another one when they were given. */
static bool is_taken(const struct agent *agent, int64_t first)
{
	list_for_each(node, &agent->apps) {
		const struct app *app = list_entry(node, struct app, node);
		int64_t other = app->record.first_id;

		if (other && first < other + APP_IDS && other < first + APP_IDS)
			return true;
	}
	return false;
}

int id_range_take(struct app *app, struct err *err)
{
	const struct agent_config *config = app->agent->config;
	int64_t end = config->first_id + config->id_count;

	if (app->record.first_id)
		return 0;
	for (int64_t first = config->first_id; first + APP_IDS <= end; first += APP_IDS) {
		if (is_taken(app->agent, first))
			continue;
		app->record.first_id = (uint32_t)first;
		app_save(app);
		return 0;
	}
	return err_set(err, -EUSERS, "userns = auto: other apps have all of userns_ids = %lld:%lld; "
				     "%d are needed for each", (long long)config->first_id,
		       (long long)config->id_count, APP_IDS);
}
