/* berth exec: a process in a container, with this terminal or these pipes as its own. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/cli/output.h"
#include "agent/cli/terminal.h"
#include "lib/fd.h"
#include "lib/json.h"

#define COPY_SIZE 16384

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
	body = json_pack("{s:b, s:b, s:b, s:b, s:o, s:o, s:s, s:s}", "AttachStdin",
			 attach && options->interactive, "AttachStdout", attach, "AttachStderr",
			 attach, "Tty", options->tty, "Cmd", texts(cli->operands + 1), "Env",
			 variables(options->env), "User",
			 options->user ? options->user : "", "WorkingDir",
			 options->workdir ? options->workdir : "");
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

/* The stream has its own connection; what else there is to say goes over another one. */
static int call_aside(struct cli *cli, const char *method, const char *target, json_t **answer)
{
	struct daemon daemon DAEMON_CLEANUP = DAEMON_INIT;
	int rc = daemon_open(&daemon, cli->options.host, &cli->err);

	if (rc == 0)
		rc = daemon_call(&daemon, method, target, NULL, &cli->err);
	if (rc >= 0 && answer)
		rc = daemon_json(&daemon, answer, &cli->err);
	return rc;
}

static void resize(struct cli *cli, const char *id)
{
	char target[160];
	unsigned short rows, columns;

	terminal_size(STDIN_FILENO, &rows, &columns);
	snprintf(target, sizeof(target), "/exec/%s/resize?h=%u&w=%u", id, rows, columns);
	/* Too early or too late is no matter: the size is only for show. */
	if (rows && call_aside(cli, "POST", target, NULL) < 0)
		cli->err = ERR_INIT;
}

/* Returns false at the end of the input, which the other side then reads, too. */
static bool copy_input(int sock)
{
	char data[COPY_SIZE];
	ssize_t got = read(STDIN_FILENO, data, sizeof(data));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got > 0 && fd_write_full(sock, data, (size_t)got) == 0)
		return true;
	shutdown(sock, SHUT_WR);
	return false;
}

/* 1: go on; 0: the process has closed its output. */
static int copy_output(int sock, struct output *output, struct err *err)
{
	char data[COPY_SIZE];
	ssize_t got = read(sock, data, sizeof(data));

	if (got < 0 && errno == EINTR)
		return 1;
	if (got < 0)
		return err_sys(err, "read from the agent");
	if (got == 0)
		return 0;
	return output_write(output, data, (size_t)got, err) < 0 ? err->code : 1;
}

static int relay(struct cli *cli, const char *id, struct output *output, bool input_is_open)
{
	struct pollfd fds[2] = { { .fd = cli->daemon.fd, .events = POLLIN }, { .events = POLLIN } };
	sigset_t mask;
	int rc = 1;

	terminal_watch_size(&mask);
	while (rc > 0) {
		fds[1].fd = input_is_open ? STDIN_FILENO : -1;
		if (ppoll(fds, 2, NULL, &mask) < 0 && errno != EINTR)
			return err_sys(&cli->err, "poll");
		if (terminal_was_resized()) {
			resize(cli, id);
			continue;
		}
		if (fds[1].fd >= 0 && fds[1].revents)
			input_is_open = copy_input(cli->daemon.fd);
		if (fds[0].revents)
			rc = copy_output(cli->daemon.fd, output, &cli->err);
		fds[0].revents = fds[1].revents = 0;
	}
	return rc;
}

static int run_attached(struct cli *cli, const char *id, const char *target)
{
	json_t *body JSON_CLEANUP = json_pack("{s:b, s:b}", "Detach", 0, "Tty", cli->options.tty);
	struct output output = { .is_raw = cli->options.tty };
	bool with_terminal = cli->options.tty && cli->options.interactive;
	const char *early;
	size_t size;
	int rc;

	if (daemon_upgrade(&cli->daemon, target, body, &cli->err) < 0)
		return cli->err.code;
	daemon_early(&cli->daemon, &early, &size);
	rc = output_write(&output, early, size, &cli->err);
	if (rc == 0 && with_terminal && terminal_raw(STDIN_FILENO) < 0)
		rc = err_sys(&cli->err, "the terminal");
	if (rc == 0)
		rc = relay(cli, id, &output, cli->options.interactive);
	terminal_restore();
	return rc;
}

static int exit_code(struct cli *cli, const char *id)
{
	json_t *answer JSON_CLEANUP = NULL;
	char target[160];

	snprintf(target, sizeof(target), "/exec/%s/json", id);
	if (call_aside(cli, "GET", target, &answer) < 0)
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

	if (cli->options.tty && cli->options.interactive && !isatty(STDIN_FILENO)) {
		err_set(&cli->err, -ENOTTY, "exec -it: stdin is not a terminal (leave out -t)");
		return cli_fail(cli);
	}
	if (cli_connect(cli) < 0 || !(id = create(cli)))
		return cli_fail(cli);
	daemon_close(&cli->daemon);
	if (cli_connect(cli) < 0)
		return cli_fail(cli);
	snprintf(target, sizeof(target), "/exec/%s/start", id);
	if (cli->options.detach)
		return run_detached(cli, target);
	if (run_attached(cli, id, target) < 0)
		return cli_fail(cli);
	return exit_code(cli, id);
}
