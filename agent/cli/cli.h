/*
 * cli - the client commands: `berth ps` and the like, all over the agent's socket but `check`.
 *
 * A command is an entry of the table in cli.c: name, help, options, how many operands, and a
 * function that gets them parsed. It prints to stdout and returns an exit code; on failure it sets
 * cli->err and returns cli_fail(cli), which prints one line.
 *
 * Exit codes: 0 done, 1 failed, 2 usage; exec passes on the code of the command it ran.
 */
#ifndef AGENT_CLI_CLI_H
#define AGENT_CLI_CLI_H

#include <stdbool.h>

#include "agent/cli/daemon.h"
#include "agent/cli/options.h"
#include "lib/err.h"

#define EXIT_DONE 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2

/* In front of why the default agent.ini can't be read, for the verbs that can do without an agent. */
#define CLI_NO_STORE "no agent answers; name its agent.ini: --config FILE"

struct cli {
	struct options options;
	char **operands; /* NULL-terminated */
	int operand_count;
	struct daemon daemon; /* cli_connect() opens it */
	struct err err;
};

struct cli_command {
	const char *name;
	const char *operands; /* as the usage line has them */
	const char *summary;  /* one line of `berth help` */
	const char *details;  /* the rest of its own help, or NULL; lines end with '\n' */
	const struct option_spec *options; /* NULL: none but --help and -H */
	int operands_min, operands_max;	   /* max -1: any number */
	bool operands_end;		   /* the first operand ends the options */
	int (*run)(struct cli *cli);	   /* NULL: a role of its own (agent, runtime): main() runs it */
};

/* The table; the last entry has no name. */
extern const struct cli_command cli_commands[];

/* Docker's commands that are not berth's, and what there is in their place. */
struct cli_hint {
	const char *commands; /* with blanks between and around them */
	const char *hint;
};

/* The same. */
extern const struct cli_hint cli_docker_hints[];

/* Opens cli->daemon; negative with cli->err set. */
int cli_connect(struct cli *cli);

/* For what there is to say while cli->daemon carries a stream: over a connection of its own. `answer` may be NULL. */
int cli_call_aside(struct cli *cli, const char *method, const char *target, json_t **answer);

/* Prints "berth: ERR" on stderr and returns EXIT_FAILED. */
int cli_fail(const struct cli *cli);

/* For several operands: prints what failed with one and goes on. */
void cli_complain(struct err *err);

/* Members of the agent's answers; "" and 0 when absent or of another type. */
const char *cli_text(const json_t *object, const char *name);
int64_t cli_number(const json_t *object, const char *name);

/* "/containers/" and the escaped name and "/logs". */
void cli_path(struct buf *out, const char *before, const char *name, const char *after);

/* help.c */
void cli_print_help(FILE *out);
void cli_print_command_help(const struct cli_command *command, FILE *out);
const struct cli_command *cli_find_command(const char *name); /* NULL: none */
const char *cli_nearest_command(const char *name); /* NULL: nothing is near */
const char *cli_docker_command(const char *name); /* what to do in place of a command of docker's; NULL: it has none such */
int cli_unknown_command(const char *name); /* prints that; EXIT_USAGE */

/* The commands. */
int cli_attach(struct cli *cli);
int cli_check(struct cli *cli);
int cli_device(struct cli *cli);
int cli_df(struct cli *cli);
int cli_exec(struct cli *cli);
int cli_fsck(struct cli *cli);
int cli_help(struct cli *cli);
int cli_images(struct cli *cli);
int cli_logs(struct cli *cli);
int cli_network(struct cli *cli);
int cli_pause(struct cli *cli);
int cli_port(struct cli *cli);
int cli_ps(struct cli *cli);
int cli_pull(struct cli *cli);
int cli_rollback(struct cli *cli);
int cli_start(struct cli *cli);
int cli_status(struct cli *cli);
int cli_stop(struct cli *cli);
int cli_unpause(struct cli *cli);
int cli_update(struct cli *cli);
int cli_version(struct cli *cli);

#endif
