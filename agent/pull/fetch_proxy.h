/*
 * fetch_proxy - which HTTP proxy fetch is told to use: [registry HOST] proxy, else [agent] proxy, else the
 * environment's as curl reads it: https_proxy, HTTPS_PROXY, http_proxy (not HTTP_PROXY: in a CGI that is a header
 * of the request), all_proxy, ALL_PROXY, no_proxy, NO_PROXY.
 *
 * A registry's own proxy is for all that a pull from it connects to, this machine included; the others never are
 * for this machine.
 */
#ifndef AGENT_PULL_FETCH_PROXY_H
#define AGENT_PULL_FETCH_PROXY_H

#include <jansson.h>

#include "config/agent_config.h"

/* "proxy" of agent/helper/fetch_input.h, a new reference; NULL: there is none. `registry` may be NULL. */
json_t *fetch_proxy(const struct agent_config *config, const struct registry_config *registry);

#endif
