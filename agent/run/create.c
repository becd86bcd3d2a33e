#include "agent/run/create.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/run/bundle.h"
#include "agent/run/cgroup.h"
#include "agent/run/confine.h"
#include "agent/run/console.h"
#include "agent/run/dev.h"
#include "agent/run/init.h"
#include "agent/run/listener.h"
#include "agent/run/mount_tree.h"
#include "agent/run/process.h"
#include "agent/run/start.h"
#include "agent/run/state.h"
#include "agent/run/sysctl.h"
#include "lib/fd.h"
#include "lib/sys.h"
#include "lib/time.h"

#define CGROUP_PARENT "/berth" /* when config.json names no path */

/* What has been made so far, so that it can be unmade. */
struct making {
	const struct create *create;
	struct bundle bundle;
	struct state state;
	struct cgroup cgroup;
	struct cgroup_entry entry;
	bool has_cgroup;   /* some of it at least */
	bool is_in_cgroup; /* so all that is in it is ours */
	struct ns_fds joined;
	struct confine confine;
	int start;
	int console[2]; /* [0] is kept for the caller, [1] is init's */
	pid_t pid;
};

/* --- steps ------------------------------------------------------------------------------------ */

/* Whatever can be wrong with the bundle is said before anything is touched. */
static int check_bundle(struct making *making, struct err *err)
{
	const struct create *create = making->create;
	const struct bundle *bundle = &making->bundle;
	const struct process *process = &bundle->process;
	bool has_receiver = create->console_socket || create->keep_console;

	if (!bundle->has_process)
		return err_set(err, -EINVAL, "config.json: \"process\" is missing: nothing to run");
	if (process->terminal && !has_receiver)
		return err_set(err, -EINVAL,
			       "config.json: process.terminal is true: --console-socket must say "
			       "who gets the terminal");
	if (!process->terminal && create->console_socket)
		return err_set(err, -EINVAL,
			       "--console-socket without process.terminal in config.json");
	if ((bundle->hostname || bundle->domainname) && !ns_is_apart(&bundle->namespaces, NS_UTS))
		return err_set(err, -EINVAL, "config.json: hostname or domainname would be the host's: the "
					     "container joins that uts namespace");
	if (sysctl_check(bundle, err) < 0 || confine_check_labels(bundle, err) < 0)
		return -EINVAL;
	process_warn(process);
	return confine_prepare(&making->confine, bundle->has_seccomp ? &bundle->seccomp : NULL,
			       err);
}

/* Nobody looks for these before there is a process. A personality is not in "process": exec has to read the whole. */
static int save_config(const struct making *making, struct err *err)
{
	const struct bundle *bundle = &making->bundle;
	int dirfd = making->state.dirfd;
	int rc = fd_create_file(dirfd, STATE_CONFIG, bundle->text, bundle->text_size, 0600);

	/* Others are in its pid namespace, of which berth knows nothing. */
	if (!rc && !bundle->namespaces.make[NS_PID])
		rc = fd_create_file(dirfd, STATE_TRACED, "", 0, 0600);
	if (!rc && bundle->process.sched.has_personality)
		return 0;
	if (!rc)
		rc = fd_create_file(dirfd, STATE_PROCESS, bundle->process_text,
				    strlen(bundle->process_text), 0600);
	if (rc < 0)
		return err_code(err, rc, "write the container's configuration");
	return confine_save(&making->confine, dirfd, err);
}

static int save_hooks(const struct making *making, struct err *err)
{
	const char *text = making->bundle.hooks_text;
	int rc = 0;

	if (text)
		rc = fd_replace_file_volatile(making->state.dirfd, STATE_HOOKS, text, strlen(text),
					      0600);
	return rc < 0 ? err_code(err, rc, "write the container's hooks") : 0;
}

static int make_state(struct making *making, struct err *err)
{
	const struct create *create = making->create;
	struct state *state = &making->state;
	char now[TIME_TEXT_MAX];
	int rc = state_create(state, create->root, create->id, err);

	if (rc < 0)
		return rc;
	time_format_nano(now, time_now_ns());
	free(state->bundle);
	free(state->cgroup_path);
	free(state->created);
	state->bundle = xstrdup(making->bundle.directory);
	state->created = xstrdup(now);
	state->cgroup_path = making->bundle.cgroup_path ?
				     xstrdup(making->bundle.cgroup_path) :
				     xasprintf(CGROUP_PARENT "/%s", create->id);
	if (making->bundle.annotations)
		state->annotations = xstrdup(making->bundle.annotations);
	rc = save_config(making, err);
	if (!rc)
		rc = save_hooks(making, err);
	if (rc < 0)
		return rc;
	/* If we are killed from here on `delete --force` takes away what has been made. */
	return state_save(state, err);
}

static int make_cgroup(struct making *making, struct err *err)
{
	int rc;

	dev_allow_defaults(&making->bundle.limits);
	rc = cgroup_create(&making->cgroup, &making->bundle.limits, err);
	making->has_cgroup = rc != -EEXIST;
	making->state.has_cgroup = !rc;
	if (!rc)
		rc = state_save(&making->state, err);
	return rc ?: cgroup_entry_open(&making->entry, &making->cgroup, err);
}

static int make_console(struct making *making, struct err *err)
{
	if (!making->bundle.process.terminal)
		return 0;
	if (making->create->keep_console) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, making->console) < 0)
			return err_sys(err, "make a socket pair");
		return 0;
	}
	making->console[1] = console_connect(making->create->console_socket, err);
	return making->console[1] < 0 ? making->console[1] : 0;
}

/* The container's users can open what is a pipe again by its name, /dev/stdout. */
static void give_pipes(const struct bundle *bundle)
{
	const struct userns_root root = { id_maps_to_host(&bundle->uid_maps, 0),
					  id_maps_to_host(&bundle->gid_maps, 0) };

	if (bundle->namespaces.make[NS_USER] && root.uid != ID_NONE && root.gid != ID_NONE)
		userns_own_pipes(&root);
}

static int open_outside(struct making *making, struct err *err)
{
	struct bundle *bundle = &making->bundle;
	int rc = ns_open_joined(&making->joined, &bundle->namespaces, err);

	return rc ?: mount_trees_open(bundle, making->joined.fds[NS_USER], err);
}

static int clone_init(struct making *making, int report[static 2], struct err *err)
{
	struct init init = {
		.bundle = &making->bundle,
		.state = &making->state,
		.cgroup = &making->cgroup,
		.entry = &making->entry,
		.confine = &making->confine,
		.report = report[1],
		.start = making->start,
		.console = making->console[1],
	};

	give_pipes(&making->bundle);
	making->pid = ns_spawn(&making->bundle.namespaces, &making->joined, &making->entry, err);
	if (!making->pid) {
		fd_close(&report[0]); /* or it would never see that we are gone */
		init_run(&init);
	}
	mount_trees_close(&making->bundle);
	cgroup_entry_close(&making->entry);
	return making->pid < 0 ? err->code : 0;
}

/* The hooks that are to find the container built but not yet closed. */
static int run_hooks(struct making *making, int report, struct failure *failure)
{
	const struct hooks *hooks = &making->bundle.hooks;
	BUF_CLEANUP struct buf state = BUF_INIT;

	if (!hooks_before_root(hooks))
		return 0;
	if (report_receive(report, failure) < 0)
		return failure_of(failure);
	making->state.pid = making->pid;
	state_format_as(&making->state, STATE_CREATING, &state);
	if (hooks_run(hooks, HOOK_PRESTART, buf_text(&state), &failure->err) < 0 ||
	    hooks_run(hooks, HOOK_CREATE_RUNTIME, buf_text(&state), &failure->err) < 0)
		return failure_of(failure);
	report_send_go(report, making->pid);
	return 0;
}

int write_pid_file(const char *path, pid_t pid, struct err *err)
{
	FREE_CLEANUP char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/'), text[16];
	FD_CLEANUP int dirfd = -1;
	int rc;

	if (slash)
		*slash = '\0';
	dirfd = open(!slash ? "." : *dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(err, "pid file %s", path);
	snprintf(text, sizeof(text), "%d", (int)pid);
	rc = fd_replace_file_volatile(dirfd, slash ? slash + 1 : dir, text, strlen(text), 0644);
	return rc < 0 ? err_code(err, rc, "pid file %s", path) : 0;
}

static int record(struct making *making, struct err *err)
{
	struct state *state = &making->state;
	int rc;

	state->pid = making->pid;
	rc = sys_process_start(state->pid, &state->start_ticks);
	if (rc < 0)
		return err_set(err, rc, "process %d has ended", (int)state->pid);
	rc = state_save(state, err);
	if (!rc && making->create->pid_file)
		rc = write_pid_file(making->create->pid_file, state->pid, err);
	return rc;
}

static int hand_over(struct making *making, struct created *created, struct err *err)
{
	if (making->console[0] >= 0) {
		created->console = console_receive(making->console[0], err);
		if (created->console < 0)
			return created->console;
	}
	created->pid = making->pid;
	created->cgroup = making->cgroup;
	created->state = making->state;
	making->state = (struct state){ .dirfd = -1 };
	return 0;
}

static int let_it_build(struct making *making, int report, struct failure *failure)
{
	const struct bundle *bundle = &making->bundle;
	struct err *err = &failure->err;

	if (bundle->namespaces.make[NS_USER] &&
	    userns_map(making->pid, &bundle->uid_maps, &bundle->gid_maps, err) < 0)
		return failure_of(failure);
	if (process_set_oom_score(&bundle->process, making->pid, err) < 0)
		return failure_of(failure);
	/* What starts by itself has to be known before. */
	if (making->create->start && record(making, err) < 0)
		return failure_of(failure);
	making->is_in_cgroup = true;
	report_send_go(report, making->pid);
	if (run_hooks(making, report, failure) < 0)
		return failure_of(failure);
	if (confine_notifies(&making->confine) &&
	    listener_deliver(making->confine.profile, &making->state, STATE_CREATING, making->pid,
			     report, failure) < 0)
		return failure_of(failure);
	if (report_receive(report, failure) < 0)
		return failure_of(failure);
	if (making->create->start)
		return report_receive_end(report, failure);
	return record(making, err);
}

/* --- all of them ------------------------------------------------------------------------------ */

static int make(struct making *making, struct created *created, struct failure *failure)
{
	struct err *err = &failure->err;
	int report[2] = { -1, -1 };
	int rc = cgroup_init(&making->cgroup, making->state.cgroup_path, err) ?:
			 make_console(making, err);

	if (!rc && !making->create->start)
		rc = making->start = start_listen(&making->state, err);
	if (rc >= 0)
		rc = report_open(report, err);
	if (!rc)
		rc = open_outside(making, err);
	if (!rc)
		rc = make_cgroup(making, err);
	if (!rc)
		rc = clone_init(making, report, err);
	fd_close(&report[1]);
	fd_close(&making->start);
	if (!rc)
		rc = let_it_build(making, report[0], failure);
	if (!rc)
		rc = hand_over(making, created, err);
	fd_close(&report[0]);
	return rc < 0 ? failure_of(failure) : 0;
}

static void unmake(struct making *making)
{
	if (making->pid > 0) {
		kill(making->pid, SIGKILL);
		while (waitpid(making->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	/* A hook in it may have left something behind. */
	if (making->is_in_cgroup)
		cgroup_kill(&making->cgroup, NULL);
	if (making->has_cgroup)
		cgroup_remove(&making->cgroup, NULL);
	if (making->is_in_cgroup) {
		BUF_CLEANUP struct buf state = BUF_INIT;

		state_format_as(&making->state, STATE_STOPPED, &state);
		hooks_run_all(&making->bundle.hooks, HOOK_POSTSTOP, buf_text(&state));
	}
	state_remove(making->create->root, making->create->id, NULL);
}

static void release(struct making *making)
{
	ns_close(&making->joined);
	cgroup_entry_close(&making->entry);
	for (int i = 0; i < 2; i++)
		fd_close(&making->console[i]);
	state_release(&making->state);
	confine_release(&making->confine);
	bundle_release(&making->bundle);
}

void created_release(struct created *created)
{
	fd_close(&created->console);
	state_release(&created->state);
}

/* As runc and crun do: it is process 1, whatever LISTEN_PID was here. */
static void tell_of_sockets(struct process *process, int count)
{
	const char *names = getenv("LISTEN_FDNAMES");

	process_setenv(process, xasprintf("LISTEN_FDS=%d", count));
	process_setenv(process, xstrdup("LISTEN_PID=1"));
	if (names)
		process_setenv(process, xasprintf("LISTEN_FDNAMES=%s", names));
}

int create_container(const struct create *create, struct created *created, struct failure *failure)
{
	struct making making = {
		.create = create,
		.state.dirfd = -1,
		.joined = NS_FDS_NONE,
		.entry = CGROUP_ENTRY_NONE,
		.start = -1,
		.console = { -1, -1 },
	};
	int rc;

	*failure = (struct failure){ 0 };
	*created = (struct created){ .console = -1, .state.dirfd = -1 };
	rc = bundle_load(&making.bundle, create->bundle, &failure->err);
	making.bundle.no_pivot = create->no_pivot;
	making.bundle.process.no_new_keyring = create->no_new_keyring;
	making.bundle.process.preserve_fds = create->listen_fds + create->preserve_fds;
	if (create->listen_fds)
		tell_of_sockets(&making.bundle.process, create->listen_fds);
	if (!rc)
		rc = check_bundle(&making, &failure->err);
	if (!rc)
		rc = make_state(&making, &failure->err);
	if (!rc)
		rc = make(&making, created, failure);
	/* Without a directory of its own the id belongs to somebody else. */
	if (rc < 0 && making.state.dirfd >= 0)
		unmake(&making);
	release(&making);
	return rc < 0 ? failure_of(failure) : 0;
}
