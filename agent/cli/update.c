/* berth update and rollback: the agent acts by itself after the call; --wait looks at its status. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/cli/cli.h"
#include "lib/json.h"

#define LOOK_MS 300

/* The names of the apps that the agent acts on now. */
static int ask(struct cli *cli, const char *path, json_t **names)
{
	json_t *answer JSON_CLEANUP = NULL;
	struct buf BUF_CLEANUP target = BUF_INIT;

	buf_append_text(&target, path);
	if (cli->operands[0])
		cli_path(&target, "?app=", cli->operands[0], "");
	if (cli_connect(cli) < 0 ||
	    daemon_call(&cli->daemon, "POST", target.data, NULL, &cli->err) < 0 ||
	    daemon_json(&cli->daemon, &answer, &cli->err) < 0)
		return cli->err.code;
	*names = json_incref(json_object_get(answer, "apps"));
	return 0;
}

static const json_t *find_app(const json_t *status, const char *name)
{
	const json_t *apps = json_object_get(status, "apps"), *app;
	size_t i;

	json_array_foreach(apps, i, app)
		if (!strcmp(cli_text(app, "name"), name))
			return app;
	return NULL;
}

/* How the last trial ended, if one has since the command was given; else "". */
static const char *outcome(const char *name, const json_t *before, const json_t *after)
{
	const json_t *old = json_object_get(find_app(before, name), "update");
	const json_t *new = json_object_get(find_app(after, name), "update");

	return cli_number(new, "trials") == cli_number(old, "trials") ? "" : cli_text(new, "last");
}

/* What was never good has nothing to go back to: it is tried for ever. */
static bool is_at_it(const char *phase, const char *last)
{
	return strcmp(phase, "idle") && strcmp(phase, "staged") && strcmp(last, "failed") &&
	       strcmp(last, "none");
}

/* Prints each change of phase; returns how many are still at it. */
static size_t look(const json_t *names, const json_t *before, const json_t *status, json_t *phases)
{
	const json_t *name;
	size_t busy = 0, i;

	json_array_foreach(names, i, name) {
		const char *text = json_string_value(name);
		const json_t *app = find_app(status, text);
		const char *phase = cli_text(json_object_get(app, "update"), "phase");

		if (app && is_at_it(phase, outcome(text, before, status)))
			busy++;
		if (!app || !strcmp(cli_text(phases, text), phase))
			continue;
		printf("%s: %s\n", text, phase);
		json_object_set_new(phases, text, json_string(phase));
	}
	fflush(stdout);
	return busy;
}

/* What became of them; the exit code. */
static int judge(const json_t *names, const json_t *before, const json_t *after)
{
	const json_t *name;
	int code = EXIT_DONE;
	size_t i;

	json_array_foreach(names, i, name) {
		const char *text = json_string_value(name);
		const json_t *app = find_app(after, text);
		const json_t *update = json_object_get(app, "update");
		const char *error = cli_text(update, "error");
		const char *reason = cli_text(update, "reason");
		const char *old = cli_text(find_app(before, text), "digest");
		const char *last = outcome(text, before, after);
		bool is_bad = *last && strcmp(last, "updated");

		if (is_bad && *reason)
			fprintf(stderr, "berth: %s: %s: %s\n", text, last,
				!strncmp(error, reason, strlen(reason)) ? error : reason);
		else if (*error)
			fprintf(stderr, "berth: %s: %s\n", text, error);
		else
			printf("%s: %s %s\n", text,
			       strcmp(old, cli_text(app, "digest")) ? "now at" : "stays at",
			       cli_text(app, "digest"));
		if (*error || is_bad || !app)
			code = EXIT_FAILED;
	}
	return code;
}

static int get_status(struct cli *cli, json_t **out)
{
	json_decref(*out);
	*out = NULL;
	return daemon_get(&cli->daemon, "/berth/status", out, &cli->err);
}

static int wait_for(struct cli *cli, const json_t *names, const json_t *before)
{
	struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	json_t *status JSON_CLEANUP = NULL;
	json_t *phases JSON_CLEANUP = json_object();

	do {
		nanosleep(&pause, NULL);
		if (get_status(cli, &status) < 0)
			return cli_fail(cli);
	} while (look(names, before, status, phases));
	return judge(names, before, status);
}

int cli_update(struct cli *cli)
{
	json_t *before JSON_CLEANUP = NULL;
	json_t *names JSON_CLEANUP = NULL;
	const json_t *name;
	size_t i;

	if (cli->options.wait && (cli_connect(cli) < 0 || get_status(cli, &before) < 0))
		return cli_fail(cli);
	daemon_close(&cli->daemon);
	if (ask(cli, "/berth/update", &names) < 0)
		return cli_fail(cli);
	if (cli->options.wait)
		return wait_for(cli, names, before);
	json_array_foreach(names, i, name)
		printf("%s: checking (berth status shows how it goes)\n", json_string_value(name));
	if (!json_array_size(names))
		printf("there are no apps in agent.ini\n");
	return EXIT_DONE;
}

int cli_rollback(struct cli *cli)
{
	json_t *names JSON_CLEANUP = NULL;

	if (ask(cli, "/berth/rollback", &names) < 0)
		return cli_fail(cli);
	printf("%s: going back to the previous version (berth status shows how it goes)\n",
	       cli->operands[0]);
	return EXIT_DONE;
}
