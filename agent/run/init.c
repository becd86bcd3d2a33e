#include "agent/run/init.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/run/console.h"
#include "agent/run/dev.h"
#include "agent/run/link.h"
#include "agent/run/mount.h"
#include "agent/run/path.h"
#include "agent/run/process.h"
#include "agent/run/report.h"
#include "agent/run/root.h"
#include "agent/run/start.h"
#include "agent/run/sysctl.h"
#include "lib/fd.h"

/* Until the runtime has mapped our users, and noted that what is in the cgroup is ours. */
static int await_runtime(const struct init *init, struct err *err)
{
	if (!init->state->pid)
		init->state->pid = report_await_go(init->report);
	return init->state->pid < 0 ? err_set(err, -EPIPE, "the runtime has ended") : 0;
}

/*
 * As the host's root still: before Linux 5.17 it matters who writes, not who has opened the file. The namespace only in there:
 * that will be its root.
 */
static int enter_cgroup(const struct init *init, struct err *err)
{
	int rc = await_runtime(init, err) ?: cgroup_entry_use(init->entry, err);

	if (!rc && init->bundle->namespaces.make[NS_CGROUP] && unshare(ns_flag(NS_CGROUP)) < 0)
		rc = err_sys(err, "make a cgroup namespace");
	return rc;
}

static int enter_namespaces(const struct init *init, struct err *err)
{
	const struct namespaces *ns = &init->bundle->namespaces;
	int rc = enter_cgroup(init, err);

	if (!rc && ns_is_own(ns, NS_USER)) {
		rc = userns_become_root(err);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* which that has cleared */
		if (!rc && ns->make[NS_IPC] && unshare(ns_flag(NS_IPC)) < 0)
			rc = err_sys(err, "make an ipc namespace");
	}
	if (!rc && ns->make[NS_NET])
		rc = link_loopback_up(err);
	return rc;
}

static int set_names(const struct bundle *bundle, struct err *err)
{
	const char *host = bundle->hostname, *domain = bundle->domainname;

	if (host && sethostname(host, strlen(host)) < 0)
		return err_sys(err, "hostname %s", host);
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return err_sys(err, "domainname %s", domain);
	return 0;
}

/* The terminal comes from the container's devpts, and its master leaves before the door closes. */
static int make_console(const struct init *init, int root, struct console *console, struct err *err)
{
	const struct process *process = &init->bundle->process;
	int rc;

	*console = (struct console){ -1, -1 };
	if (!process->terminal)
		return 0;
	rc = console_open(console, root, err);
	if (rc < 0)
		return rc;
	console_resize(console->master, process->rows, process->columns);
	rc = console_bind(console, root, err);
	return rc ?: console_send(console, init->console, err);
}

/* Images name a WORKDIR that need not exist. */
static int make_cwd(const struct process *process, int root, struct err *err)
{
	FD_CLEANUP int fd = path_open(root, process->cwd, PATH_MAKE_DIR, err);

	return fd < 0 ? err_context(err, "process.cwd") : 0;
}

/* To those in the container's namespaces the pid is as it is seen in there (runtime.md, State). */
static int run_hooks(const struct init *init, enum hook_point point, enum state_status status,
		     struct err *err)
{
	const struct hooks *hooks = &init->bundle->hooks;
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct state state = *init->state;

	if (!hooks->count[point])
		return 0;
	state.pid = getpid();
	state_format_as(&state, status, &text);
	return hooks_run(hooks, point, buf_text(&text), err);
}

/* First the runtime's, outside, then those in here. */
static int run_create_hooks(const struct init *init, struct err *err)
{
	if (hooks_before_root(&init->bundle->hooks) &&
	    (report_send(init->report, NULL) < 0 || report_await_go(init->report) < 0))
		return err_set(err, -EPIPE, "the runtime has ended");
	return run_hooks(init, HOOK_CREATE_CONTAINER, STATE_CREATING, err);
}

static int build_root(const struct init *init, struct console *console, struct err *err)
{
	const struct bundle *bundle = init->bundle;
	FD_CLEANUP int root = root_prepare(bundle, err);

	if (root < 0 || mount_all(bundle, root, init->cgroup, err) < 0 ||
	    dev_make(bundle, root, err) < 0 || make_console(init, root, console, err) < 0 ||
	    make_cwd(&bundle->process, root, err) < 0 || run_create_hooks(init, err) < 0 ||
	    sysctl_apply(bundle, err) < 0 ||
	    mount_finish(bundle, root, err) < 0 ||
	    mount_read_only(root, bundle->readonly_paths, err) < 0 ||
	    mount_mask(root, bundle->masked_paths, err) < 0 ||
	    confine_label(&bundle->process, err) < 0)
		return err->code;
	return root_enter(bundle, root, err);
}

static int become_application(const struct init *init, struct console *console, struct err *err)
{
	const int kept[] = { init->report, init->start, console->slave };
	struct process *process = &init->bundle->process;
	int rc;

	process_shut_out(process, kept, sizeof(kept) / sizeof(*kept));
	rc = process_resolve_user(process, err);
	/* A session of its own, so that the terminal can be its controlling one. */
	setsid();
	if (!rc && process->terminal)
		rc = console_attach(console, process->uid, err) ?: console_control(err);
	return rc ?: process_become(process, confine_needs(init->confine, process), err);
}

static int build(const struct init *init, char program[static PATH_MAX], struct failure *failure)
{
	struct console console;
	struct err *err = &failure->err;

	if (enter_namespaces(init, err) < 0 || set_names(init->bundle, err) < 0 ||
	    build_root(init, &console, err) < 0 || become_application(init, &console, err) < 0)
		return failure_of(failure);
	if (process_find_program(&init->bundle->process, program, failure) < 0)
		return failure_of(failure);
	if (confine_notifies(init->confine) && confine_enter(init->confine, &init->bundle->process,
							     init->report, err) < 0)
		return failure_of(failure);
	return 0;
}

static _Noreturn void fail(int sock, const struct failure *failure)
{
	report_send(sock, failure);
	_exit(failure->exit_code);
}

static void execute(const struct init *init, const char *program, struct failure *failure)
{
	const struct process *process = &init->bundle->process;

	process_reset_signals();
	if (!confine_notifies(init->confine) &&
	    confine_enter(init->confine, process, -1, &failure->err) < 0)
		failure_of(failure);
	else
		process_execute(process, program, failure);
}

static void end_by_signal(int number)
{
	_exit(128 + number);
}

/* As process 1 of its namespace it would not get what it has no handler for: a container that was killed would start. */
static void be_killable(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM };
	const struct sigaction action = { .sa_handler = end_by_signal };
	sigset_t none;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The connection to report to. */
static int await_start(struct init *init)
{
	int sock;

	be_killable();
	if (report_send(init->report, NULL) < 0)
		_exit(EXIT_RUNTIME);
	fd_close(&init->report);
	sock = start_await(init->start, NULL);
	if (sock < 0)
		_exit(EXIT_RUNTIME);
	return sock;
}

void init_run(struct init *init)
{
	struct failure failure = { 0 };
	char program[PATH_MAX];
	int sock;

	/*
	 * Nobody in a namespace that is joined may look into this process; nor shall it stay
	 * alone.
	 */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (build(init, program, &failure) < 0) {
		/* It listens to what we say only when it has let us go on. */
		await_runtime(init, NULL);
		fail(init->report, &failure);
	}
	prctl(PR_SET_PDEATHSIG, 0);
	sock = init->start < 0 ? init->report : await_start(init);
	if (run_hooks(init, HOOK_START_CONTAINER, STATE_CREATED, &failure.err) < 0) {
		failure_of(&failure);
		fail(sock, &failure);
	}
	report_send(sock, NULL);
	execute(init, program, &failure);
	fail(sock, &failure);
}
