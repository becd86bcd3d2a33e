/* Sections of networks that versions of apps still need when agent.ini has lost them: kept with their settings. */
#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/networks/networks_parts.h"
#include "lib/json.h"

#define KEPT "network_section" /* no key of agent.ini */

static json_t *section_to_json(const struct network_config *section)
{
	char subnets[IP_FAMILIES][SUBNET_TEXT_MAX];
	json_t *json;

	subnet_format(&section->subnet, subnets[IPV4]);
	subnet_format(&section->subnet6, subnets[IPV6]);
	json = json_pack("{s:s, s:s, s:b, s:b, s:i}", "subnet", subnets[IPV4], "subnet6", subnets[IPV6], "no_subnet6",
			 section->no_subnet6, "internal", section->internal, "mtu", section->mtu);
	if (!json)
		die_no_memory();
	return json;
}

/* The record's, from flash: what can't be read is refused as a whole, so that nothing internal gets a way out. */
static int section_from_json(struct network_config *section, const json_t *json, struct err *err)
{
	const char *subnet = "", *subnet6 = "";
	int64_t mtu = 0;

	*section = (struct network_config){ 0 };
	if (json_get_string(json, "subnet", &subnet, err) < 0 || json_get_string(json, "subnet6", &subnet6, err) < 0 ||
	    json_get_bool(json, "no_subnet6", &section->no_subnet6, err) < 0 ||
	    json_get_bool(json, "internal", &section->internal, err) < 0 || json_get_int(json, "mtu", &mtu, err) < 0 ||
	    (*subnet && subnet_parse(&section->subnet, subnet, err) < 0) ||
	    (*subnet6 && subnet_parse(&section->subnet6, subnet6, err) < 0))
		return err->code;
	if (mtu && (mtu < NETWORK_MTU_MIN || mtu > NETWORK_MTU_MAX))
		return err_set(err, -EINVAL, "mtu = %lld", (long long)mtu);
	section->mtu = (int)mtu;
	return 0;
}

static bool keep(struct agent *agent, json_t *settings)
{
	const struct network_config *section;
	const char *network = NULL;
	json_t *json;
	bool is_news;

	if (!settings || json_get_string(settings, "network", &network, NULL) <= 0)
		return false;
	section = agent_config_network(agent->config, network);
	if (!section)
		return false;
	json = section_to_json(section);
	is_news = !json_equal(json, json_object_get(settings, KEPT));
	if (json_object_set_new(settings, KEPT, json) < 0)
		die_no_memory();
	return is_news;
}

bool networks_keep_sections(struct app *app)
{
	bool is_news = keep(app->agent, app->record.current.settings_json);

	is_news |= keep(app->agent, app->record.previous.settings_json);
	is_news |= keep(app->agent, app->record.trying.settings_json);
	return is_news;
}

static const json_t *find_kept(struct agent *agent, const char *name)
{
	list_for_each(node, &agent->apps) {
		const struct record *record = &list_entry(node, struct app, node)->record;
		const struct generation *all[] = { &record->current, &record->previous, &record->trying };

		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			const json_t *settings = all[i]->settings_json;
			const char *network = NULL;

			if (settings && json_get_string(settings, "network", &network, NULL) > 0 &&
			    !strcmp(network, name) && json_object_get(settings, KEPT))
				return json_object_get(settings, KEPT);
		}
	}
	return NULL;
}

int networks_find_section(struct agent *agent, const char *name, struct network_config *section, struct err *err)
{
	const struct network_config *found = agent_config_network(agent->config, name);
	const json_t *kept = found || !strcmp(name, NETWORK_DEFAULT) ? NULL : find_kept(agent, name);

	*section = found ? *found : (struct network_config){ 0 };
	if (kept && section_from_json(section, kept, err) < 0)
		return err_context(err, "[network %s], which is not in agent.ini any more", name);
	if (!kept && !found && strcmp(name, NETWORK_DEFAULT))
		return err_set(err, -ENOENT, "there is no [network %s] in agent.ini any more", name);
	return 0;
}
