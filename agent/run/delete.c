#include "agent/run/delete.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "agent/run/cgroup.h"
#include "agent/run/hooks.h"
#include "agent/run/state.h"
#include "lib/fd.h"
#include "lib/sys.h"
#include "lib/time.h"

#define END_TIMEOUT_MS 10000

static int check_status(const struct state *state, bool force, struct err *err)
{
	enum state_status status = state_find_status(state);

	if (force || status == STATE_STOPPED || status == STATE_CREATED)
		return 0;
	return err_set(err, -EBUSY, "container %s is %s: kill it first, or use --force", state->id,
		       state_status_name(status));
}

/* Kernels without pidfds are asked again and again. */
static int await_end(const struct state *state, int pidfd, struct err *err)
{
	int64_t end = time_monotonic_ms() + END_TIMEOUT_MS;
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };

	while (state_find_status(state) != STATE_STOPPED) {
		if (time_monotonic_ms() > end)
			return err_set(err, -ETIMEDOUT,
				       "process %d of container %s does not end: it waits for a "
				       "device or a file system", (int)state->pid, state->id);
		poll(&wait, pidfd >= 0, pidfd >= 0 ? 1000 : 10);
	}
	return 0;
}

static void thaw(const struct state *state)
{
	struct cgroup cgroup;

	if (state_cgroup(state, &cgroup, NULL) == 0)
		cgroup_thaw(&cgroup);
}

static int end_init(const struct state *state, struct err *err)
{
	struct err ended = ERR_INIT;
	FD_CLEANUP int pidfd = state_pidfd(state, &ended);

	if (pidfd == -ESRCH)
		return 0;
	if (pidfd < 0 && pidfd != -ENOSYS)
		return err_set(err, pidfd, "%s", ended.text);
	if (pidfd >= 0 ? sys_pidfd_send_signal(pidfd, SIGKILL) : kill(state->pid, SIGKILL))
		return errno == ESRCH ? 0 : err_sys(err, "kill process %d", (int)state->pid);
	thaw(state);
	return await_end(state, pidfd, err);
}

static int remove_cgroup(const struct state *state, const struct cgroup *known, struct err *err)
{
	struct cgroup cgroup;
	int rc = 0;

	if (known)
		cgroup = *known;
	else
		rc = cgroup_init(&cgroup, state->cgroup_path, err);
	/* One that create was about to make, when it was killed, may be in use by somebody else. */
	if (rc < 0 || cgroup_remove_empty(&cgroup) || !state->has_cgroup)
		return rc;
	rc = cgroup_kill(&cgroup, err);
	return rc ?: cgroup_remove(&cgroup, err);
}

int delete_opened(const struct state *state, const struct cgroup *cgroup, const char *root,
		  struct err *err)
{
	int rc = end_init(state, err);

	/* An empty path: create was killed before it wrote its state. */
	if (!rc && *state->cgroup_path)
		rc = remove_cgroup(state, cgroup, err);
	if (rc < 0)
		return rc;
	/* Before the state is removed: a delete that is killed here can be repeated. */
	hooks_run_saved(state, HOOK_POSTSTOP);
	return state_remove(root, state->id, err);
}

int delete_container(const char *root, const char *id, bool force, struct err *err)
{
	struct state state;
	int rc = state_open(&state, root, id, err);

	if (rc == -ENOENT && force) {
		state_release(&state);
		*err = ERR_INIT;
		return 0;
	}
	if (!rc)
		rc = check_status(&state, force, err);
	if (!rc)
		rc = delete_opened(&state, NULL, root, err);
	state_release(&state);
	return rc;
}
