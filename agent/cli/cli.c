#include "agent/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/applets.h"
#include "version.h"

#define OPTIONS_MAX 16

int cli_connect(struct cli *cli)
{
	return daemon_open(&cli->daemon, cli->options.host, &cli->err);
}

int cli_call_aside(struct cli *cli, const char *method, const char *target, json_t **answer)
{
	struct daemon daemon DAEMON_CLEANUP = DAEMON_INIT;
	int rc = daemon_open(&daemon, cli->options.host, &cli->err);

	if (rc == 0)
		rc = daemon_call(&daemon, method, target, NULL, &cli->err);
	if (rc >= 0 && answer)
		rc = daemon_json(&daemon, answer, &cli->err);
	return rc;
}

void cli_complain(struct err *err)
{
	fprintf(stderr, "berth: %s\n", err->text);
	*err = ERR_INIT;
}

int cli_fail(const struct cli *cli)
{
	fprintf(stderr, "berth: %s\n", cli->err.text);
	return EXIT_FAILED;
}

const char *cli_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

int64_t cli_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

void cli_path(struct buf *out, const char *before, const char *name, const char *after)
{
	buf_append_text(out, before);
	daemon_escape(out, name);
	buf_append_text(out, after);
}

static int usage(const char *command, const char *reason)
{
	fprintf(stderr, "berth: %s%s%s (see berth %s --help)\n", command, *command ? ": " : "", reason,
		command);
	return EXIT_USAGE;
}

int cli_unknown_command(const char *name)
{
	const char *nearest = cli_nearest_command(name), *hint = cli_docker_command(name);

	if (hint)
		fprintf(stderr, "berth: unknown command \"%s\": %s\n", name, hint);
	else if (nearest)
		fprintf(stderr, "berth: unknown command \"%s\" (did you mean %s?)\n", name, nearest);
	else
		fprintf(stderr, "berth: unknown command \"%s\" (berth help lists them)\n", name);
	return EXIT_USAGE;
}

/* What every command takes besides its own. */
static size_t add_common(struct option_spec *table, size_t count)
{
	table[count++] = (struct option_spec)OPTION('H', "host", host, "SOCKET", NULL);
	table[count++] = (struct option_spec)OPTION('h', "help", help, NULL, NULL);
	table[count] = (struct option_spec){ 0 };
	return count;
}

static int parse(struct cli *cli, const struct cli_command *command, int argc, char **argv)
{
	struct option_spec table[OPTIONS_MAX];
	size_t count = 0;

	for (const struct option_spec *option = command->options; option && option->name; option++)
		table[count++] = *option;
	add_common(table, count);
	if (options_parse(&cli->options, table, command->operands_end, argc, argv,
			  &cli->operand_count, &cli->err) < 0)
		return -EINVAL;
	cli->operands = argv;
	argv[cli->operand_count] = NULL;
	if (cli->options.help)
		return 0;
	if (cli->operand_count < command->operands_min)
		return err_set(&cli->err, -EINVAL, "usage: berth %s %s", command->name,
			       command->operands);
	if (command->operands_max >= 0 && cli->operand_count > command->operands_max)
		return err_set(&cli->err, -EINVAL, "\"%s\" is one word too many",
			       argv[command->operands_max]);
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	const struct cli_command *command = cli_find_command(argv[0]);
	int code;

	if (!command)
		return cli_unknown_command(argv[0]);
	if (parse(cli, command, argc - 1, argv + 1) < 0)
		return usage(command->name, cli->err.text);
	if (cli->options.help) {
		cli_print_command_help(command, stdout);
		return EXIT_DONE;
	}
	if (!command->run)
		return usage(command->name, "must be the first word");
	code = command->run(cli);
	daemon_close(&cli->daemon);
	return code;
}

/* What stands before the command. Returns the index of the command, or the exit code below 0. */
static int parse_global(struct cli *cli, int argc, char **argv)
{
	struct option_spec table[3];
	int operands;

	if (argc > 1 && !strcmp(argv[1], "--version")) {
		printf("berth %s\n", BERTH_VERSION);
		return -1 - EXIT_DONE;
	}
	add_common(table, 0);
	if (options_parse(&cli->options, table, true, argc - 1, argv + 1, &operands, &cli->err) < 0)
		return -1 - usage("", cli->err.text);
	if (cli->options.help) {
		cli_print_help(stdout);
		return -1 - EXIT_DONE;
	}
	if (!operands) {
		cli_print_help(stderr);
		return -1 - EXIT_USAGE;
	}
	argv[1 + operands] = NULL;
	return operands;
}

/* Output that could not be written (a full disk behind >) must not look like success. */
static int flush_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno != EPIPE)
		fprintf(stderr, "berth: write the output: %s\n", strerror(errno));
	return code ? code : EXIT_FAILED;
}

int cli_main(int argc, char **argv)
{
	static struct cli cli; /* set below: with an initialiser, 20 kB of zeros would be in the program */
	int operands;

	cli.daemon.fd = -1;
	cli.options.sig_proxy = true;
	signal(SIGPIPE, SIG_IGN);
	operands = parse_global(&cli, argc, argv);
	if (operands < 0)
		return flush_output(-1 - operands);
	return flush_output(run(&cli, operands, argv + 1));
}
