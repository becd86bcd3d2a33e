/* check, version, start, stop, pause and unpause. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "config/agent_config.h"
#include "config/platform.h"
#include "config/units.h"
#include "lib/json.h"
#include "version.h"

static void tell_mistake(const struct err *mistake, void *data)
{
	bool *is_told = data;

	fprintf(stderr, "berth: %s\n", mistake->text);
	*is_told = true;
}

int cli_check(struct cli *cli)
{
	bool is_told = false;
	const struct mistakes mistakes = { tell_mistake, &is_told };
	struct agent_config *config;

	if (agent_config_load(cli->operands[0], &config, &mistakes, &cli->err) < 0)
		return is_told ? EXIT_FAILED : cli_fail(cli);
	printf("%s: good, %zu %s\n", cli->operands[0], config->app_count,
	       config->app_count == 1 ? "app" : "apps");
	agent_config_free(config);
	return EXIT_DONE;
}

int cli_version(struct cli *cli)
{
	json_t *version JSON_CLEANUP = NULL;
	char text[PLATFORM_TEXT_SIZE];
	struct platform platform;

	platform_current(&platform);
	platform_format(&platform, text);
	printf("Client:\n Version:      %s\n OS/Arch:      %s\n", BERTH_VERSION, text);
	fflush(stdout);
	if (cli_connect(cli) < 0 || daemon_get(&cli->daemon, "/version", &version, &cli->err) < 0)
		return cli_fail(cli);
	printf("\nAgent:\n Version:      %s\n API version:  %s (minimum version %s)\n"
	       " OS/Arch:      %s/%s\n Kernel:       %s\n",
	       cli_text(version, "Version"), cli_text(version, "ApiVersion"),
	       cli_text(version, "MinAPIVersion"), cli_text(version, "Os"),
	       cli_text(version, "Arch"), cli_text(version, "KernelVersion"));
	return EXIT_DONE;
}

/* One call for each operand, as docker does: prints the names that worked, complains about the others. */
static int for_each(struct cli *cli, const char *action)
{
	int code = EXIT_DONE;

	if (cli_connect(cli) < 0)
		return cli_fail(cli);
	for (char **name = cli->operands; *name; name++) {
		struct buf BUF_CLEANUP target = BUF_INIT;

		cli_path(&target, "/containers/", *name, action);
		if (daemon_call(&cli->daemon, "POST", target.data, NULL, &cli->err) < 0) {
			cli_complain(&cli->err);
			code = EXIT_FAILED;
		} else {
			printf("%s\n", *name);
		}
		daemon_close(&cli->daemon);
		if (name[1] && cli_connect(cli) < 0)
			return cli_fail(cli);
	}
	return code;
}

int cli_start(struct cli *cli)
{
	return for_each(cli, "/start");
}

int cli_pause(struct cli *cli)
{
	return for_each(cli, "/pause");
}

int cli_unpause(struct cli *cli)
{
	return for_each(cli, "/unpause");
}

int cli_stop(struct cli *cli)
{
	char action[32] = "/stop";
	int64_t seconds;

	if (cli->options.timeout) {
		if (number_parse(cli->options.timeout, -1, 86400, &seconds, &cli->err) < 0) {
			err_context(&cli->err, "--timeout %s", cli->options.timeout);
			cli_fail(cli);
			return EXIT_USAGE;
		}
		snprintf(action, sizeof(action), "/stop?t=%lld", (long long)seconds);
	}
	return for_each(cli, action);
}
