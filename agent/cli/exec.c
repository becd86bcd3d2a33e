/* berth exec: a process in a container, with this terminal or these pipes as its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/cli/stream.h"
#include "agent/cli/terminal.h"
#include "lib/fd.h"
#include "lib/json.h"

static json_t *texts(char *const *words)
{
	json_t *array = json_array();

	for (; words && *words; words++)
		if (json_array_append_new(array, json_string(*words)) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

/* As docker has it: a name alone passes this command's own variable on, if it is set. */
static json_t *variables(const char *const *names)
{
	json_t *array = json_array();

	for (; *names; names++) {
		const char *value = getenv(*names);
		char *text FREE_CLEANUP = NULL;

		if (strchr(*names, '='))
			text = xstrdup(*names);
		else if (value)
			text = xasprintf("%s=%s", *names, value);
		if (text && json_array_append_new(array, json_string(text)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *make_body(const struct cli *cli)
{
	const struct options *options = &cli->options;
	bool attach = !options->detach;
	unsigned short rows = 0, columns = 0;
	json_t *body;

	if (options->tty)
		terminal_size(STDIN_FILENO, &rows, &columns);
	body = json_pack("{s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:s, s:s}", "AttachStdin",
			 attach && options->interactive, "AttachStdout", attach, "AttachStderr",
			 attach, "Tty", options->tty, "Privileged", options->privileged, "Cmd",
			 texts(cli->operands + 1), "Env", variables(options->env), "User",
			 options->user ?: "", "WorkingDir", options->workdir ?: "");
	if (body && rows)
		json_object_set_new(body, "ConsoleSize", json_pack("[i,i]", rows, columns));
	return body;
}

/* The ID of the new exec, to be freed; NULL with the reason. */
static char *create(struct cli *cli)
{
	json_t *body JSON_CLEANUP = make_body(cli);
	json_t *answer JSON_CLEANUP = NULL;
	struct buf BUF_CLEANUP target = BUF_INIT;

	if (!body) {
		err_set(&cli->err, -EINVAL, "exec: the command line is not UTF-8");
		return NULL;
	}
	cli_path(&target, "/containers/", cli->operands[0], "/exec");
	if (daemon_call(&cli->daemon, "POST", target.data, body, &cli->err) < 0 ||
	    daemon_json(&cli->daemon, &answer, &cli->err) < 0)
		return NULL;
	return xstrdup(cli_text(answer, "Id"));
}

static int run_attached(struct cli *cli, const char *id, const char *target)
{
	json_t *body JSON_CLEANUP = json_pack("{s:b, s:b}", "Detach", 0, "Tty", cli->options.tty);
	char *resize FREE_CLEANUP = xasprintf("/exec/%s/resize", id);
	char *kill FREE_CLEANUP = xasprintf("/berth/exec/%s/kill", id);
	struct stream stream = {
		.has_input = cli->options.interactive,
		.has_terminal = cli->options.tty,
		.detach_keys = cli->options.detach_keys,
		.resize = resize,
		.kill = kill,
	};

	if (daemon_upgrade(&cli->daemon, target, body, &cli->err) < 0)
		return cli->err.code;
	return stream_run(&stream, cli);
}

static int exit_code(struct cli *cli, const char *id)
{
	json_t *answer JSON_CLEANUP = NULL;
	char target[160];

	snprintf(target, sizeof(target), "/exec/%s/json", id);
	if (cli_call_aside(cli, "GET", target, &answer) < 0)
		return cli_fail(cli);
	if (json_is_true(json_object_get(answer, "Running"))) {
		err_set(&cli->err, -EIO, "exec: the connection ended before the command did");
		return cli_fail(cli);
	}
	return (int)cli_number(answer, "ExitCode");
}

static int run_detached(struct cli *cli, const char *target)
{
	json_t *body JSON_CLEANUP = json_pack("{s:b, s:b}", "Detach", 1, "Tty", cli->options.tty);

	if (daemon_call(&cli->daemon, "POST", target, body, &cli->err) < 0)
		return cli_fail(cli);
	return EXIT_DONE;
}

int cli_exec(struct cli *cli)
{
	char *id FREE_CLEANUP = NULL;
	char target[160];
	sigset_t mask;
	int rc;

	if (cli->options.tty && cli->options.interactive && !isatty(STDIN_FILENO)) {
		err_set(&cli->err, -ENOTTY, "exec -it: stdin is not a terminal (leave out -t)");
		return cli_fail(cli);
	}
	if (cli_connect(cli) < 0 || !(id = create(cli)))
		return cli_fail(cli);
	/* What comes before the command is there waits for it, until stream_run() asks. */
	if (!cli->options.detach)
		terminal_watch_signals(!cli->options.tty, &mask);
	daemon_close(&cli->daemon);
	if (cli_connect(cli) < 0)
		return cli_fail(cli);
	snprintf(target, sizeof(target), "/exec/%s/start", id);
	if (cli->options.detach)
		return run_detached(cli, target);
	rc = run_attached(cli, id, target);
	if (rc < 0)
		return cli_fail(cli);
	return rc == STREAM_DETACHED ? EXIT_DONE : exit_code(cli, id);
}
