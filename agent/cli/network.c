/* network and port. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/table.h"
#include "lib/fd.h"
#include "lib/json.h"

#define ID_SHORT 12

static int list_networks(struct cli *cli)
{
	json_t *list JSON_CLEANUP = NULL, *network;
	struct table table = TABLE_INIT;
	size_t i;

	if (cli_connect(cli) < 0 || daemon_get(&cli->daemon, "/networks", &list, &cli->err) < 0)
		return cli_fail(cli);
	table_cell(&table, "NETWORK ID");
	table_cell(&table, "NAME");
	table_cell(&table, "DRIVER");
	table_cell(&table, "SCOPE");
	table_end_row(&table);
	json_array_foreach(list, i, network) {
		table_cell_format(&table, "%.*s", ID_SHORT, cli_text(network, "Id"));
		table_cell(&table, cli_text(network, "Name"));
		table_cell(&table, cli_text(network, "Driver"));
		table_cell(&table, cli_text(network, "Scope"));
		table_end_row(&table);
	}
	table_print(&table, stdout);
	table_release(&table);
	return EXIT_DONE;
}

/* An array of those that are there, as docker prints it; complains about the others. */
static int inspect_networks(struct cli *cli)
{
	json_t *list JSON_CLEANUP = json_array();
	int code = EXIT_DONE;

	for (char **name = cli->operands + 1; *name; name++) {
		struct buf BUF_CLEANUP target = BUF_INIT;
		json_t *network = NULL;

		if (cli_connect(cli) < 0)
			return cli_fail(cli);
		cli_path(&target, "/networks/", *name, "");
		if (daemon_get(&cli->daemon, target.data, &network, &cli->err) == 0) {
			json_array_append_new(list, network);
		} else {
			cli_complain(&cli->err);
			code = EXIT_FAILED;
		}
		daemon_close(&cli->daemon);
	}
	json_dumpf(list, stdout, JSON_INDENT(4));
	printf("\n");
	return code;
}

int cli_network(struct cli *cli)
{
	const char *verb = cli->operands[0];

	if ((!strcmp(verb, "ls") || !strcmp(verb, "list")) && !cli->operands[1])
		return list_networks(cli);
	if (!strcmp(verb, "inspect") && cli->operands[1])
		return inspect_networks(cli);
	fputs("berth: network: use `berth network ls` or `berth network inspect NETWORK...`; networks are made by sections "
	      "of agent.ini\n", stderr);
	return EXIT_USAGE;
}

/* "8080" and "80/tcp", as docker prints it. */
static void print_binding(const char *port, const json_t *binding, bool with_port)
{
	const char *ip = cli_text(binding, "HostIp");

	if (with_port)
		printf("%s -> ", port);
	printf(strchr(ip, ':') ? "[%s]:%s\n" : "%s:%s\n", ip, cli_text(binding, "HostPort"));
}

static int print_bindings(json_t *ports, const char *wanted)
{
	const char *port;
	json_t *bindings, *binding;
	int count = 0;
	size_t i;

	json_object_foreach(ports, port, bindings)
		json_array_foreach(bindings, i, binding) {
			if (wanted && strcmp(wanted, port))
				continue;
			print_binding(port, binding, !wanted);
			count++;
		}
	return count;
}

int cli_port(struct cli *cli)
{
	const char *name = cli->operands[0], *wanted = cli->operands[1];
	char *with_protocol FREE_CLEANUP = wanted && !strchr(wanted, '/') ? xasprintf("%s/tcp", wanted) : NULL;
	struct buf BUF_CLEANUP target = BUF_INIT;
	json_t *container JSON_CLEANUP = NULL;
	json_t *ports;

	cli_path(&target, "/containers/", name, "/json");
	if (cli_connect(cli) < 0 || daemon_get(&cli->daemon, target.data, &container, &cli->err) < 0)
		return cli_fail(cli);
	ports = json_object_get(json_object_get(container, "NetworkSettings"), "Ports");
	if (print_bindings(ports, with_protocol ? with_protocol : wanted) || !wanted)
		return EXIT_DONE;
	err_set(&cli->err, -1, "no public port '%s' published for %s", with_protocol ? with_protocol : wanted, name);
	return cli_fail(cli);
}
