/* berth attach: what a running container writes, and its stdin. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/cli/stream.h"
#include "lib/fd.h"
#include "lib/json.h"

struct kind {
	bool has_terminal, has_stdin;
};

static int ask(struct cli *cli, struct kind *kind)
{
	json_t *answer JSON_CLEANUP = NULL;
	struct buf BUF_CLEANUP target = BUF_INIT;
	const json_t *config, *state;

	cli_path(&target, "/containers/", cli->operands[0], "/json");
	if (cli_call_aside(cli, "GET", target.data, &answer) < 0)
		return cli->err.code;
	state = json_object_get(answer, "State");
	config = json_object_get(answer, "Config");
	if (!json_is_true(json_object_get(state, "Running")))
		return err_set(&cli->err, -ESRCH, "container %s is not running", cli->operands[0]);
	kind->has_terminal = json_is_true(json_object_get(config, "Tty"));
	kind->has_stdin = json_is_true(json_object_get(config, "OpenStdin"));
	return 0;
}

/* Asked before the container can end; the answer comes when it has. */
static int begin_waiting(struct cli *cli, struct daemon *waiting)
{
	struct buf BUF_CLEANUP target = BUF_INIT;

	cli_path(&target, "/containers/", cli->operands[0], "/wait?condition=next-exit");
	if (daemon_open(waiting, cli->options.host, &cli->err) < 0)
		return cli->err.code;
	return daemon_call(waiting, "POST", target.data, NULL, &cli->err);
}

static int exit_code(struct cli *cli, struct daemon *waiting)
{
	json_t *answer JSON_CLEANUP = NULL;

	if (daemon_json(waiting, &answer, &cli->err) < 0)
		return cli_fail(cli);
	return (int)cli_number(answer, "StatusCode");
}

static int run(struct cli *cli, const struct kind *kind)
{
	const char *name = cli->operands[0];
	struct buf BUF_CLEANUP target = BUF_INIT;
	struct buf BUF_CLEANUP resize = BUF_INIT;
	struct buf BUF_CLEANUP kill = BUF_INIT;
	struct stream stream = {
		.has_input = kind->has_stdin && !cli->options.no_stdin,
		.has_terminal = kind->has_terminal,
		.resize_first = kind->has_terminal,
		.detach_keys = cli->options.detach_keys,
	};

	cli_path(&target, "/containers/", name, "/attach?stream=1&stdout=1&stderr=1");
	if (stream.has_input)
		buf_append_text(&target, "&stdin=1");
	cli_path(&resize, "/containers/", name, "/resize");
	cli_path(&kill, "/containers/", name, "/kill");
	stream.resize = buf_text(&resize);
	stream.kill = cli->options.sig_proxy ? buf_text(&kill) : NULL;
	if (daemon_upgrade(&cli->daemon, buf_text(&target), NULL, &cli->err) < 0)
		return cli->err.code;
	return stream_run(&stream, cli);
}

int cli_attach(struct cli *cli)
{
	struct daemon waiting DAEMON_CLEANUP = DAEMON_INIT;
	struct kind kind = { 0 };
	int rc;

	if (ask(cli, &kind) < 0 || begin_waiting(cli, &waiting) < 0 || cli_connect(cli) < 0)
		return cli_fail(cli);
	rc = run(cli, &kind);
	if (rc < 0)
		return cli_fail(cli);
	return rc == STREAM_DETACHED ? EXIT_DONE : exit_code(cli, &waiting);
}
