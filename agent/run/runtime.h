/*
 * runtime - the command line `berth runtime`: options and exit codes as runc has them, where they
 * are there.
 *
 *	berth runtime [--root DIR] [--log FILE] [--log-format text|json] COMMAND [OPTION...] ...
 *
 * Each command is a function of one row of the table in runtime.c. It gets its own arguments
 * (argv[0] is its name), returns the exit code, and on failure leaves the reason in `failure`;
 * runtime_main() prints it, one line on stderr, and into --log.
 */
#ifndef AGENT_RUN_RUNTIME_H
#define AGENT_RUN_RUNTIME_H

#include <getopt.h>
#include <stdbool.h>

#include "agent/run/report.h"

struct runtime {
	const char *root;
	const char *log; /* NULL: none */
	bool log_json;	 /* {"level":"error","msg":...,"time":...} a line, as engines read it */
	struct failure failure;
};

int runtime_main(int argc, char **argv);

/* runtime_make.c: those that make processes */
int runtime_create(struct runtime *runtime, int argc, char **argv);
int runtime_run(struct runtime *runtime, int argc, char **argv);
int runtime_start(struct runtime *runtime, int argc, char **argv);
int runtime_exec(struct runtime *runtime, int argc, char **argv);

/* runtime_manage.c */
int runtime_state(struct runtime *runtime, int argc, char **argv);
int runtime_kill(struct runtime *runtime, int argc, char **argv);
int runtime_delete(struct runtime *runtime, int argc, char **argv);

/* runtime_pause.c */
int runtime_pause(struct runtime *runtime, int argc, char **argv);
int runtime_resume(struct runtime *runtime, int argc, char **argv);

/* runtime_update.c, runtime_list.c, runtime_ps.c, runtime_events.c */
int runtime_update(struct runtime *runtime, int argc, char **argv);
int runtime_list(struct runtime *runtime, int argc, char **argv);
int runtime_ps(struct runtime *runtime, int argc, char **argv);
int runtime_events(struct runtime *runtime, int argc, char **argv);

/* runtime_device.c */
int runtime_device(struct runtime *runtime, int argc, char **argv);

/* runtime_describe.c */
int runtime_spec(struct runtime *runtime, int argc, char **argv);
int runtime_features(struct runtime *runtime, int argc, char **argv);

/*
 * getopt_long() for one command: the next option's value, -1 at the end, '?' after a wrong one
 * (the reason is set). Call runtime_no_options() for commands without any.
 */
int runtime_option(struct runtime *runtime, int argc, char **argv, const char *letters,
		   const struct option *options);

/* The one argument that is the container's id; NULL with the reason when there are less or more. */
const char *runtime_id(struct runtime *runtime, int argc, char **argv);

/* The value of --format, "table" or "json", into *json; or the exit code. */
int runtime_format(struct runtime *runtime, const char *value, bool *json);

/*
 * The value of --preserve-fds: so many descriptors from 3 on go on to the application. All of them
 * must be open, or what the runtime itself opens next would be one of them.
 */
int runtime_preserve(struct runtime *runtime, const char *value, int *count);
/* The same for sockets that LISTEN_FDS tells of (sd_listen_fds(3)); those to preserve are behind them. */
int runtime_listen(struct runtime *runtime, int preserved, int *count);

/* Wrong usage: sets the reason, returns the exit code. */
int runtime_usage(struct runtime *runtime, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
