/* Which app has which address: by the number of the address in its network's subnets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/networks/networks_parts.h"

#define FIRST 2 /* the bridge has 1 */

struct lease {
	struct list node;
	char *app;
	char *network;
	uint32_t index;
};

static struct lease *find(struct agent *agent, const char *app)
{
	list_for_each(node, &agent->networks.leases) {
		struct lease *lease = list_entry(node, struct lease, node);

		if (!strcmp(lease->app, app))
			return lease;
	}
	return NULL;
}

static void end(struct lease *lease)
{
	list_remove(&lease->node);
	free(lease->app);
	free(lease->network);
	free(lease);
}

static bool is_taken(struct agent *agent, const char *network, uint32_t index)
{
	list_for_each(node, &agent->networks.leases) {
		const struct lease *lease = list_entry(node, struct lease, node);

		if (lease->index == index && !strcmp(lease->network, network))
			return true;
	}
	return false;
}

void leases_recall(struct agent *agent, const char *app, const char *network, uint32_t index)
{
	struct lease *lease;

	if (find(agent, app) || is_taken(agent, network, index))
		return;
	lease = xcalloc(1, sizeof(*lease));
	lease->app = xstrdup(app);
	lease->network = xstrdup(network);
	lease->index = index;
	list_insert(&agent->networks.leases, &lease->node);
}

int leases_take(struct agent *agent, const char *app, const char *network, uint32_t room, uint32_t *index,
		struct err *err)
{
	struct lease *lease = find(agent, app);

	if (lease && !strcmp(lease->network, network) && lease->index <= room) {
		*index = lease->index;
		return 0;
	}
	if (lease)
		end(lease);
	for (*index = FIRST; *index <= room; ++*index)
		if (!is_taken(agent, network, *index)) {
			leases_recall(agent, app, network, *index);
			return 0;
		}
	return err_set(err, -EADDRNOTAVAIL, "every address of network %s is taken: give it a larger subnet", network);
}

void leases_review(struct agent *agent)
{
	list_for_each_safe(node, &agent->networks.leases) {
		struct lease *lease = list_entry(node, struct lease, node);

		if (!app_find(agent, lease->app))
			end(lease);
	}
}

void leases_release(struct networks *networks)
{
	list_for_each_safe(node, &networks->leases)
		end(list_entry(node, struct lease, node));
}
