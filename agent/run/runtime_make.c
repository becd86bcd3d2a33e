/* The commands that make processes: create, start, run, exec. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/run/create.h"
#include "agent/run/delete.h"
#include "agent/run/exec.h"
#include "agent/run/hooks.h"
#include "agent/run/relay.h"
#include "agent/run/runtime.h"
#include "agent/run/start.h"
#include "agent/run/state.h"
#include "config/units.h"
#include "lib/capname.h"
#include "lib/err.h"
#include "lib/fd.h"

static int fail(struct runtime *runtime)
{
	failure_of(&runtime->failure);
	return runtime->failure.exit_code;
}

struct run_options {
	bool detach;
	bool keep; /* the container's state, when it has ended */
};

/* `run` is NULL for create, which has fewer options. */
static int take_create_option(struct runtime *runtime, struct create *create,
			      struct run_options *run, int option)
{
	switch (option) {
	case 'b':
		create->bundle = optarg;
		return 0;
	case 'p':
		create->pid_file = optarg;
		return 0;
	case 'c':
		create->console_socket = optarg;
		return 0;
	case 'f':
		return runtime_preserve(runtime, optarg, &create->preserve_fds);
	case 'N':
		create->no_pivot = true;
		return 0;
	case 'K':
		create->no_new_keyring = true;
		return 0;
	}
	if (run && option == 'd')
		run->detach = true;
	else if (run && option == 'k')
		run->keep = true;
	else if (run && option == 'S')
		; /* the runtime is no subreaper */
	else
		return runtime_usage(runtime, "wrong option: see berth runtime --help");
	return 0;
}

static int read_create_options(struct runtime *runtime, int argc, char **argv,
			       struct create *create, struct run_options *run)
{
	static const struct option options[] = {
		{ "bundle", required_argument, NULL, 'b' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "console-socket", required_argument, NULL, 'c' },
		{ "preserve-fds", required_argument, NULL, 'f' },
		{ "no-pivot", no_argument, NULL, 'N' },
		{ "no-new-keyring", no_argument, NULL, 'K' },
		{ "detach", no_argument, NULL, 'd' },
		{ "keep", no_argument, NULL, 'k' },
		{ "no-subreaper", no_argument, NULL, 'S' },
		{ 0 },
	};
	const char *letters = run ? "b:d" : "b:";
	int option;

	*create = (struct create){ .root = runtime->root, .bundle = "." };
	while ((option = runtime_option(runtime, argc, argv, letters, options)) != -1)
		if (option == '?' || take_create_option(runtime, create, run, option))
			return runtime->failure.exit_code;
	create->id = runtime_id(runtime, argc, argv);
	if (!create->id || runtime_listen(runtime, create->preserve_fds, &create->listen_fds))
		return runtime->failure.exit_code;
	return 0;
}

int runtime_create(struct runtime *runtime, int argc, char **argv)
{
	struct created created;
	struct create create;
	int code = read_create_options(runtime, argc, argv, &create, NULL);

	if (code)
		return code;
	if (create_container(&create, &created, &runtime->failure) < 0)
		code = fail(runtime);
	created_release(&created);
	return code;
}

static int start(struct runtime *runtime, const char *id)
{
	struct failure *failure = &runtime->failure;
	enum state_status status;
	struct state state;
	int rc = state_open(&state, runtime->root, id, &failure->err);

	if (!rc) {
		status = state_find_status(&state);
		if (status != STATE_CREATED)
			rc = err_set(&failure->err, -EINVAL, "container %s is %s, not created", id,
				     state_status_name(status));
	}
	if (!rc)
		rc = start_request(&state, failure);
	if (!rc)
		hooks_run_saved(&state, HOOK_POSTSTART);
	state_release(&state);
	return rc < 0 ? fail(runtime) : 0;
}

int runtime_start(struct runtime *runtime, int argc, char **argv)
{
	static const struct option none[] = { { 0 } };
	const char *id;

	if (runtime_option(runtime, argc, argv, "", none) != -1)
		return runtime->failure.exit_code;
	id = runtime_id(runtime, argc, argv);
	return id ? start(runtime, id) : runtime->failure.exit_code;
}

/* Stays with it unless detached, and takes it away behind it. */
static int attend(struct runtime *runtime, const struct create *create, struct created *created,
		  const struct run_options *options)
{
	struct err *err = &runtime->failure.err;
	int code;

	hooks_run_saved(&created->state, HOOK_POSTSTART);
	if (options->detach)
		return 0;
	code = relay_run(created->pid, fd_steal(&created->console), err);
	if (code < 0)
		code = fail(runtime);
	if (options->keep)
		return code;
	if (delete_opened(&created->state, &created->cgroup, create->root, code ? NULL : err) < 0 &&
	    !code)
		code = fail(runtime);
	return code;
}

int runtime_run(struct runtime *runtime, int argc, char **argv)
{
	struct created created;
	struct create create;
	struct run_options options = { 0 };
	int code = read_create_options(runtime, argc, argv, &create, &options);

	if (code)
		return code;
	create.start = true;
	create.keep_console = !options.detach && !create.console_socket;
	if (!options.detach)
		relay_prepare();
	if (create_container(&create, &created, &runtime->failure) < 0)
		code = fail(runtime);
	else
		code = attend(runtime, &create, &created, &options);
	created_release(&created);
	return code;
}

struct exec_options {
	struct exec exec;
	char *env[256];
	size_t env_count;
};

static int add_group(struct runtime *runtime, struct exec *exec, const char *value)
{
	struct err err = ERR_INIT;
	int64_t gid;

	if (exec->group_count == EXEC_GROUPS_MAX ||
	    number_parse(value, 0, UINT32_MAX - 1, &gid, &err) < 0)
		return runtime_usage(runtime, "--additional-gids %s: %s", value,
				     err.code ? err.text : "too many");
	exec->groups[exec->group_count++] = (gid_t)gid;
	return 0;
}

static int add_capability(struct runtime *runtime, struct exec *exec, const char *value)
{
	int number = cap_parse(value);

	if (!strcmp(value, "ALL")) {
		exec->capabilities = UINT64_MAX;
		return 0;
	}
	if (number < 0)
		return runtime_usage(runtime, "--cap %s: no such capability", value);
	exec->capabilities |= UINT64_C(1) << number;
	return 0;
}

static bool take_size(struct exec *exec, const char *text)
{
	char *end;

	exec->rows = (unsigned short)strtoul(text, &end, 10);
	if (end == text || *end != 'x')
		return false;
	text = end + 1;
	exec->columns = (unsigned short)strtoul(text, &end, 10);
	return end > text && !*end;
}

static int take_exec_option(struct runtime *runtime, struct exec_options *options, int option)
{
	struct exec *exec = &options->exec;

	switch (option) {
	case 'p':
		exec->process_file = optarg;
		return 0;
	case 'u':
		exec->user = optarg;
		return 0;
	case 'w':
		exec->cwd = optarg;
		return 0;
	case 'e':
		if (options->env_count + 1 == sizeof(options->env) / sizeof(*options->env))
			return runtime_usage(runtime, "too many --env");
		options->env[options->env_count++] = optarg;
		return 0;
	case 'g':
		return add_group(runtime, exec, optarg);
	case 'c':
		return add_capability(runtime, exec, optarg);
	case 'n':
		exec->no_new_privileges = true;
		return 0;
	case 'A':
		exec->apparmor_profile = optarg;
		return 0;
	case 'L':
		exec->selinux_label = optarg;
		return 0;
	case 'G':
		exec->cgroup = optarg;
		return 0;
	case 'i':
		exec->ignore_paused = true;
		return 0;
	case 'f':
		return runtime_preserve(runtime, optarg, &exec->preserve_fds);
	case 't':
		exec->terminal = true;
		return 0;
	case 'd':
		exec->detach = true;
		return 0;
	case 'P':
		exec->pid_file = optarg;
		return 0;
	case 'C':
		exec->console_socket = optarg;
		return 0;
	case 'S':
		if (!take_size(exec, optarg))
			return runtime_usage(runtime, "--console-size is ROWSxCOLUMNS");
		return 0;
	}
	return runtime->failure.exit_code;
}

int runtime_exec(struct runtime *runtime, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "process", required_argument, NULL, 'p' },
		{ "user", required_argument, NULL, 'u' },
		{ "cwd", required_argument, NULL, 'w' },
		{ "env", required_argument, NULL, 'e' },
		{ "additional-gids", required_argument, NULL, 'g' },
		{ "cap", required_argument, NULL, 'c' },
		{ "no-new-privs", no_argument, NULL, 'n' },
		{ "apparmor", required_argument, NULL, 'A' },
		{ "process-label", required_argument, NULL, 'L' },
		{ "cgroup", required_argument, NULL, 'G' },
		{ "ignore-paused", no_argument, NULL, 'i' },
		{ "preserve-fds", required_argument, NULL, 'f' },
		{ "tty", no_argument, NULL, 't' },
		{ "detach", no_argument, NULL, 'd' },
		{ "pid-file", required_argument, NULL, 'P' },
		{ "console-socket", required_argument, NULL, 'C' },
		{ "console-size", required_argument, NULL, 'S' },
		{ 0 },
	};
	struct exec_options options = { .exec.root = runtime->root };
	int option, code;

	while ((option = runtime_option(runtime, argc, argv, "+p:u:g:e:c:td", long_options)) != -1)
		if (take_exec_option(runtime, &options, option))
			return runtime->failure.exit_code;
	if (optind == argc)
		return runtime_usage(runtime, "a container id is needed");
	options.exec.id = argv[optind];
	options.exec.args = argv + optind + 1;
	options.exec.env = options.env;
	if (!options.exec.process_file && !options.exec.args[0])
		return runtime_usage(runtime, "a command to execute is needed");
	code = exec_in_container(&options.exec, &runtime->failure);
	return code < 0 ? fail(runtime) : code;
}
