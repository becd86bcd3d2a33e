/* ps and images: tables with docker's columns. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/table.h"
#include "lib/fd.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/time.h"

#define ID_SHORT 12
#define COMMAND_WIDTH 20

static void add_headings(struct table *table, const char *const *headings)
{
	for (; *headings; headings++)
		table_cell(table, *headings);
	table_end_row(table);
}

/* Without "sha256:", and short unless asked otherwise. */
static void add_id(struct table *table, const struct cli *cli, const char *id)
{
	const char *hex = strchr(id, ':');

	if (cli->options.no_trunc)
		table_cell(table, id);
	else
		table_cell_format(table, "%.*s", ID_SHORT, hex ? hex + 1 : id);
}

static void add_age(struct table *table, int64_t created_s)
{
	char age[HUMAN_TEXT_MAX];

	human_duration(age, time_now_ns() - created_s * NS_PER_S);
	table_cell_format(table, "%s ago", age);
}

/* The bytes of the first `width` characters of UTF-8. */
static size_t prefix_size(const char *text, size_t width)
{
	size_t size = 0;

	while (text[size] && width--)
		for (size++; (text[size] & 0xc0) == 0x80; size++)
			;
	return size;
}

static void add_command(struct table *table, const struct cli *cli, const char *command)
{
	if (cli->options.no_trunc || prefix_size(command, COMMAND_WIDTH) == strlen(command))
		table_cell_format(table, "\"%s\"", command);
	else
		table_cell_format(table, "\"%.*s…\"", (int)prefix_size(command, COMMAND_WIDTH - 1),
				  command);
}

static void add_names(struct table *table, const json_t *names)
{
	struct buf BUF_CLEANUP text = BUF_INIT;
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		const char *word = json_string_value(name);

		if (word)
			buf_append_format(&text, "%s%s", i ? "," : "", word + (*word == '/'));
	}
	table_cell(table, buf_text(&text));
}

/* "0.0.0.0:8080->80/tcp", with "8000-8009->..." for ports in a row, which stand so in the agent's answer. */
struct port_run {
	const char *ip, *type;
	int64_t first, to, count;
};

static void append_run(struct buf *text, const struct port_run *run)
{
	if (!run->count)
		return;
	buf_append_text(text, text->size ? ", " : "");
	buf_append_format(text, strchr(run->ip, ':') ? "[%s]:%lld" : "%s:%lld", run->ip, (long long)run->first);
	if (run->count > 1)
		buf_append_format(text, "-%lld", (long long)(run->first + run->count - 1));
	buf_append_format(text, "->%lld", (long long)run->to);
	if (run->count > 1)
		buf_append_format(text, "-%lld", (long long)(run->to + run->count - 1));
	buf_append_format(text, "/%s", run->type);
}

static bool continues(const struct port_run *run, const json_t *port)
{
	return run->count && !strcmp(run->ip, cli_text(port, "IP")) && !strcmp(run->type, cli_text(port, "Type")) &&
	       run->first + run->count == cli_number(port, "PublicPort") &&
	       run->to + run->count == cli_number(port, "PrivatePort");
}

/* One family after the other: each address has its ports in a row. */
static void append_ports(struct buf *text, const json_t *ports, bool ipv6)
{
	struct port_run run = { .count = 0 };
	const json_t *port;
	size_t i;

	json_array_foreach(ports, i, port) {
		if (!strchr(cli_text(port, "IP"), ':') == ipv6)
			continue;
		if (!continues(&run, port)) {
			append_run(text, &run);
			run = (struct port_run){ cli_text(port, "IP"), cli_text(port, "Type"),
						 cli_number(port, "PublicPort"), cli_number(port, "PrivatePort"), 0 };
		}
		run.count++;
	}
	append_run(text, &run);
}

static void add_ports(struct table *table, const json_t *ports)
{
	struct buf BUF_CLEANUP text = BUF_INIT;

	append_ports(&text, ports, false);
	append_ports(&text, ports, true);
	table_cell(table, buf_text(&text));
}

static void add_container(struct table *table, const struct cli *cli, const json_t *container)
{
	add_id(table, cli, cli_text(container, "Id"));
	table_cell(table, cli_text(container, "Image"));
	add_command(table, cli, cli_text(container, "Command"));
	add_age(table, cli_number(container, "Created"));
	table_cell(table, cli_text(container, "Status"));
	add_ports(table, json_object_get(container, "Ports"));
	add_names(table, json_object_get(container, "Names"));
	table_end_row(table);
}

static int get_list(struct cli *cli, const char *target, json_t **out)
{
	int rc = cli_connect(cli);

	if (rc == 0)
		rc = daemon_get(&cli->daemon, target, out, &cli->err);
	return rc;
}

/* "label=a=b" and "status=exited" become {"label":["a=b"],"status":["exited"]}. */
static int add_filters(struct cli *cli, struct buf *target)
{
	json_t *filters JSON_CLEANUP = json_object();
	struct buf BUF_CLEANUP text = BUF_INIT;

	for (const char **filter = cli->options.filters; *filter; filter++) {
		char *name FREE_CLEANUP = xstrdup(*filter);
		char *value = strchr(name, '=');

		if (!value)
			return err_set(&cli->err, -EINVAL, "--filter %s: use NAME=VALUE", name);
		*value++ = '\0';
		if (!json_object_get(filters, name) &&
		    json_object_set_new(filters, name, json_array()) < 0)
			return err_set(&cli->err, -EINVAL, "--filter %s: is not UTF-8", name);
		if (json_array_append_new(json_object_get(filters, name), json_string(value)) < 0)
			return err_set(&cli->err, -EINVAL, "--filter %s: is not UTF-8", name);
	}
	json_append(&text, filters);
	buf_append_text(target, "&filters=");
	daemon_escape(target, buf_text(&text));
	return 0;
}

static void print_id(const struct cli *cli, const json_t *item)
{
	const char *id = cli_text(item, "Id");
	const char *hex = strchr(id, ':');

	if (cli->options.no_trunc)
		printf("%s\n", id);
	else
		printf("%.*s\n", ID_SHORT, hex ? hex + 1 : id);
}

int cli_ps(struct cli *cli)
{
	static const char *const headings[] = { "CONTAINER ID", "IMAGE", "COMMAND", "CREATED",
						"STATUS",	"PORTS", "NAMES",   NULL };
	json_t *list JSON_CLEANUP = NULL, *container;
	struct buf BUF_CLEANUP target = BUF_INIT;
	struct table table = TABLE_INIT;
	size_t i;

	buf_append_format(&target, "/containers/json?all=%d", cli->options.all);
	if (add_filters(cli, &target) < 0 || get_list(cli, buf_text(&target), &list) < 0)
		return cli_fail(cli);
	add_headings(&table, headings);
	json_array_foreach(list, i, container) {
		if (cli->options.quiet)
			print_id(cli, container);
		else
			add_container(&table, cli, container);
	}
	if (!cli->options.quiet)
		table_print(&table, stdout);
	table_release(&table);
	return EXIT_DONE;
}

static void add_image(struct table *table, const struct cli *cli, const json_t *image,
		      const char *repository, const char *tag)
{
	char size[HUMAN_TEXT_MAX];

	table_cell(table, repository);
	table_cell(table, tag);
	add_id(table, cli, cli_text(image, "Id"));
	add_age(table, cli_number(image, "Created"));
	human_size(size, (uint64_t)cli_number(image, "Size"), 3);
	table_cell(table, size);
	table_end_row(table);
}

/* "host:5000/name" of "host:5000/name@sha256:...", or <none>. */
static char *repository_of(const json_t *image)
{
	const char *digest = json_string_value(json_array_get(json_object_get(image, "RepoDigests"), 0));

	return digest ? xstrndup(digest, strcspn(digest, "@")) : xstrdup("<none>");
}

static void add_image_rows(struct table *table, const struct cli *cli, const json_t *image)
{
	json_t *tags = json_object_get(image, "RepoTags"), *tag;
	char *repository FREE_CLEANUP = repository_of(image);
	size_t i;

	if (!json_array_size(tags))
		add_image(table, cli, image, repository, "<none>");
	json_array_foreach(tags, i, tag) {
		char *name FREE_CLEANUP = xstrdup(json_is_string(tag) ? json_string_value(tag) : "");
		char *colon = strrchr(name, ':');

		if (colon)
			*colon++ = '\0';
		add_image(table, cli, image, name, colon ? colon : "");
	}
}

/* The operand goes to the agent as docker's `reference` filter. */
static void images_target(struct buf *target, const char *pattern)
{
	json_t *filters JSON_CLEANUP = NULL;
	struct buf BUF_CLEANUP text = BUF_INIT;

	buf_append_text(target, "/images/json");
	if (!pattern)
		return;
	filters = json_pack("{s:[s]}", "reference", pattern);
	if (!filters)
		return; /* no UTF-8: no image has such a name, but let all be shown */
	json_append(&text, filters);
	cli_path(target, "?filters=", buf_text(&text), "");
}

int cli_images(struct cli *cli)
{
	static const char *const headings[] = { "REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", NULL };
	json_t *list JSON_CLEANUP = NULL, *image;
	struct buf BUF_CLEANUP target = BUF_INIT;
	struct table table = TABLE_INIT;
	size_t i;

	images_target(&target, cli->operands[0]);
	if (get_list(cli, target.data, &list) < 0)
		return cli_fail(cli);
	add_headings(&table, headings);
	json_array_foreach(list, i, image) {
		if (cli->options.quiet)
			print_id(cli, image);
		else
			add_image_rows(&table, cli, image);
	}
	if (!cli->options.quiet)
		table_print(&table, stdout);
	table_release(&table);
	return EXIT_DONE;
}
