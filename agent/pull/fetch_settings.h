/*
 * fetch_settings - what the fetch helper gets to know, as JSON on its stdin (agent/helper/fetch):
 * it has no file system, so certificates and passwords are read here. The system's own CA bundle is
 * not: fetch maps it before it enters its sandbox, and only when it will speak https.
 */
#ifndef AGENT_PULL_FETCH_SETTINGS_H
#define AGENT_PULL_FETCH_SETTINGS_H

#include <jansson.h>

#include "agent/helper/lane.h"
#include "agent/pull/fetch_sessions.h"
#include "config/agent_config.h"
#include "config/reference.h"
#include "lib/err.h"

struct fetch_request {
	const struct reference *reference;
	const json_t *auth; /* {"username","password"} of an API client, before agent.ini's; or NULL */
	json_t *have;	    /* array of diff IDs that need no fetching, or NULL */
	bool without_mirrors;
	int64_t last_seen_s; /* Unix time; it can't be earlier, whatever the clock says */
	struct lane lane;   /* count 0: the only one */
	const char *manifest, *config; /* the image's documents, or NULL: they are to be fetched */
	struct fetch_sessions *sessions; /* to be taken up; or NULL */
	char *session_key; /* out: under which new ones are to be kept: SHA256_HEX + 1 bytes; or NULL */
};

/* A new reference in *out. All of the request is borrowed. */
int fetch_settings(const struct agent_config *config, const struct fetch_request *request, json_t **out,
		   struct err *err);

/* Logs what a new config gives away: private keys that others can read. */
void fetch_settings_warn(const struct agent_config *config);

bool fetch_settings_have_mirrors(const struct agent_config *config, const struct reference *reference);

/*
 * The credentials for a registry in a docker config.json: "auths" by host, with "auth" (base64 of
 * user:password) or "username" and "password". 1: found, a new reference in *out; 0: none;
 * -EINVAL: the file is broken, or names a credential helper, which needs a program berth can't run.
 */
int credentials_parse(const char *text, size_t size, const char *registry, json_t **out,
		      struct err *err);

#endif
