/*
 * fetch_input - what fetch is told: its argv and one JSON object on stdin, which the agent writes
 * because fetch can open no files:
 *
 *	{"registry":{"ca_pem":"<PEM>"|null,"insecure":bool,"cert_pem":..,"key_pem":..}, "auth":{"username","password"}|null,
 *	 "mirrors":[{"host":"<host:port>","https":bool,"registry":{..},"auth":{..}},...],
 *	 "platform":{"os","architecture","variant"}, "have":["sha256:<diff ID>",...], "clock_floor":<unix s>,
 *	 "lane":{"number":n,"count":n} (lane.h), "manifest":"<text>"|null, "config":"<text>"|null,
 *	 "proxy":{"http":"<URL>"|null, "https":"<URL>"|null, "exempt":"<no_proxy>"|null, "for_loopback":bool}|null,
 *	 "link":{"bytes_per_s":<cap>, "stall_ms":<time-out>}}
 *
 * ca_pem is set when [registry] has `ca`. Without it, and when https is to be spoken, the system's
 * bundle is mapped, before the sandbox is entered: passing 200 kB through the agent at each poll
 * would cost it more memory than everything else it does. An empty document means all defaults.
 */
#ifndef AGENT_HELPER_FETCH_INPUT_H
#define AGENT_HELPER_FETCH_INPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/helper/lane.h"
#include "config/digest.h"
#include "config/platform.h"
#include "config/reference.h"
#include "lib/err.h"
#include "net/sources.h"

struct fetch_input {
	bool is_pull;	       /* else: head */
	struct reference reference;
	struct digest digest;  /* pull: of the manifest or index */
	struct sources_settings sources;
	struct platform platform;
	struct lane lane;
	const char *manifest_text, *config_text; /* the image's, when they need no fetching; NULL */
	/* private: what the above points into */
	json_t *json;
	void *bundle;
	size_t bundle_size;
	struct proxy_rules proxies;
	struct sessions sessions; /* the registry's; those of a mirror with other anchors must not pass for them */
	struct sessions mirror_sessions[SOURCES_MIRRORS_MAX];
	struct mirror mirrors[SOURCES_MIRRORS_MAX];
	struct identity *identities[SOURCES_MIRRORS_MAX + 1];
	char settings[SOURCES_MIRRORS_MAX + 1][REFERENCE_REGISTRY_MAX + 32]; /* "ca = in [registry HOST]" */
};

/* -EINVAL with the reason. Release it in any case. */
int fetch_input_read(struct fetch_input *input, int argc, char **argv, int fd, struct err *err);
void fetch_input_release(struct fetch_input *input);

/* Is this layer in the store already? */
bool fetch_input_has(const struct fetch_input *input, const struct digest *diff_id);

#endif
