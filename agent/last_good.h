/*
 * last_good - a copy of the last agent.ini that was good, in the store: a broken one must not stop
 * the apps when the device boots.
 */
#ifndef AGENT_LAST_GOOD_H
#define AGENT_LAST_GOOD_H

#include <limits.h>

#include "config/agent_config.h"

struct agent;

/* The file at agent->config_path has just been loaded: keep it. Durable, and written only when it differs. */
void last_good_keep(struct agent *agent);

/*
 * `config_path` can't be used: loads the copy from the store that this file names, as far as it can
 * be read, or from the default store. 0 and where it was found in `path`, or a negative code.
 */
int last_good_load(const char *config_path, struct agent_config **out, char path[static PATH_MAX]);

#endif
