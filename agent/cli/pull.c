#include <stdio.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/progress.h"
#include "config/reference.h"

static int follow(struct cli *cli, struct progress *progress)
{
	const char *data;
	size_t size;
	int rc;

	while ((rc = daemon_read(&cli->daemon, &data, &size, &cli->err)) > 0) {
		rc = progress_feed(progress, data, size, &cli->err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int cli_pull(struct cli *cli)
{
	char name[REFERENCE_TEXT_SIZE];
	struct buf BUF_CLEANUP target = BUF_INIT;
	struct progress progress;
	struct reference ref;
	int rc;

	if (reference_parse(&ref, cli->operands[0], &cli->err) < 0) {
		cli_fail(cli);
		return EXIT_USAGE;
	}
	reference_format(&ref, name);
	cli_path(&target, "/images/create?fromImage=", name, "");
	progress_init(&progress, stdout, cli->options.quiet);
	rc = cli_connect(cli);
	if (rc == 0)
		rc = daemon_call(&cli->daemon, "POST", target.data, NULL, &cli->err);
	if (rc >= 0)
		rc = follow(cli, &progress);
	progress_release(&progress);
	if (rc < 0)
		return cli_fail(cli);
	printf("%s\n", name);
	return EXIT_DONE;
}
