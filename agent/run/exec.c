#include "agent/run/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/run/bundle.h"
#include "agent/run/cgroup.h"
#include "agent/run/confine.h"
#include "agent/run/console.h"
#include "agent/run/create.h"
#include "agent/run/listener.h"
#include "agent/run/ns.h"
#include "agent/run/process.h"
#include "agent/run/relay.h"
#include "agent/run/state.h"
#include "agent/run/userns.h"
#include "lib/fd.h"
#include "lib/json.h"

/* What the child needs. */
struct joining {
	const struct exec *exec;
	const struct state *state;
	struct process process;
	struct ns_fds ns;
	struct userns_root root;
	struct cgroup cgroup;
	struct cgroup_entry entry;
	struct bundle bundle; /* the container's, as it was at create; if that is needed */
	struct confine confine;
	bool is_watched; /* by container processes that may trace it */
	bool is_confined;
	int console[2]; /* [0] stays here, [1] is the child's; -1: none */
	int report[2];
	pid_t pid;
};

/* --- what to run ------------------------------------------------------------------------------ */

static int load_process(struct process *process, int dirfd, const char *path, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	JSON_CLEANUP json_t *json = NULL;
	int rc = fd_read_file(dirfd, path, &text, BUNDLE_CONFIG_MAX);

	if (rc < 0)
		return err_code(err, rc, "read %s", path);
	if (json_parse_unsigned(&json, buf_text(&text), text.size, path, err) < 0)
		return -EINVAL;
	return process_parse(process, json, err) < 0 ? err_context(err, "%s", path) : 0;
}

static void replace(char **text, const char *by)
{
	if (!by)
		return;
	free(*text);
	*text = xstrdup(by);
}

static int override(struct process *process, const struct exec *exec, struct err *err)
{
	free_strings(process->args);
	process->args = copy_strings(exec->args);
	process->terminal = exec->terminal;
	process->init = false;
	replace(&process->username, exec->user);
	replace(&process->apparmor_profile, exec->apparmor_profile);
	replace(&process->selinux_label, exec->selinux_label);
	process->caps.bounding |= exec->capabilities;
	process->caps.permitted |= exec->capabilities;
	process->caps.effective |= exec->capabilities;
	process->no_new_privileges |= exec->no_new_privileges;
	if (exec->cwd && *exec->cwd != '/')
		return err_set(err, -EINVAL, "--cwd %s: not an absolute path", exec->cwd);
	replace(&process->cwd, exec->cwd);
	if (exec->rows) {
		process->rows = exec->rows;
		process->columns = exec->columns;
	}
	for (char *const *e = exec->env; e && *e; e++) {
		if (!strchr(*e, '=') || **e == '=')
			return err_set(err, -EINVAL, "--env %s: not NAME=VALUE", *e);
		process_setenv(process, xstrdup(*e));
	}
	/* As the engine has it for containers on a terminal. */
	if (exec->terminal && !process_getenv(process, "TERM"))
		process_setenv(process, xstrdup("TERM=xterm"));
	return 0;
}

static int load_bundle(struct bundle *bundle, const struct state *state, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = fd_read_file(state->dirfd, STATE_CONFIG, &text, BUNDLE_CONFIG_MAX);

	if (rc < 0)
		return err_code(err, rc, "read the container's configuration");
	return bundle_parse(bundle, state->bundle, buf_text(&text), text.size, err);
}

static int find_cgroup_below(struct cgroup *cgroup, const struct state *state, const char *below,
			     struct err *err)
{
	FREE_CLEANUP char *path = xasprintf("%s/%s", state->cgroup_path, below);

	return cgroup_init(cgroup, path, err);
}

/* Calls that are notified of need the profile; and a berth before this one has saved nothing else. */
static int take_from_bundle(struct joining *joining, struct err *err)
{
	const struct bundle *bundle = &joining->bundle;
	int rc = load_bundle(&joining->bundle, joining->state, err);

	if (!rc)
		rc = confine_prepare(&joining->confine,
				     bundle->has_seccomp ? &bundle->seccomp : NULL, err);
	joining->process = joining->bundle.process;
	joining->bundle.process = (struct process){ 0 };
	return rc;
}

/* The container's own process, and its filter. */
static int take_own_process(struct joining *joining, struct err *err)
{
	int dirfd = joining->state->dirfd;
	int rc = confine_load(&joining->confine, dirfd, err);

	if (rc == -ENOENT)
		return take_from_bundle(joining, err);
	return rc ?: load_process(&joining->process, dirfd, STATE_PROCESS, err);
}

/* No process leaves the container's confinement because it does not say what it is. */
static void inherit_labels(struct process *process, struct process *own)
{
	if (!process->apparmor_profile)
		process->apparmor_profile = steal_pointer(&own->apparmor_profile);
	if (!process->selinux_label)
		process->selinux_label = steal_pointer(&own->selinux_label);
}

/* That with what the command line says otherwise, or another one. */
static int choose_process(struct joining *joining, struct err *err)
{
	const struct exec *exec = joining->exec;
	struct process own = joining->process;
	int rc;

	if (!exec->process_file)
		return override(&joining->process, exec, err);
	joining->process = (struct process){ 0 };
	rc = load_process(&joining->process, AT_FDCWD, exec->process_file, err);
	process_warn(&joining->process);
	inherit_labels(&joining->process, &own);
	process_release(&own);
	return rc;
}

/* A user namespace of its own keeps a container's CAP_SYS_PTRACE from what is not dumpable. Without one nothing does. */
static bool may_trace(const struct process *process, const struct ns_fds *ns)
{
	return ns->fds[NS_USER] < 0 &&
	       (process->caps.bounding | process->caps.permitted) >> CAP_SYS_PTRACE & 1;
}

static int mark_traced(const struct state *state, struct err *err)
{
	int rc = fd_create_file(state->dirfd, STATE_TRACED, "", 0, 0600);

	return rc < 0 && rc != -EEXIST ? err_code(err, rc, "write that the container may trace") : 0;
}

/* What enters is only safe as long as it can't be seen. This asks for the container's own process. */
static bool is_watched(const struct joining *joining)
{
	if (may_trace(&joining->process, &joining->ns))
		return true;
	return joining->ns.fds[NS_USER] < 0 && !confine_notifies(&joining->confine) &&
	       faccessat(joining->state->dirfd, STATE_TRACED, F_OK, 0) == 0;
}

static int prepare(struct joining *joining, struct err *err)
{
	const struct exec *exec = joining->exec;
	const struct state *state = joining->state;
	enum state_status status;
	FD_CLEANUP int pidfd = -1;
	int rc = cgroup_init(&joining->cgroup, state->cgroup_path, err);

	if (rc < 0)
		return rc;
	status = state_find_status_in(state, &joining->cgroup);
	if (status != STATE_RUNNING && status != STATE_CREATED &&
	    (status != STATE_PAUSED || !exec->ignore_paused))
		return err_set(err, -ESRCH, "container %s is %s, not running", state->id,
			       state_status_name(status));
	rc = take_own_process(joining, err);
	if (!rc)
		rc = ns_open_process(&joining->ns, state->pid, err);
	joining->is_watched = is_watched(joining);
	if (!rc)
		rc = choose_process(joining, err);
	if (!rc && !joining->is_watched && may_trace(&joining->process, &joining->ns))
		rc = mark_traced(state, err);
	joining->process.preserve_fds = exec->preserve_fds;
	if (!rc && exec->cgroup)
		rc = find_cgroup_below(&joining->cgroup, state, exec->cgroup, err);
	if (rc < 0)
		return rc;
	joining->root = userns_root_of(state->pid);
	/*
	 * The process was still the container's after its namespaces were opened: so they are too.
	 */
	pidfd = state_pidfd(state, err);
	return pidfd < 0 && pidfd != -ENOSYS ? pidfd : 0;
}

static int open_console(struct joining *joining, struct err *err)
{
	const struct exec *exec = joining->exec;

	if (!joining->process.terminal)
		return 0;
	if (exec->console_socket) {
		joining->console[1] = console_connect(exec->console_socket, err);
		return joining->console[1] < 0 ? joining->console[1] : 0;
	}
	if (exec->detach)
		return err_set(err, -EINVAL,
			       "--detach with a terminal: --console-socket must say who gets it");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, joining->console) < 0)
		return err_sys(err, "make a socket pair");
	return 0;
}

/* --- the process in the container ------------------------------------------------------------- */

/* All that leads to the host, before the container's processes see this one. */
static void shut_out(const struct joining *joining)
{
	int kept[3 + NS_TYPES + CGROUP_CONTROLLERS] = {
		joining->report[1], joining->console[1], joining->entry.directory
	};

	memcpy(kept + 3, joining->ns.fds, sizeof(joining->ns.fds));
	memcpy(kept + 3 + NS_TYPES, joining->entry.files, sizeof(joining->entry.files));
	process_shut_out(&joining->process, kept, sizeof(kept) / sizeof(*kept));
}

static int enter_cgroup(struct joining *joining, struct err *err)
{
	const struct scheduling *sched = &joining->process.sched;
	int rc = sched_set_cpus(sched->first_cpus, err);

	if (!rc)
		rc = cgroup_enter_beside(&joining->entry, &joining->cgroup, joining->state->pid, err);
	cgroup_entry_close(&joining->entry);
	return rc ?: sched_set_cpus(sched->cpus, err);
}

static int attach_console(const struct joining *joining, struct err *err)
{
	FD_CLEANUP int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct process *process = &joining->process;
	struct console console;
	int rc = console_open(&console, root, err);

	if (rc < 0)
		return rc;
	console_resize(console.master, process->rows, process->columns);
	rc = console_send(&console, joining->console[1], err);
	return rc ?: console_attach(&console, process->uid, err);
}

static void add_groups(struct process *process, const struct exec *exec)
{
	process->groups = xrealloc(process->groups, (process->group_count + exec->group_count + 1) *
							    sizeof(*process->groups));
	memcpy(process->groups + process->group_count, exec->groups,
	       exec->group_count * sizeof(*exec->groups));
	process->group_count += exec->group_count;
}

/* Nobody waits for it any more when we are killed: a probe that hung, say. */
static void end_with_runtime(const struct joining *joining)
{
	if (!joining->exec->detach)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int join(struct joining *joining, struct err *err)
{
	bool has_users = joining->ns.fds[NS_USER] >= 0;
	/* While /proc is the host's. */
	int rc = confine_label(&joining->process, err);

	if (!rc && joining->is_watched)
		rc = ns_enter_pid(&joining->ns, err);
	if (!rc)
		rc = ns_enter(&joining->ns, err);
	ns_close(&joining->ns);
	if (!rc && has_users)
		rc = userns_become_root(err);
	end_with_runtime(joining); /* which that has cleared */
	setsid();
	if (!rc)
		rc = process_resolve_user(&joining->process, err);
	add_groups(&joining->process, joining->exec);
	if (!rc && joining->process.terminal)
		rc = attach_console(joining, err);
	if (!rc)
		rc = process_become(&joining->process,
				    confine_needs(&joining->confine, &joining->process), err);
	end_with_runtime(joining); /* and that */
	return rc;
}

/*
 * Into the pid namespace, which only a new process can be in: the runtime's child as well, and already no more than what it
 * executes. To load the filter may take a capability that it must not have any more.
 */
static int step_in(struct joining *joining, struct err *err)
{
	pid_t pid;

	if (confine_needs(&joining->confine, &joining->process) && confine_notifies(&joining->confine))
		return err_set(err, -EPERM, "a profile that notifies of calls, with CAP_SYS_PTRACE and without "
			       "noNewPrivileges: a process of the container could trace this one while it enters");
	joining->is_confined = confine_needs(&joining->confine, &joining->process) &&
			       !confine_notifies(&joining->confine);
	if (joining->is_confined &&
	    confine_enter(&joining->confine, &joining->process, -1, err) < 0)
		return err->code;
	pid = clone_process(CLONE_PARENT);
	if (pid < 0)
		return err_sys(err, "make a process in the container%s",
			       joining->is_confined ? " (a container that may trace needs a seccomp profile which allows clone)" : "");
	if (pid) {
		report_send_number(joining->report[1], pid);
		_exit(0);
	}
	end_with_runtime(joining);
	setsid();
	if (report_await_go(joining->report[1]) < 0)
		_exit(EXIT_RUNTIME);
	return 0;
}

/* Who gets the listener has to have it before the first call that waits for an answer. */
static int confine_early(const struct joining *joining, struct failure *failure)
{
	if (confine_notifies(&joining->confine) &&
	    confine_enter(&joining->confine, &joining->process, joining->report[1],
			  &failure->err) < 0)
		return failure_of(failure);
	return 0;
}

static int confine_late(const struct joining *joining, struct failure *failure)
{
	if (!confine_notifies(&joining->confine) && !joining->is_confined &&
	    confine_enter(&joining->confine, &joining->process, -1, &failure->err) < 0)
		return failure_of(failure);
	return 0;
}

/* The rest of the way. */
static int enter(struct joining *joining, struct failure *failure)
{
	if ((joining->is_watched && step_in(joining, &failure->err) < 0) ||
	    (joining->process.terminal && console_control(&failure->err) < 0))
		return failure_of(failure);
	return confine_early(joining, failure);
}

static _Noreturn void run_child(struct joining *joining)
{
	struct failure failure = { 0 };
	char program[PATH_MAX];
	int rc;

	prctl(PR_SET_DUMPABLE, 0);
	end_with_runtime(joining);
	joining->process.is_exec = true;
	if (joining->exec->ignore_paused)
		report_send_number(joining->report[1], 0);
	shut_out(joining);
	rc = enter_cgroup(joining, &failure.err);
	if (report_await_go(joining->report[1]) < 0)
		_exit(EXIT_RUNTIME);
	if (rc < 0 || join(joining, &failure.err) < 0) {
		failure_of(&failure);
	} else if (process_find_program(&joining->process, program, &failure) == 0 &&
		   enter(joining, &failure) == 0) {
		/* When the runtime was killed before that could be said. */
		if (report_send(joining->report[1], NULL) < 0)
			_exit(EXIT_RUNTIME);
		process_reset_signals();
		if (confine_late(joining, &failure) == 0)
			process_execute(&joining->process, program, &failure);
	}
	report_send(joining->report[1], &failure);
	_exit(failure.exit_code);
}

/* --- outside ---------------------------------------------------------------------------------- */

/*
 * From the process that came first to the one in the container. That may be traced by then, so what it says is not
 * believed unless it is a child of ours.
 */
static int follow(struct joining *joining, struct failure *failure)
{
	pid_t first = joining->pid;
	siginfo_t info;
	int pid;

	if (report_receive_number(joining->report[0], &pid, failure) < 0)
		return failure_of(failure);
	if (pid == first || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
		err_set(&failure->err, -ECHILD, "process %d is none of ours", pid);
		return failure_of(failure);
	}
	joining->pid = pid;
	while (waitpid(first, NULL, 0) < 0 && errno == EINTR)
		;
	report_send_go(joining->report[0], pid);
	return 0;
}

static int start_child(struct joining *joining, struct failure *failure)
{
	struct err *err = &failure->err;
	int ready;

	if (report_open(joining->report, err) < 0 ||
	    cgroup_entry_open(&joining->entry, &joining->cgroup, err) < 0 ||
	    (!joining->is_watched && ns_enter_pid(&joining->ns, err) < 0))
		return failure_of(failure);
	if (joining->ns.fds[NS_USER] >= 0)
		userns_own_pipes(&joining->root);
	/*
	 * In a paused cgroup it does nothing more, so before it has to be sure that it ends with us; and the first processors count
	 * before it is in there.
	 */
	if (joining->exec->ignore_paused || joining->process.sched.first_cpus)
		fd_close(&joining->entry.directory);
	joining->pid = clone_process_in(0, &joining->entry);
	if (joining->pid < 0) {
		err_sys(err, "fork");
		return failure_of(failure);
	}
	if (!joining->pid)
		run_child(joining);
	fd_close(&joining->report[1]);
	fd_close(&joining->console[1]);
	cgroup_entry_close(&joining->entry);
	if (joining->exec->ignore_paused &&
	    report_receive_number(joining->report[0], &ready, failure) < 0)
		return failure_of(failure);
	if (process_set_oom_score(&joining->process, joining->pid, err) < 0)
		return failure_of(failure);
	report_send_go(joining->report[0], joining->pid);
	if (joining->is_watched && follow(joining, failure) < 0)
		return failure_of(failure);
	if (confine_notifies(&joining->confine) &&
	    listener_deliver(joining->confine.profile, joining->state, STATE_RUNNING, joining->pid,
			     joining->report[0], failure) < 0)
		return failure_of(failure);
	if (report_receive(joining->report[0], failure) < 0)
		return failure_of(failure);
	return report_receive_end(joining->report[0], failure);
}

static int attend(struct joining *joining, struct failure *failure)
{
	const struct exec *exec = joining->exec;
	int console = -1, code;

	if (exec->pid_file && write_pid_file(exec->pid_file, joining->pid, &failure->err) < 0)
		return failure_of(failure);
	if (exec->detach)
		return 0;
	if (joining->console[0] >= 0) {
		console = console_receive(joining->console[0], &failure->err);
		if (console < 0)
			return failure_of(failure);
	}
	code = relay_run(joining->pid, console, &failure->err);
	return code < 0 ? failure_of(failure) : code;
}

static void stop_child(struct joining *joining)
{
	if (joining->pid <= 0)
		return;
	kill(joining->pid, SIGKILL);
	while (waitpid(joining->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void release(struct joining *joining)
{
	process_release(&joining->process);
	confine_release(&joining->confine);
	bundle_release(&joining->bundle);
	ns_close(&joining->ns);
	cgroup_entry_close(&joining->entry);
	for (int i = 0; i < 2; i++) {
		fd_close(&joining->console[i]);
		fd_close(&joining->report[i]);
	}
}

int exec_in_container(const struct exec *exec, struct failure *failure)
{
	struct state state;
	struct joining joining = {
		.exec = exec,
		.state = &state,
		.ns = NS_FDS_NONE,
		.entry = CGROUP_ENTRY_NONE,
		.console = { -1, -1 },
		.report = { -1, -1 },
	};
	int rc;

	*failure = (struct failure){ 0 };
	rc = state_open(&state, exec->root, exec->id, &failure->err);
	if (!rc)
		rc = prepare(&joining, &failure->err);
	if (!rc)
		rc = open_console(&joining, &failure->err);
	if (!rc && !exec->detach)
		relay_prepare();
	if (!rc)
		rc = start_child(&joining, failure);
	if (!rc)
		rc = attend(&joining, failure);
	if (rc < 0)
		stop_child(&joining);
	release(&joining);
	state_release(&state);
	return rc < 0 ? failure_of(failure) : rc;
}
