#include <string.h>

#include "agent/cli/cli.h"

static const struct option_spec main_options[] = {
	OPTION('H', "host", host, "SOCKET", "The agent's socket (default: BERTH_HOST, DOCKER_HOST,\n"
					    "                     " DAEMON_HOST_DEFAULT ")"),
	OPTION('h', "help", help, NULL, "Show this"),
	{ 0, "version", NULL, "Show the version", 0 }, /* cli_main() looks for it itself */
	{ 0, NULL, NULL, NULL, 0 },
};

const struct cli_command *cli_find_command(const char *name)
{
	for (const struct cli_command *command = cli_commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

#define NEAR_MAX 24 /* longer words are near to no command */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many letters have to be changed, added, left out or swapped with their neighbour to get from
 * one word to the other ("optimal string alignment").
 */
static size_t distance(const char *from, const char *to)
{
	size_t rows[3][NEAR_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];
	size_t size = strlen(to);

	for (size_t i = 0; i <= size; i++)
		row[i] = i;
	for (size_t line = 1; from[line - 1]; line++) {
		size_t *oldest = before;

		before = above;
		above = row;
		row = oldest;
		row[0] = line;
		for (size_t i = 1; i <= size; i++) {
			row[i] = above[i - 1] + (from[line - 1] != to[i - 1]);
			row[i] = least(row[i], least(above[i], row[i - 1]) + 1);
			if (i > 1 && line > 1 && from[line - 1] == to[i - 2] &&
			    from[line - 2] == to[i - 1])
				row[i] = least(row[i], before[i - 2] + 1);
		}
	}
	return row[size];
}

const char *cli_nearest_command(const char *name)
{
	const char *nearest = NULL;
	size_t best = 3;

	if (strlen(name) > NEAR_MAX)
		return NULL;
	for (const struct cli_command *command = cli_commands; command->name; command++) {
		size_t away = distance(name, command->name);

		/* A word of two letters is two changes away from every other one. */
		if (away < best && away < strlen(command->name)) {
			best = away;
			nearest = command->name;
		}
	}
	return nearest;
}

const char *cli_docker_command(const char *name)
{
	size_t size = strlen(name);

	if (!size || strchr(name, ' '))
		return NULL;
	for (const struct cli_hint *entry = cli_docker_hints; entry->commands; entry++)
		/* From behind the first blank on, so that there is one before each. */
		for (const char *at = entry->commands + 1; (at = strstr(at, name)); at++)
			if (at[-1] == ' ' && at[size] == ' ')
				return entry->hint;
	return NULL;
}

void cli_print_help(FILE *out)
{
	fputs("Usage: berth [-H SOCKET] COMMAND ...\n\n"
	      "Keeps the apps of a device up to date from a container registry.\n\nCommands:\n",
	      out);
	for (const struct cli_command *command = cli_commands; command->name; command++)
		fprintf(out, "  %-10s %s\n", command->name, command->summary);
	fputs("\nOptions:\n", out);
	options_print(main_options, out);
	fputs("\nberth help COMMAND tells more about one.\n",
	      out);
}

void cli_print_command_help(const struct cli_command *command, FILE *out)
{
	fprintf(out, "Usage: berth %s%s%s%s\n\n%s\n", command->name,
		command->options ? " [OPTIONS]" : "", *command->operands ? " " : "",
		command->operands, command->summary);
	if (command->details)
		fprintf(out, "\n%s", command->details);
	if (command->options) {
		fputs("\nOptions:\n", out);
		options_print(command->options, out);
	}
}

int cli_help(struct cli *cli)
{
	const struct cli_command *command;

	if (!cli->operand_count) {
		cli_print_help(stdout);
		return EXIT_DONE;
	}
	command = cli_find_command(cli->operands[0]);
	if (!command)
		return cli_unknown_command(cli->operands[0]);
	cli_print_command_help(command, stdout);
	return EXIT_DONE;
}
