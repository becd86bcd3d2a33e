/*
 * fetch_settings - what the fetch helper gets to know, as JSON on its stdin (agent/helper/fetch):
 * it has no file system, so certificates and passwords are read here. The system's own CA bundle is
 * not: fetch maps it before it enters its sandbox, and only when it will speak https.
 */
#ifndef AGENT_FETCH_SETTINGS_H
#define AGENT_FETCH_SETTINGS_H

#include <jansson.h>

#include "config/agent_config.h"
#include "config/reference.h"
#include "lib/err.h"

/*
 * A new reference in *out. `auth` (borrowed, may be NULL) is {"username","password"} from an API
 * client and goes before agent.ini's. `have`: array of diff IDs that need no fetching, or NULL.
 */
int fetch_settings(const struct agent_config *config, const struct reference *reference,
		   const json_t *auth, json_t *have, json_t **out, struct err *err);

/*
 * The credentials for a registry in a docker config.json: "auths" by host, with "auth" (base64 of
 * user:password) or "username" and "password". 1: found, a new reference in *out; 0: none;
 * -EINVAL: the file is broken, or names a credential helper, which needs a program berth can't run.
 */
int credentials_parse(const char *text, size_t size, const char *registry, json_t **out,
		      struct err *err);

#endif
