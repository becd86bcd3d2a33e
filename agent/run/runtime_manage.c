/* The commands about containers that are there: state, kill, delete. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "agent/run/cgroup.h"
#include "agent/run/delete.h"
#include "agent/run/runtime.h"
#include "agent/run/state.h"
#include "lib/fd.h"
#include "lib/signame.h"
#include "lib/sys.h"

#define EXIT_FAILED 1

static const struct option no_options[] = { { 0 } };

int runtime_state(struct runtime *runtime, int argc, char **argv)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct state state;
	const char *id;
	int rc;

	if (runtime_option(runtime, argc, argv, "", no_options) != -1)
		return runtime->failure.exit_code;
	id = runtime_id(runtime, argc, argv);
	if (!id)
		return runtime->failure.exit_code;
	rc = state_open(&state, runtime->root, id, &runtime->failure.err);
	if (!rc)
		state_format(&state, &text);
	state_release(&state);
	fputs(buf_text(&text), stdout);
	return rc < 0 ? EXIT_FAILED : 0;
}

static int signal_init(const struct state *state, int signal, struct err *err)
{
	FD_CLEANUP int pidfd = state_pidfd(state, err);

	if (pidfd < 0 && pidfd != -ENOSYS)
		return pidfd;
	if (pidfd >= 0 ? sys_pidfd_send_signal(pidfd, signal) : kill(state->pid, signal))
		return err_sys(err, "signal process %d of container %s", (int)state->pid,
			       state->id);
	return 0;
}

static int signal_all(const struct state *state, int signal, struct err *err)
{
	struct cgroup cgroup;
	int rc = state_cgroup(state, &cgroup, err);

	return rc ?: cgroup_signal(&cgroup, signal, err);
}

/* On v1 what is frozen does not even die: as runc has it, SIGKILL thaws. */
static int signal_container(const struct state *state, int signal, bool all, struct err *err)
{
	int rc = all ? signal_all(state, signal, err) : signal_init(state, signal, err);
	struct cgroup cgroup;

	if (!rc && signal == SIGKILL && state_cgroup(state, &cgroup, NULL) == 0 && cgroup.mode == CGROUP_V1)
		cgroup_thaw(&cgroup);
	return rc;
}

int runtime_kill(struct runtime *runtime, int argc, char **argv)
{
	static const struct option options[] = { { "all", no_argument, NULL, 'a' }, { 0 } };
	struct err *err = &runtime->failure.err;
	int option, number, rc;
	struct state state;
	bool all = false;

	while ((option = runtime_option(runtime, argc, argv, "a", options)) != -1) {
		if (option != 'a')
			return runtime->failure.exit_code;
		all = true;
	}
	if (argc - optind < 1 || argc - optind > 2)
		return runtime_usage(runtime, "a container id and perhaps a signal are needed");
	number = argc - optind == 2 ? signal_parse(argv[optind + 1]) : SIGTERM;
	if (number < 0)
		return runtime_usage(runtime, "%s is not a signal", argv[optind + 1]);
	rc = state_open(&state, runtime->root, argv[optind], err);
	if (!rc)
		rc = signal_container(&state, number, all, err);
	state_release(&state);
	return rc < 0 ? EXIT_FAILED : 0;
}

int runtime_delete(struct runtime *runtime, int argc, char **argv)
{
	static const struct option options[] = { { "force", no_argument, NULL, 'f' }, { 0 } };
	bool force = false;
	const char *id;
	int option;

	while ((option = runtime_option(runtime, argc, argv, "f", options)) != -1) {
		if (option != 'f')
			return runtime->failure.exit_code;
		force = true;
	}
	id = runtime_id(runtime, argc, argv);
	if (!id)
		return runtime->failure.exit_code;
	return delete_container(runtime->root, id, force, &runtime->failure.err) < 0 ? EXIT_FAILED :
										       0;
}
