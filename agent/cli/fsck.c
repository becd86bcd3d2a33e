/* fsck: over the agent, or, when there is none, by looking at the store ourselves. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/upkeep/fsck_look.h"
#include "config/agent_config.h"
#include "lib/json.h"

#define LINE_MAX_SIZE (64 * 1024)

struct report {
	struct cli *cli;
	struct buf rest; /* of a line that is not whole yet */
	int64_t found, left;
	bool has_summary;
};

static void print_line(const struct report *report, const json_t *line)
{
	struct buf BUF_CLEANUP text = BUF_INIT;

	if (!report->cli->options.json)
		return;
	json_append(&text, line);
	printf("%s\n", buf_text(&text));
}

static void print_damage(const struct report *report, const json_t *damage)
{
	const char *path = cli_text(damage, "path"), *users = cli_text(damage, "users");

	if (report->cli->options.json)
		return;
	printf("%s%s%s: %s: %s", cli_text(damage, "file"), *path ? "/fs/" : "", path,
	       cli_text(damage, "kind"), cli_text(damage, "text"));
	if (*users)
		printf(" (used by %s)", users);
	printf("; %s\n", cli_text(damage, "remedy"));
}

static void take_summary(struct report *report, const json_t *summary)
{
	const char *why = cli_text(summary, "why");

	report->has_summary = true;
	report->found = cli_number(summary, "found");
	report->left = cli_number(summary, "left");
	if (report->cli->options.json)
		return;
	if (!report->found)
		printf("the store is whole\n");
	else if (!report->left)
		printf("%lld damaged, all repaired\n", (long long)report->found);
	else
		printf("%lld damaged, %lld left%s%s\n", (long long)report->found, (long long)report->left,
		       *why ? "; the agent goes on trying: " : "", why);
}

static int take_line(struct report *report, const char *text, size_t size)
{
	json_t *line JSON_CLEANUP = NULL, *object;
	bool is_left = false;
	int rc = json_parse(&line, text, size, "the agent's answer", &report->cli->err);

	if (rc < 0)
		return rc;
	print_line(report, line);
	json_get_bool(line, "left", &is_left, NULL);
	if (json_get_object(line, "damage", &object, NULL) > 0 && !is_left)
		print_damage(report, object);
	if (json_get_object(line, "summary", &object, NULL) > 0)
		take_summary(report, object);
	if (*cli_text(line, "error"))
		return err_set(&report->cli->err, -EIO, "%s", cli_text(line, "error"));
	return 0;
}

static int take_lines(struct report *report, const char *data, size_t size)
{
	const char *end;
	int rc = 0;

	buf_append(&report->rest, data, size);
	while (!rc && report->rest.size && (end = memchr(report->rest.data, '\n', report->rest.size))) {
		size_t length = (size_t)(end - report->rest.data);

		rc = take_line(report, report->rest.data, length);
		buf_consume(&report->rest, length + 1);
	}
	if (!rc && report->rest.size > LINE_MAX_SIZE)
		return err_set(&report->cli->err, -EBADMSG, "the agent's answer has too long a line");
	return rc;
}

static int ask_agent(struct report *report)
{
	struct cli *cli = report->cli;
	const char *data;
	size_t size;
	int rc = daemon_call(&cli->daemon, "POST",
			     cli->options.repair ? "/berth/fsck?repair=1" : "/berth/fsck", NULL, &cli->err);

	while (rc >= 0 && (rc = daemon_read(&cli->daemon, &data, &size, &cli->err)) > 0)
		rc = take_lines(report, data, size);
	if (!rc && !report->has_summary)
		rc = err_set(&cli->err, -EPIPE, "the agent has gone while it looked through the store");
	return rc;
}

/* --- without an agent --- */

static void take_finding(void *data, const struct fsck_finding *finding)
{
	struct report *report = data;
	json_t *json JSON_CLEANUP = fsck_finding_json(finding);
	json_t *line JSON_CLEANUP = json_pack("{s:O}", "damage", json);

	if (fsck_is_damage(damage_kind_names[finding->kind]))
		report->found++;
	print_line(report, line);
	print_damage(report, json);
}

static int look_ourselves(struct report *report)
{
	struct cli *cli = report->cli;
	const char *path = cli->options.config ? cli->options.config : AGENT_CONFIG_PATH;
	struct agent_config *config;
	struct store store;
	struct fsck look = { .store = &store, .depth = CHECK_CONTENT, .on_finding = take_finding,
			     .data = report };
	int rc;

	if (cli->options.repair)
		return err_context(&cli->err, "repairing needs the agent, which fetches and repairs by itself "
				   "once it runs");
	rc = agent_config_load(path, &config, NULL, &cli->err);
	if (rc < 0 && !cli->options.config)
		return err_context(&cli->err, CLI_NO_STORE);
	if (rc < 0)
		return rc;
	rc = store_look(&store, config->store, true, &cli->err);
	agent_config_free(config);
	if (rc < 0)
		return rc;
	rc = fsck_look(&look, &cli->err);
	store_close(&store);
	report->left = report->found;
	if (!rc && !cli->options.json)
		printf("%s\n", report->found ? "damaged; the agent repairs it when it is started" :
					       "the store is whole");
	return rc;
}

int cli_fsck(struct cli *cli)
{
	struct report report = { .cli = cli };
	int rc = cli_connect(cli) < 0 ? look_ourselves(&report) : ask_agent(&report);

	buf_release(&report.rest);
	if (rc < 0)
		return cli_fail(cli);
	return report.left ? EXIT_FAILED : EXIT_DONE;
}
