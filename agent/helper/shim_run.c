/* The phases of a container: each one ends when a process of ours has ended. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/helper/shim_parts.h"
#include "agent/network/forward.h"
#include "agent/run/state.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/sys.h"
#include "lib/time.h"

#define EXIT_RUNTIME 125 /* when the runtime was killed, and could not say */

/* --- the files that tell a later agent -------------------------------------------------------- */

static void write_file(const struct shim *shim, const char *name, const struct buf *text)
{
	int rc = fd_replace_file_volatile(AT_FDCWD, name, text->data, text->size, 0600);

	if (rc < 0)
		log_error("container %s: write %s: %s", shim->id, name, strerror(-rc));
}

static void append_json_string(struct buf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			buf_append_format(out, "\\%c", c);
		else
			buf_append_format(out, "%c", c < 0x20 || c > 0x7e ? '?' : c);
	}
}

static void write_started(const struct shim *shim)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char now[TIME_TEXT_MAX];

	time_format_nano(now, time_now_ns());
	buf_append_format(&text,
			  "{\"pid\":%d,\"start_ticks\":%" PRIu64 ",\"started\":\"%s\"}\n",
			  (int)shim->init, shim->init_start, now);
	write_file(shim, "started", &text);
}

static void write_exit(const struct shim *shim, const struct shim_event *event)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char now[TIME_TEXT_MAX];

	time_format_nano(now, time_now_ns());
	buf_append_format(&text, "{\"code\":%d,\"signal\":%d,\"oom\":%s,\"error\":\"", event->code,
			  event->signal, event->oom ? "true" : "false");
	append_json_string(&text, event->text);
	buf_append_format(&text, "\",\"finished\":\"%s\"}\n", now);
	write_file(shim, "exit", &text);
}

/* --- processes -------------------------------------------------------------------------------- */

static _Noreturn void execute(const struct shim *shim, char *const *argv, const int stdio[3])
{
	sigset_t none;

	for (int i = 0; i < 3; i++)
		dup2(stdio[i], i);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv("/proc/self/exe", argv);
	dprintf(shim->errors[1], "berth runtime %s: execute /proc/self/exe: %s\n", argv[4],
		strerror(errno));
	_exit(EXIT_RUNTIME);
}

/* `berth runtime --root DIR COMMAND ARGUMENT...` */
static void run_helper(struct shim *shim, const char *const *arguments, const int stdio[3])
{
	const char *argv[16] = { "berth", "runtime", "--root", shim->root };
	int argc = 4;

	while (*arguments && argc < 15)
		argv[argc++] = *arguments++;
	shim->helper = fork();
	if (!shim->helper)
		execute(shim, (char *const *)(uintptr_t)argv, stdio);
	if (shim->helper < 0) {
		log_error("container %s: fork: %s", shim->id, strerror(errno));
		exit(EXIT_RUNTIME); /* the agent finds no shim, and cleans up */
	}
}

static void run_quiet_helper(struct shim *shim, const char *const *arguments)
{
	/* stdin and stdout are /dev/null */
	run_helper(shim, arguments, (const int[]){ 0, 1, shim->errors[1] });
}

void shim_begin(struct shim *shim)
{
	const char *arguments[] = { "create", "--bundle", ".", "--pid-file", "pid", shim->id, NULL,
				    NULL, NULL };

	shim->phase = SHIM_CREATING;
	shim_tell(shim, &(struct shim_event){ .type = SHIM_STARTING });
	if (!shim->tty) {
		run_helper(shim, arguments, shim->stdio);
		return;
	}
	arguments[5] = "--console-socket";
	arguments[6] = "console.sock";
	arguments[7] = shim->id;
	run_quiet_helper(shim, arguments);
}

/*
 * Somebody waits for the end. When nothing runs in its cgroup any more and no hook is to be told, all that `runtime
 * delete` would find are the cgroup and the state.
 */
static bool clean_up(const struct shim *shim)
{
	FREE_CLEANUP char *hooks = xasprintf("%s/%s/" STATE_HOOKS, shim->root, shim->id);

	return access(hooks, F_OK) < 0 && errno == ENOENT && cgroup_remove_empty(&shim->cgroup) &&
	       state_remove(shim->root, shim->id, NULL) == 0;
}

static void begin_cleaning(struct shim *shim)
{
	shim->phase = SHIM_CLEANING;
	run_quiet_helper(shim, (const char *[]){ "delete", "--force", shim->id, NULL });
}

/* --- what follows ----------------------------------------------------------------------------- */

static void end(struct shim *shim, const struct shim_event *event)
{
	shim_drain_output(shim);
	fd_close(&shim->input);
	logring_close(&shim->log);
	write_exit(shim, event);
	shim->phase = SHIM_ENDED;
	shim_tell(shim, event);
}

void shim_fail(struct shim *shim, int code, const char *text)
{
	struct shim_event event = { .type = SHIM_FAILED, .code = code };

	if (event.code < EXIT_RUNTIME || event.code > EXIT_RUNTIME + 2)
		event.code = EXIT_RUNTIME;
	snprintf(event.text, sizeof(event.text), "%s", text);
	end(shim, &event);
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void created(struct shim *shim, int status)
{
	struct err err = ERR_INIT;
	int64_t pid;

	if (status) {
		shim_read_errors(shim->tty ? shim->errors[0] : shim->outputs[1].fd, err.text);
		shim_fail(shim, exit_code(status), err.text);
		return;
	}
	if (fd_read_number(AT_FDCWD, "pid", &pid) < 0)
		err_set(&err, -EIO, "the runtime wrote no pid file");
	shim->init = (pid_t)pid;
	if (!err.code && sys_process_start(shim->init, &shim->init_start) < 0)
		err_set(&err, -ESRCH, "the container's first process ended before it was started");
	if (!err.code)
		cgroup_init_of(&shim->cgroup, shim->init, &err);
	if (!err.code)
		shim_keep_stdio(shim, &err);
	if (err.code) {
		shim->last = (struct shim_event){ .type = SHIM_FAILED, .code = EXIT_RUNTIME };
		memcpy(shim->last.text, err.text, sizeof(err.text));
		begin_cleaning(shim);
		return;
	}
	shim->phase = SHIM_BEGINNING;
	run_quiet_helper(shim, (const char *[]){ "start", shim->id, NULL });
}

static void ended(struct shim *shim)
{
	struct shim_event event = { .type = SHIM_EXITED, .code = exit_code(shim->init_status) };

	if (WIFSIGNALED(shim->init_status))
		event.signal = WTERMSIG(shim->init_status);
	event.oom = cgroup_oom_kills(&shim->cgroup) > 0; /* before the counter goes */
	if (clean_up(shim)) {
		end(shim, &event);
		return;
	}
	shim->last = event;
	begin_cleaning(shim);
	shim_try_unmount_root();
}

static void started(struct shim *shim, int status)
{
	if (status) {
		shim->last = (struct shim_event){ .type = SHIM_FAILED, .code = exit_code(status) };
		shim_read_errors(shim->errors[0], shim->last.text);
		begin_cleaning(shim);
		return;
	}
	shim->phase = SHIM_RUNNING;
	write_started(shim);
	shim_tell(shim, &(struct shim_event){ .type = SHIM_STARTED,
					      .pid = shim->init,
					      .start_ticks = shim->init_start });
	if (shim->has_lost)
		shim_tell_lost(shim);
	if (shim->init_ended)
		ended(shim);
	else if (shim->pending_signal)
		kill(shim->init, shim->pending_signal);
}

static void cleaned(struct shim *shim, int status)
{
	char text[ERR_TEXT_MAX];

	if (status) {
		shim_read_errors(shim->errors[0], text);
		log_error("container %s: clean up: %s", shim->id, text);
	}
	end(shim, &shim->last);
}

static void helper_ended(struct shim *shim, int status)
{
	shim->helper = 0;
	switch (shim->phase) {
	case SHIM_CREATING:
		created(shim, status);
		break;
	case SHIM_BEGINNING:
		started(shim, status);
		break;
	case SHIM_CLEANING:
		cleaned(shim, status);
		break;
	case SHIM_RUNNING:
	case SHIM_ENDED:
		break;
	}
}

/* Not reaped yet. Without a pid namespace of its own the application's orphans are ours, too. */
static bool is_forwarder(pid_t pid)
{
	char path[32], name[sizeof(FORWARD_NAME)] = "";
	FD_CLEANUP int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, name, sizeof(name) - 1) == sizeof(name) - 1 && !strcmp(name, FORWARD_NAME);
}

/* It ends by itself, with 0, when the container's interface goes; that is no loss. */
static bool is_loss(const struct shim *shim, const siginfo_t *child)
{
	bool is_good = child->si_code == CLD_EXITED && !child->si_status;

	return !is_good && !shim->has_lost && child->si_pid != shim->helper && child->si_pid != shim->init &&
	       is_forwarder(child->si_pid);
}

void shim_reap(struct shim *shim)
{
	siginfo_t child = { 0 };
	int status;
	pid_t pid;

	while (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid) {
		bool has_lost = is_loss(shim, &child);

		pid = waitpid(child.si_pid, &status, WNOHANG);
		child.si_pid = 0;
		if (has_lost)
			shim_tell_lost(shim);
		if (pid == shim->helper) {
			helper_ended(shim, status);
		} else if (pid == shim->init) {
			shim->init_ended = true;
			shim->init_status = status;
			if (shim->phase == SHIM_RUNNING)
				ended(shim);
		}
	}
}

int shim_signal(struct shim *shim, int signal)
{
	if (shim->phase == SHIM_CREATING || shim->phase == SHIM_BEGINNING) {
		if (shim->pending_signal != SIGKILL)
			shim->pending_signal = signal;
		return 0;
	}
	/* Not reaped yet: the pid is still init's. */
	if (shim->phase != SHIM_RUNNING || shim->init_ended)
		return -ESRCH;
	if (kill(shim->init, signal) < 0)
		return -errno;
	if (signal == SIGKILL)
		cgroup_thaw(&shim->cgroup);
	return 0;
}
