#include "agent/run/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/run/seal.h"
#include "agent/run/state.h"
#include "config/units.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/sys.h"
#include "lib/time.h"
#include "version.h"

#define EXIT_USAGE 2
#define PRESERVED_MAX 256

static const struct command {
	const char *name;
	const char *usage;
	int (*run)(struct runtime *runtime, int argc, char **argv);
	bool enters; /* executes in a container: from a sealed image */
} commands[] = {
	{ "create",
	  "[--bundle DIR] [--pid-file FILE] [--console-socket SOCKET] [--preserve-fds N] "
	  "[--no-pivot] [--no-new-keyring] ID",
	  runtime_create, true },
	{ "start", "ID", runtime_start, false },
	{ "run", "as create, and [--detach] [--keep] ID", runtime_run, true },
	{ "exec",
	  "[--tty] [--user USER[:GROUP]] [--additional-gids GID] [--cwd DIR] "
	  "[--env NAME=VALUE] [--cap CAP] [--no-new-privs] [--apparmor PROFILE] "
	  "[--process-label LABEL] [--cgroup SUB] [--detach] "
	  "[--ignore-paused] [--pid-file FILE] [--console-socket SOCKET] [--console-size RxC] "
	  "[--preserve-fds N] ID COMMAND... | --process FILE ID",
	  runtime_exec, true },
	{ "list", "[--format table|json] [--quiet]", runtime_list, false },
	{ "state", "ID", runtime_state, false },
	{ "kill", "[--all] ID [SIGNAL]", runtime_kill, false },
	{ "delete", "[--force] ID", runtime_delete, false },
	{ "pause", "ID", runtime_pause, false },
	{ "resume", "ID", runtime_resume, false },
	{ "update",
	  "[--resources FILE|-] [--memory SIZE] [--memory-reservation SIZE] "
	  "[--memory-swap SIZE] [--cpu-quota US] [--cpu-period US] [--cpu-burst US] "
	  "[--cpu-share N] [--cpu-idle 0|1] [--cpu-rt-runtime US] [--cpu-rt-period US] "
	  "[--cpuset-cpus LIST] [--cpuset-mems LIST] [--pids-limit N] [--blkio-weight N] ID",
	  runtime_update, false },
	{ "ps", "[--format table|json] ID", runtime_ps, false },
	{ "events", "[--stats] [--interval SECONDS] ID", runtime_events, false },
	{ "device",
	  "[--node TYPE:MAJOR:MINOR:MODE:UID:GID] [--source PATH] [--rules RULES] ID PATH",
	  runtime_device, false },
	{ "spec", "[--bundle DIR]", runtime_spec, false },
	{ "features", "", runtime_features, false },
};

/* In lines of 80 columns; what is in brackets stays together. */
static void print_usage(const char *before, const struct command *command)
{
	int column = printf("%s%s", before, command->name), indent = (int)strlen(before) + 4;

	for (const char *word = command->usage; *word;) {
		size_t length = *word == '[' ? strcspn(word, "]") : 0;
		bool is_first = word == command->usage;

		length += strcspn(word + length, " ");
		if (!is_first && column + 1 + (int)length > 80)
			column = printf("\n%*s", indent - 1, "") - 1;
		column += printf(" %.*s", (int)length, word);
		word += length + strspn(word + length, " ");
	}
	putchar('\n');
}

static void print_help(void)
{
	printf("usage: berth runtime [--root DIR] [--log FILE] [--log-format text|json]\n"
	       "                     COMMAND [OPTION...] [ARGUMENT...]\n"
	       "\n"
	       "OCI runtime: containers from bundles. --root holds their states\n"
	       "(default " RUNTIME_ROOT "). berth(1) tells what the options do.\n"
	       "\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		print_usage("  ", &commands[i]);
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

/* Those of whoever started us stay with it: podman says 1, systemd who we are. */
static int count_sockets(void)
{
	const char *text = getenv("LISTEN_FDS"), *whose = getenv("LISTEN_PID");
	int count = text && whose && (atoi(whose) == 1 || atoi(whose) == getpid()) ? atoi(text) : 0;

	return count > 0 && count <= PRESERVED_MAX ? count : 0;
}

/* Before any option is read: how many descriptors LISTEN_FDS and --preserve-fds may ask for, wherever it is. */
static int count_preserved(char **argv)
{
	static const char option[] = "--preserve-fds";
	int count = 0;

	for (; *argv; argv++) {
		const char *value = strncmp(*argv, option, sizeof(option) - 1) ?
					    NULL : *argv + sizeof(option) - 1;
		int found = !value ? 0 : *value == '=' ? atoi(value + 1) :
			    !*value && argv[1] ? atoi(argv[1]) : 0;

		if (found > count && found <= PRESERVED_MAX)
			count = found;
	}
	return count + count_sockets();
}

/*
 * Descriptors that the caller leaked must not get into a container (CVE-2024-21626); and 0 to 2
 * must be something, or the next file that is opened would become the container's output. Those
 * to preserve survive until here from the execution before, and go on only by process_execute().
 */
static int clean_descriptors(int preserved)
{
	sys_close_from(3 + preserved);
	return sys_fill_standard_fds();
}

static void shut_preserved(int preserved)
{
	for (int fd = 3; fd < 3 + preserved; fd++)
		fd_set_cloexec(fd, true);
}

static int check_open(struct runtime *runtime, int count, const char *option, const char *value)
{
	for (int fd = 3; fd < 3 + count; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return runtime_usage(runtime, "%s%s: descriptor %d is not open", option, value, fd);
	return 0;
}

int runtime_preserve(struct runtime *runtime, const char *value, int *count)
{
	int64_t number = 0;
	struct err err = ERR_INIT;

	if (number_parse(value, 0, PRESERVED_MAX, &number, &err) < 0)
		return runtime_usage(runtime, "--preserve-fds %s: %s", value, err.text);
	*count = (int)number;
	return check_open(runtime, *count, "--preserve-fds ", value);
}

int runtime_listen(struct runtime *runtime, int preserved, int *count)
{
	*count = count_sockets();
	return *count ? check_open(runtime, *count + preserved, "LISTEN_FDS=", getenv("LISTEN_FDS")) : 0;
}

static void append_json(struct buf *line, const char *text)
{
	JSON_CLEANUP json_t *json = NULL;
	char now[TIME_TEXT_MAX];

	time_format(now, time_now_ns());
	json = json_pack("{s:s, s:s, s:s}", "level", "error", "msg", text, "time", now);
	if (!json)
		json = json_pack("{s:s, s:s}", "level", "error", "msg", "(not UTF-8)");
	json_append(line, json);
}

static void tell(const struct runtime *runtime, const char *command)
{
	const char *blank = *command ? " " : "";
	BUF_CLEANUP struct buf line = BUF_INIT;
	FD_CLEANUP int fd = -1;

	fprintf(stderr, "berth runtime%s%s: %s\n", blank, command, runtime->failure.err.text);
	if (!runtime->log)
		return;
	if (runtime->log_json)
		append_json(&line, runtime->failure.err.text);
	else
		buf_append_format(&line, "berth runtime%s%s: %s", blank, command,
				  runtime->failure.err.text);
	buf_append_text(&line, "\n");
	fd = open(runtime->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0)
		fd_write_full(fd, line.data, line.size);
}

int runtime_format(struct runtime *runtime, const char *value, bool *json)
{
	*json = !strcmp(value, "json");
	if (*json || !strcmp(value, "table"))
		return 0;
	return runtime_usage(runtime, "--format %s: use table or json", value);
}

static int take_log_format(struct runtime *runtime, const char *value)
{
	runtime->log_json = !strcmp(value, "json");
	if (runtime->log_json || !strcmp(value, "text"))
		return 0;
	runtime_usage(runtime, "--log-format %s: use text or json", value);
	return -EINVAL;
}

/* This runtime is for root; with a user namespace in config.json it is no less so. */
static int take_rootless(struct runtime *runtime, const char *value)
{
	if (!strcmp(value, "auto") || !strcmp(value, "false"))
		return 0;
	runtime_usage(runtime, "--rootless %s: berth runs as root; use auto or false", value);
	return -EINVAL;
}

/* Options before the command. 0, or what to exit with, or negative: go on without a command. */
static int read_global(struct runtime *runtime, int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "log", required_argument, NULL, 'l' },
		{ "log-format", required_argument, NULL, 'f' },
		{ "debug", no_argument, NULL, 'd' },
		{ "rootless", required_argument, NULL, 'R' },
		{ "systemd-cgroup", no_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = runtime_option(runtime, argc, argv, "+hv", options)) != -1) {
		switch (option) {
		case 'r':
			runtime->root = optarg;
			break;
		case 'l':
			runtime->log = optarg;
			break;
		case 'f':
			if (take_log_format(runtime, optarg) < 0)
				return -EINVAL;
			break;
		case 'd': /* everything that is to tell is told */
			break;
		case 'R':
			if (take_rootless(runtime, optarg) < 0)
				return -EINVAL;
			break;
		case 's':
			runtime_usage(runtime, "--systemd-cgroup: berth makes its cgroups itself; "
					       "configure the engine for cgroupfs");
			return -EINVAL;
		case 'v':
			printf("berth runtime version " BERTH_VERSION "\nspec: 1.1.0\n");
			return 1;
		case 'h':
			print_help();
			return 1;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

/* As its first option only: behind an id it is one of the program that exec executes. */
static bool asks_for_help(int argc, char **argv)
{
	return argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
}

static int run_command(struct runtime *runtime, const struct command *command, int argc,
		       char **argv, char **all)
{
	if (asks_for_help(argc, argv)) {
		print_usage("usage: berth runtime ", command);
		return 0;
	}
	if (command->enters && seal_self(all, &runtime->failure.err) < 0) {
		failure_of(&runtime->failure);
		return EXIT_RUNTIME;
	}
	shut_preserved(count_preserved(argv));
	optind = 0; /* getopt starts anew */
	return command->run(runtime, argc, argv);
}

int runtime_main(int argc, char **argv)
{
	struct runtime runtime = { .root = RUNTIME_ROOT };
	const struct command *command = NULL;
	const char *name = "";
	int code = EXIT_USAGE, rc;

	if (clean_descriptors(count_preserved(argv)) < 0)
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
