/* What stands in for agent/cli/ in a berth without CONFIG_CLI: the agent and its helpers, and no client. */
#include <stdio.h>
#include <string.h>

#include "agent/applets.h"
#include "version.h"

int cli_main(int argc, char **argv)
{
	static const char usage[] = "Usage: berth agent [--config FILE]\n";
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "version") || !strcmp(command, "--version"))
		return puts("berth " BERTH_VERSION) < 0;
	if (!strcmp(command, "help") || !strcmp(command, "--help"))
		return fputs(usage, stdout) < 0;
	if (*command)
		fprintf(stderr,
			"berth %s: this berth was built without client commands (CONFIG_CLI): use a "
			"docker CLI on its socket\n", command);
	fputs(usage, stderr);
	return 2;
}
