/* berth device add, rm and ls: devices of a running container. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/table.h"
#include "lib/json.h"

/* /berth/containers/NAME/devices, and ?PARAMETER=VALUE */
static void make_target(struct buf *target, const char *name, const char *parameter, const char *value)
{
	cli_path(target, "/berth/containers/", name, "/devices");
	if (!parameter)
		return;
	buf_append_format(target, "?%s=", parameter);
	daemon_escape(target, value);
}

static int call(struct cli *cli, const char *method, const char *parameter)
{
	struct buf BUF_CLEANUP target = BUF_INIT;

	make_target(&target, cli->operands[1], parameter, cli->operands[2]);
	if (cli_connect(cli) < 0 ||
	    daemon_call(&cli->daemon, method, buf_text(&target), NULL, &cli->err) < 0)
		return cli_fail(cli);
	return EXIT_DONE;
}

static int list(struct cli *cli)
{
	static const char *const titles[] = { "DEVICE", "PATH", "ACCESS", "NODE", "ADDED" };
	struct table table = TABLE_INIT;
	struct buf BUF_CLEANUP target = BUF_INIT;
	json_t *devices JSON_CLEANUP = NULL;
	json_t *device;
	size_t i;

	make_target(&target, cli->operands[1], NULL, NULL);
	if (cli_connect(cli) < 0 || daemon_get(&cli->daemon, buf_text(&target), &devices, &cli->err) < 0)
		return cli_fail(cli);
	for (i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		table_cell(&table, titles[i]);
	table_end_row(&table);
	json_array_foreach (devices, i, device) {
		table_cell(&table, cli_text(device, "PathOnHost"));
		table_cell(&table, cli_text(device, "PathInContainer"));
		table_cell(&table, cli_text(device, "CgroupPermissions"));
		table_cell(&table, *cli_text(device, "Device") ? cli_text(device, "Device") : "absent");
		table_cell(&table, json_is_true(json_object_get(device, "Added")) ? "yes" : "no");
		table_end_row(&table);
	}
	table_print(&table, stdout);
	table_release(&table);
	return EXIT_DONE;
}

int cli_device(struct cli *cli)
{
	const char *what = cli->operands[0];

	if (!strcmp(what, "ls") && cli->operand_count == 2)
		return list(cli);
	if (!strcmp(what, "add") && cli->operand_count == 3)
		return call(cli, "POST", "device");
	if (!strcmp(what, "rm") && cli->operand_count == 3)
		return call(cli, "DELETE", "path");
	err_set(&cli->err, -EINVAL, "device: use add CONTAINER DEVICE, rm CONTAINER PATH, or ls CONTAINER");
	cli_fail(cli);
	return EXIT_USAGE;
}
