#include "agent/pull/fetch_proxy.h"

#include <stdlib.h>
#include <string.h>

/* The first that is set and not empty; the list ends with NULL. */
static const char *environment(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);

		if (value && *value)
			return value;
	}
	return NULL;
}

static json_t *both(const char *proxy, const char *exempt, bool for_loopback)
{
	if (!strcmp(proxy, "none"))
		return NULL;
	return json_pack("{s:s, s:s, s:s*, s:b}", "http", proxy, "https", proxy, "exempt", exempt,
			 "for_loopback", for_loopback);
}

json_t *fetch_proxy(const struct agent_config *config, const struct registry_config *registry)
{
	const char *exempt = config->no_proxy;

	if (registry && registry->proxy)
		return both(registry->proxy, NULL, true);
	if (!exempt)
		exempt = environment((const char *const[]){ "no_proxy", "NO_PROXY", NULL });
	if (config->proxy)
		return both(config->proxy, exempt, false);
	const char *http = environment((const char *const[]){ "http_proxy", "all_proxy", "ALL_PROXY", NULL });
	const char *https = environment((const char *const[]){ "https_proxy", "HTTPS_PROXY", "all_proxy",
							       "ALL_PROXY", NULL });

	if (!http && !https)
		return NULL;
	return json_pack("{s:s*, s:s*, s:s*}", "http", http, "https", https, "exempt", exempt);
}
