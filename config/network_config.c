#include "config/network_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/agent_config.h"
#include "config/units.h"
#include "lib/fd.h"

#define INTERFACE_PREFIX "berth-"
#define INTERFACE_HASH 8 /* hex digits */

void network_config_init(struct network_config *network, const char *name)
{
	*network = (struct network_config){ .name = xstrdup(name) };
}

void network_config_release(struct network_config *network)
{
	free(network->name);
	*network = (struct network_config){ 0 };
}

int network_config_check_name(const char *name, struct err *err)
{
	static const char *const taken[] = { "host", "none", "default", "container" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!strcmp(name, taken[i]))
			return err_set(err, -EINVAL, "%s means something else; use another name", name);
	return app_name_check(name, APP_NAME_MAX, err);
}

void network_config_interface(const char *name, char interface[static NETWORK_INTERFACE_SIZE])
{
	struct digest digest;

	if (!strcmp(name, NETWORK_DEFAULT)) {
		snprintf(interface, NETWORK_INTERFACE_SIZE, "berth0");
	} else if (strlen(name) < NETWORK_INTERFACE_SIZE - strlen(INTERFACE_PREFIX)) {
		snprintf(interface, NETWORK_INTERFACE_SIZE, INTERFACE_PREFIX "%.9s", name);
	} else {
		digest_of(&digest, name, strlen(name));
		snprintf(interface, NETWORK_INTERFACE_SIZE, INTERFACE_PREFIX "~%.*s",
			 INTERFACE_HASH, digest.text + strlen("sha256:"));
	}
}

static int set_family(struct subnet *out, const char *value, int family, uint32_t least,
		      struct err *err)
{
	struct subnet subnet;

	if (subnet_parse(&subnet, value, err) < 0)
		return -EINVAL;
	if (subnet.ip.family != family)
		return err_set(err, -EINVAL, "%s", family == AF_INET ? "not IPv4; use subnet6" :
								       "not IPv6; use subnet");
	if (subnet_room(&subnet) < least)
		return err_set(err, -EINVAL, "too small: no room for a bridge and an app");
	if (ip_is_loopback(&subnet.ip) || subnet.ip.bytes[0] == 0 || subnet.ip.bytes[0] == 0xff ||
	    (family == AF_INET && subnet.ip.bytes[0] >= 224))
		return err_set(err, -EINVAL, "not addresses that an app can have; use private ones such as %s",
			       family == AF_INET ? "10.20.0.0/24" : "fd00:20::/64");
	*out = subnet;
	return 0;
}

static int set_subnet(void *object, const char *value, struct err *err)
{
	return set_family(&((struct network_config *)object)->subnet, value, AF_INET, 2, err);
}

static int set_subnet6(void *object, const char *value, struct err *err)
{
	struct network_config *network = object;

	if (!strcmp(value, "none")) {
		network->no_subnet6 = true;
		return 0;
	}
	return set_family(&network->subnet6, value, AF_INET6, 255, err);
}

static int set_internal(void *object, const char *value, struct err *err)
{
	static const char *const words[] = { "no", "yes", NULL };
	int found = key_choose(words, value, err);

	if (found >= 0)
		((struct network_config *)object)->internal = found;
	return found < 0 ? found : 0;
}

static int set_mtu(void *object, const char *value, struct err *err)
{
	int64_t number;

	if (number_parse(value, NETWORK_MTU_MIN, NETWORK_MTU_MAX, &number, err) < 0)
		return -EINVAL;
	((struct network_config *)object)->mtu = (int)number;
	return 0;
}

const struct key_table *network_config_keys(void)
{
	static const struct key keys[] = {
		{ "subnet", set_subnet, false },
		{ "subnet6", set_subnet6, false },
		{ "internal", set_internal, false },
		{ "mtu", set_mtu, false },
	};
	static const struct key_table table = { keys, sizeof(keys) / sizeof(*keys), NULL };

	return &table;
}

/* --- all sections together -------------------------------------------------------------------- */

static int check_overlap(const struct network_config *a, const struct network_config *b,
			 struct err *err)
{
	if ((a->subnet.ip.family && subnet_overlaps(&a->subnet, &b->subnet)) ||
	    (a->subnet6.ip.family && subnet_overlaps(&a->subnet6, &b->subnet6)))
		return err_set(err, -EINVAL, "[network %s] and [network %s] have addresses in common: give one "
					     "of them another subnet",
			       a->name, b->name);
	return 0;
}

static int check_published(const struct app_config *a, const struct app_config *b, struct err *err)
{
	for (size_t i = 0; i < a->network.publish_count; i++)
		for (size_t j = 0; j < b->network.publish_count; j++) {
			FREE_CLEANUP char *text = NULL;

			if (!app_publish_conflicts(&a->network.publishes[i], &b->network.publishes[j]))
				continue;
			text = app_publish_text(&b->network.publishes[j]);
			return err_set(err, -EINVAL, "[app %s] publish = %s: [app %s] publishes this port "
						     "already; give one of them another", b->name, text, a->name);
		}
	return 0;
}

static int check_joined(const struct agent_config *config, const struct app_config *app,
			struct err *err)
{
	const char *name = app->network.name;
	const struct app_config *other = agent_config_app(config, name);

	if (!other)
		return err_set(err, -ENOENT, "[app %s] network = container:%s: there is no [app %s]", app->name, name,
			       name);
	if (other == app || other->network.kind == NETWORK_CONTAINER)
		return err_set(err, -ELOOP, "[app %s] network = container:%s: %s", app->name, name,
			       other == app ? "that is the app itself" :
					      "that app has none of its own, it joins another's; name that one");
	return 0;
}

static int check_app(const struct agent_config *config, const struct app_config *app,
		     struct err *err)
{
	const char *name = app->network.name;
	const struct network_config *section;

	if (app->network.kind == NETWORK_CONTAINER)
		return check_joined(config, app, err);
	if (app->network.kind != NETWORK_BRIDGE)
		return 0;
	if (strcmp(name, NETWORK_DEFAULT) && !agent_config_network(config, name))
		return err_set(err, -ENOENT, "[app %s] network = %s: there is no [network %s]; add one, or use bridge, "
					     "host, none or container:APP", app->name, name, name);
	section = agent_config_network(config, name);
	if (app->network.publish_count && section && section->internal)
		return err_set(err, -EINVAL, "[app %s] publish: [network %s] is internal, nothing of it is published; take the "
					     "line out, or use another network", app->name, name);
	return 0;
}

int network_config_check_all(const struct agent_config *config, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < config->network_count && !rc; i++)
		for (size_t j = 0; j < i && !rc; j++)
			rc = check_overlap(&config->networks[j], &config->networks[i], err);
	for (size_t i = 0; i < config->app_count && !rc; i++) {
		rc = check_app(config, &config->apps[i], err);
		for (size_t j = 0; j < i && !rc; j++)
			rc = check_published(&config->apps[j], &config->apps[i], err);
	}
	return rc;
}
