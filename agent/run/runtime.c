#include "agent/run/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/run/seal.h"
#include "agent/run/state.h"
#include "lib/fd.h"
#include "lib/sys.h"

#define EXIT_USAGE 2

static const struct command {
	const char *name;
	const char *usage;
	int (*run)(struct runtime *runtime, int argc, char **argv);
	bool enters; /* executes in a container: from a sealed image */
} commands[] = {
	{ "create", "[--bundle DIR] [--pid-file FILE] [--console-socket SOCKET] ID", runtime_create,
	  true },
	{ "start", "ID", runtime_start, false },
	{ "run", "[--bundle DIR] [--pid-file FILE] [--console-socket SOCKET] [--detach] ID",
	  runtime_run, true },
	{ "exec",
	  "[--tty] [--user USER[:GROUP]] [--cwd DIR] [--env NAME=VALUE] [--detach] "
	  "[--pid-file FILE] [--console-socket SOCKET] [--console-size RxC] ID COMMAND... | "
	  "--process FILE ID",
	  runtime_exec, true },
	{ "state", "ID", runtime_state, false },
	{ "kill", "[--all] ID [SIGNAL]", runtime_kill, false },
	{ "delete", "[--force] ID", runtime_delete, false },
	{ "pause", "ID", runtime_pause, false },
	{ "resume", "ID", runtime_resume, false },
	{ "spec", "[--bundle DIR]", runtime_spec, false },
	{ "features", "", runtime_features, false },
};

static void print_help(void)
{
	printf("usage: berth runtime [--root DIR] [--log FILE] COMMAND [OPTION...] [ARGUMENT...]\n"
	       "\n"
	       "OCI runtime: containers from bundles. --root holds their states (default "
	       RUNTIME_ROOT ").\n"
	       "\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %s %s\n", commands[i].name, commands[i].usage);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

int runtime_usage(struct runtime *runtime, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&runtime->failure.err, -EINVAL, "%s", text);
	runtime->failure.exit_code = EXIT_USAGE;
	return EXIT_USAGE;
}

int runtime_option(struct runtime *runtime, int argc, char **argv, const char *letters,
		   const struct option *options)
{
	int option;

	opterr = 0;
	option = getopt_long(argc, argv, letters, options, NULL);
	if (option == '?' || option == ':')
		runtime_usage(runtime, "option %s is not known, or lacks its value: see berth "
				       "runtime --help", argv[optind - 1]);
	return option;
}

const char *runtime_id(struct runtime *runtime, int argc, char **argv)
{
	if (argc - optind == 1)
		return argv[optind];
	runtime_usage(runtime, "exactly one container id is needed: see berth runtime --help");
	return NULL;
}

/*
 * Descriptors that the caller leaked must not get into a container (CVE-2024-21626); and 0 to 2
 * must be something, or the next file that is opened would become the container's output.
 */
static int clean_descriptors(void)
{
	sys_close_from(3);
	return sys_fill_standard_fds();
}

static void tell(const struct runtime *runtime, const char *command)
{
	FD_CLEANUP int fd = -1;

	fprintf(stderr, "berth runtime %s: %s\n", command, runtime->failure.err.text);
	if (!runtime->log)
		return;
	fd = open(runtime->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0)
		dprintf(fd, "berth runtime %s: %s\n", command, runtime->failure.err.text);
}

/* Options before the command. 0, or what to exit with, or negative: go on without a command. */
static int read_global(struct runtime *runtime, int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "log", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = runtime_option(runtime, argc, argv, "+h", options)) != -1) {
		switch (option) {
		case 'r':
			runtime->root = optarg;
			break;
		case 'l':
			runtime->log = optarg;
			break;
		case 'h':
			print_help();
			return 1;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

static int run_command(struct runtime *runtime, const struct command *command, int argc,
		       char **argv, char **all)
{
	if (command->enters && seal_self(all, &runtime->failure.err) < 0) {
		failure_of(&runtime->failure);
		return EXIT_RUNTIME;
	}
	optind = 0; /* getopt starts anew */
	return command->run(runtime, argc, argv);
}

int runtime_main(int argc, char **argv)
{
	struct runtime runtime = { .root = RUNTIME_ROOT };
	const struct command *command = NULL;
	const char *name = "";
	int code = EXIT_USAGE, rc;

	if (clean_descriptors() < 0)
		return EXIT_RUNTIME;
	rc = read_global(&runtime, argc, argv);
	if (rc > 0)
		return 0;
	if (!rc && optind < argc) {
		name = argv[optind];
		command = find_command(name);
	}
	if (command)
		/* argv[-1] is the program's name: main() has skipped it. */
		code = run_command(&runtime, command, argc - optind, argv + optind, argv - 1);
	else if (!rc)
		runtime_usage(&runtime, "%s: see berth runtime --help",
			      *name ? "no such command" : "a command is missing");
	if (runtime.failure.err.code)
		tell(&runtime, name);
	return code;
}
