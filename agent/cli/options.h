/*
 * options - a command line read by a table, as docker reads it: "-it", "-t5", "-t 5", "--tail=5",
 * "--tail 5", "--" ends the options. The same table makes the help text.
 */
#ifndef AGENT_CLI_OPTIONS_H
#define AGENT_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/err.h"

#define OPTIONS_ENV_MAX 256
#define OPTIONS_FILTERS_MAX 32

/* What the options of all commands can set. Texts are borrowed from argv. */
struct options {
	bool all, quiet, no_trunc, follow, timestamps, interactive, tty, detach, json, wait, help, repair, verbose, no_stdin, sig_proxy, privileged;
	const char *host, *tail, *since, *until, *user, *workdir, *timeout, *config, *detach_keys;
	const char *env[OPTIONS_ENV_MAX + 1]; /* NULL-terminated */
	size_t env_count;
	const char *filters[OPTIONS_FILTERS_MAX + 1]; /* the same */
	size_t filter_count;
};

struct option_spec {
	char letter;	  /* 0: none */
	const char *name; /* without "--" */
	const char *value; /* what the help calls it; NULL: a switch */
	const char *help; /* NULL: another name of the option before */
	size_t offset;	  /* of the member of struct options */
};

#define OPTION(letter, name, member, value, help) \
	{ letter, name, value, help, offsetof(struct options, member) }

/*
 * Reads options from argv[*next] on; the table ends with an entry without a name. The operands are moved
 * together to the front of argv: *next is then how many there are. With `operands_end` the first operand
 * ends the options (exec). -EINVAL with the reason.
 */
int options_parse(struct options *options, const struct option_spec *table, bool operands_end, int argc,
		  char **argv, int *operands, struct err *err);

/* The lines of the table, aligned, for a help text. */
void options_print(const struct option_spec *table, FILE *out);

#endif
