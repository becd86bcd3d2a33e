/* The commands that freeze a container and let it go on: pause, resume. */
#include <errno.h>

#include "agent/run/cgroup.h"
#include "agent/run/runtime.h"
#include "agent/run/state.h"

#define EXIT_FAILED 1

static int freeze(const struct state *state, bool frozen, struct err *err)
{
	enum state_status status = state_find_status(state);
	struct cgroup cgroup;
	int rc;

	if (frozen && status != STATE_RUNNING && status != STATE_CREATED)
		return err_set(err, -ESRCH, "container %s is %s, not running", state->id,
			       state_status_name(status));
	if (!frozen && status != STATE_PAUSED)
		return err_set(err, -ESRCH, "container %s is %s, not paused", state->id,
			       state_status_name(status));
	rc = state_cgroup(state, &cgroup, err);
	return rc ?: cgroup_freeze(&cgroup, frozen, err);
}

static int set_frozen(struct runtime *runtime, int argc, char **argv, bool frozen)
{
	static const struct option none[] = { { 0 } };
	struct err *err = &runtime->failure.err;
	struct state state;
	const char *id;
	int rc;

	if (runtime_option(runtime, argc, argv, "", none) != -1)
		return runtime->failure.exit_code;
	id = runtime_id(runtime, argc, argv);
	if (!id)
		return runtime->failure.exit_code;
	rc = state_open(&state, runtime->root, id, err);
	if (!rc)
		rc = freeze(&state, frozen, err);
	state_release(&state);
	return rc < 0 ? EXIT_FAILED : 0;
}

int runtime_pause(struct runtime *runtime, int argc, char **argv)
{
	return set_frozen(runtime, argc, argv, true);
}

int runtime_resume(struct runtime *runtime, int argc, char **argv)
{
	return set_frozen(runtime, argc, argv, false);
}
