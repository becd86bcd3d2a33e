/* GET /networks and /networks/NAME: bridge, host, none, and those of agent.ini. */
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/filters.h"
#include "agent/api/handlers.h"
#include "agent/api/network_json.h"
#include "agent/api/request.h"
#include "lib/json.h"

/* The number'th of all; NULL: there are no more. */
static const char *network_at(const struct agent *agent, size_t number)
{
	static const char *const always[] = { NETWORK_DEFAULT, "host", "none" };
	const struct agent_config *config = agent->config;

	if (number < sizeof(always) / sizeof(*always))
		return always[number];
	number -= sizeof(always) / sizeof(*always);
	return number < config->network_count ? config->networks[number].name : NULL;
}

/* A section for the built-in one makes no second one of it. */
static bool is_repeated(size_t number, const char *name)
{
	return number && !strcmp(name, NETWORK_DEFAULT);
}

static bool is_listed(const char *name, const json_t *filters)
{
	char id[NETWORK_ID_SIZE];
	bool is_built_in = !strcmp(name, NETWORK_DEFAULT) || !strcmp(name, "host") || !strcmp(name, "none");

	network_id(name, id);
	return filters_within(filters, "name", name) && filters_prefix(filters, "id", id) &&
	       filters_equal(filters, "scope", "local") &&
	       filters_equal(filters, "type", is_built_in ? "builtin" : "custom");
}

void on_network_list(struct request *request)
{
	static const char *const known[] = { "name", "id", "scope", "type", NULL };
	const struct agent *agent = request->agent;
	json_t *filters JSON_CLEANUP = NULL;
	struct err err = ERR_INIT;
	const char *name;
	json_t *list;

	if (filters_parse(&filters, &request->target, known, &err) < 0) {
		reply_err(request, &err);
		return;
	}
	list = answer_pack("[]");
	for (size_t i = 0; (name = network_at(agent, i)); i++)
		if (!is_repeated(i, name) && is_listed(name, filters))
			json_array_append_new(list, network_json(request->agent, name,
								 agent_config_network(agent->config, name)));
	reply_json(request, 200, list);
}

/* By name before prefix of an ID, as Docker looks things up. */
static const char *find_network(const struct agent *agent, const char *what)
{
	const char *name, *by_prefix = NULL;
	char id[NETWORK_ID_SIZE];

	for (size_t i = 0; (name = network_at(agent, i)); i++) {
		if (!strcmp(name, what))
			return name;
		network_id(name, id);
		if (*what && !strncmp(id, what, strlen(what)))
			by_prefix = name;
	}
	return by_prefix;
}

void on_network_inspect(struct request *request)
{
	const struct agent *agent = request->agent;
	const char *name = find_network(agent, request->name);

	if (name)
		reply_json(request, 200, network_json(request->agent, name, agent_config_network(agent->config, name)));
	else
		reply_error(request, 404, "network %s not found", request->name);
}
