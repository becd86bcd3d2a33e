#include "agent/last_good.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "lib/fd.h"
#include "lib/log.h"

#define DEFAULT_STORE "/var/lib/berth"
#define LAST_GOOD_NAME "agent.ini"

void last_good_keep(struct agent *agent)
{
	BUF_CLEANUP struct buf now = BUF_INIT;
	BUF_CLEANUP struct buf kept = BUF_INIT;
	int rc = fd_read_file(AT_FDCWD, agent->config_path, &now, AGENT_CONFIG_SIZE_MAX);

	if (rc < 0)
		return; /* it was there a moment ago: the next reload tells */
	if (fd_read_file(agent->store.dirfd, LAST_GOOD_NAME, &kept, AGENT_CONFIG_SIZE_MAX) == 0 &&
	    kept.size == now.size && !memcmp(buf_text(&kept), buf_text(&now), now.size))
		return;
	rc = fd_replace_file(agent->store.dirfd, LAST_GOOD_NAME, buf_text(&now), now.size, 0600);
	if (rc < 0)
		log_warn("keep a copy of %s in the store: %s", agent->config_path, strerror(-rc));
}

/*
 * The value of the first line "store = ..." of a file whose grammar is broken somewhere. No more
 * than a hint where to look: what is found there is read as strictly as ever.
 */
static char *find_store(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += strspn(line, " \t\r\n");
		if (strncmp(line, "store", 5))
			continue;
		line += 5 + strspn(line + 5, " \t");
		if (*line != '=')
			continue;
		line += 1 + strspn(line + 1, " \t");
		return xstrndup(line, strcspn(line, " \t\r\n;"));
	}
	return NULL;
}

int last_good_load(const char *config_path, struct agent_config **out, char path[static PATH_MAX])
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	FREE_CLEANUP char *store = NULL;

	if (fd_read_file(AT_FDCWD, config_path, &text, AGENT_CONFIG_SIZE_MAX) == 0)
		store = find_store(buf_text(&text));
	snprintf(path, PATH_MAX, "%s/%s", store && *store == '/' ? store : DEFAULT_STORE,
		 LAST_GOOD_NAME);
	return agent_config_load(path, out, NULL, NULL);
}
