/* berth status: the agent's document as a table, and what needs attention in words below it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/table.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/time.h"

#define DIGEST_SHORT 12

static void add_digest(struct table *table, const json_t *app, const char *name)
{
	const char *text = cli_text(app, name);
	const char *hex = strchr(text, ':');

	table_cell_format(table, "%.*s", DIGEST_SHORT, *text ? hex ? hex + 1 : text : "-");
}

static void add_memory(struct table *table, int64_t bytes)
{
	char text[HUMAN_TEXT_MAX];

	human_size(text, bytes > 0 ? (uint64_t)bytes : 0, 3);
	table_cell(table, bytes > 0 ? text : "-");
}

/* "idle", or "idle, updated": where it is and how the last update went. */
static void add_update(struct table *table, const json_t *update)
{
	const char *last = cli_text(update, "last");

	if (!strcmp(last, "none"))
		table_cell(table, cli_text(update, "phase"));
	else
		table_cell_format(table, "%s, last %s", cli_text(update, "phase"), last);
}

static void add_app(struct table *table, const json_t *app)
{
	const json_t *update = json_object_get(app, "update");

	table_cell(table, cli_text(app, "name"));
	table_cell(table, cli_text(app, "state"));
	table_cell(table, cli_text(app, "health"));
	table_cell(table, cli_text(app, "image"));
	add_digest(table, app, "digest");
	add_digest(table, app, "previous");
	table_cell_format(table, "%lld", (long long)cli_number(app, "restarts"));
	add_memory(table, cli_number(app, "memory_bytes"));
	add_update(table, update);
	table_end_row(table);
}

static void print_apps(const json_t *apps)
{
	static const char *const headings[] = { "APP",	    "STATE",	"HEALTH", "IMAGE", "VERSION",
						"PREVIOUS", "RESTARTS", "MEMORY", "UPDATE" };
	struct table table = TABLE_INIT;
	const json_t *app;
	size_t i;

	for (i = 0; i < sizeof(headings) / sizeof(*headings); i++)
		table_cell(&table, headings[i]);
	table_end_row(&table);
	json_array_foreach(apps, i, app)
		add_app(&table, app);
	table_print(&table, stdout);
	table_release(&table);
}

static void print_age(const char *time)
{
	char age[HUMAN_TEXT_MAX];
	int64_t ns;

	if (time_parse(time, &ns) < 0)
		return;
	human_duration(age, time_now_ns() - ns);
	age[0] = (char)tolower(age[0]);
	printf(" (registry last answered %s ago)", age);
}

static void print_candidate(const char *app, const char *phase, const char *digest, bool is_held_up)
{
	const char *colon = strchr(digest, ':');

	printf("%s: %s, new version %.*s", app, phase, DIGEST_SHORT, colon ? colon + 1 : digest);
	if (!strcmp(phase, "staged"))
		printf(" (berth update %s puts it in)", app);
	if (!strcmp(phase, "idle") && !is_held_up)
		printf(" (berth update %s fetches it)", app); /* update = manual */
	putchar('\n');
}

/* Only for apps that have something to tell. */
static void print_notes(const json_t *app)
{
	const json_t *update = json_object_get(app, "update");
	const char *reason = cli_text(update, "reason");
	const char *error = cli_text(update, "error");
	const char *candidate = cli_text(update, "candidate");
	/* A version that was never good and fails still: once is enough, and the error is the longer text. */
	bool is_same = !strcmp(cli_text(update, "last"), "failed") && *reason &&
		       !strncmp(error, reason, strlen(reason));
	size_t refused = json_array_size(json_object_get(update, "refused"));

	if (*candidate)
		print_candidate(cli_text(app, "name"), cli_text(update, "phase"), candidate, *error);
	if (*reason)
		printf("%s: last update %s: %s\n", cli_text(app, "name"), cli_text(update, "last"),
		       is_same ? error : reason);
	if (*error && !is_same) {
		printf("%s: %s", cli_text(app, "name"), error);
		print_age(cli_text(update, "checked"));
		putchar('\n');
	}
	if (refused)
		printf("%s: %zu refused %s\n", cli_text(app, "name"), refused,
		       refused == 1 ? "version" : "versions");
}

static void print_head(const json_t *status)
{
	char up[HUMAN_TEXT_MAX];

	human_duration(up, cli_number(status, "uptime_s") * NS_PER_S);
	up[0] = (char)tolower(up[0]);
	printf("%s: berth %s, up %s\n", cli_text(status, "device"), cli_text(status, "version"), up);
	if (*cli_text(status, "error"))
		printf("agent.ini is not in use: %s\n", cli_text(status, "error"));
	putchar('\n');
}

static void print_store(const json_t *store)
{
	char bytes[HUMAN_TEXT_MAX], free_bytes[HUMAN_TEXT_MAX], written[HUMAN_TEXT_MAX];

	human_size(bytes, (uint64_t)cli_number(store, "bytes"), 3);
	human_size(free_bytes, (uint64_t)cli_number(store, "free_bytes"), 3);
	human_size(written, (uint64_t)cli_number(store, "written_bytes"), 3);
	printf("\nstore: %lld layers, %s, %s free, %s written since the agent started\n",
	       (long long)cli_number(store, "layers"), bytes, free_bytes, written);
}

int cli_status(struct cli *cli)
{
	json_t *status JSON_CLEANUP = NULL;
	json_t *apps, *app;
	size_t i;

	if (cli_connect(cli) < 0 ||
	    daemon_get(&cli->daemon, "/berth/status", &status, &cli->err) < 0)
		return cli_fail(cli);
	if (cli->options.json) {
		json_dumpf(status, stdout, JSON_COMPACT);
		putchar('\n');
		return EXIT_DONE;
	}
	apps = json_object_get(status, "apps");
	print_head(status);
	print_apps(apps);
	print_store(json_object_get(status, "store"));
	json_array_foreach(apps, i, app)
		print_notes(app);
	return EXIT_DONE;
}
