#include "agent/run/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/run/bundle_read.h"
#include "agent/run/process.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/sys.h"
#include "lib/time.h"

#define OUTPUT_MAX 256	/* bytes of what a hook printed, the first ones */
#define TIMEOUT_MAX (24 * 60 * 60)
#define POLL_MS 20	/* where the kernel has no pidfds */
#define EXIT_NO_EXEC 127

static const char *const names[HOOK_POINTS] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};

const char *hook_point_name(int point)
{
	return point >= 0 && point < HOOK_POINTS ? names[point] : NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_hook(const json_t *object, void *item, struct err *err)
{
	struct hook *hook = item;
	int64_t timeout = 0;

	if (read_path(object, "path", &hook->path, err) < 0 ||
	    json_get_strings(object, "args", &hook->args, err) < 0 ||
	    json_get_strings(object, "env", &hook->env, err) < 0 ||
	    read_range(object, "timeout", 1, TIMEOUT_MAX, &timeout, err) < 0)
		return -EINVAL;
	if (!hook->path)
		return err_set(err, -EINVAL, "\"path\" is missing");
	hook->timeout_s = (int)timeout;
	return 0;
}

int hooks_read(struct hooks *hooks, const json_t *config, struct err *err)
{
	json_t *object;
	int rc = json_get_object(config, "hooks", &object, err);

	if (rc <= 0)
		return rc;
	for (int i = 0; i < HOOK_POINTS; i++) {
		if (read_list(object, names[i], sizeof(*hooks->at[i]), (void **)&hooks->at[i],
			      &hooks->count[i], read_hook, err) < 0)
			return err_context(err, "hooks");
		if (hooks->count[i] > HOOKS_MAX)
			return err_set(err, -E2BIG, "hooks: %s: more than %d", names[i], HOOKS_MAX);
	}
	return 0;
}

int hooks_load(struct hooks *hooks, int dirfd, const char *name, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	JSON_CLEANUP json_t *json = NULL;
	int rc = fd_read_file(dirfd, name, &text, BUNDLE_CONFIG_MAX);

	*hooks = (struct hooks){ 0 };
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return err_code(err, rc, "read %s", name);
	if (json_parse(&json, buf_text(&text), text.size, name, err) < 0)
		return -EINVAL;
	rc = hooks_read(hooks, json, err);
	return rc < 0 ? rc : 0;
}

void hooks_release(struct hooks *hooks)
{
	for (int i = 0; i < HOOK_POINTS; i++) {
		for (size_t j = 0; j < hooks->count[i]; j++) {
			free(hooks->at[i][j].path);
			free_strings(hooks->at[i][j].args);
			free_strings(hooks->at[i][j].env);
		}
		free(hooks->at[i]);
	}
	*hooks = (struct hooks){ 0 };
}

bool hooks_any(const struct hooks *hooks)
{
	for (int i = 0; i < HOOK_POINTS; i++)
		if (hooks->count[i])
			return true;
	return false;
}

bool hooks_before_root(const struct hooks *hooks)
{
	return hooks->count[HOOK_PRESTART] || hooks->count[HOOK_CREATE_RUNTIME];
}

/* --- running one ------------------------------------------------------------------------------ */

/* A hook that runs, and what it said so far. */
struct running {
	pid_t pid;
	int pidfd;  /* -1: the kernel has none */
	int output; /* -1: its end was read */
	char text[OUTPUT_MAX];
	size_t size;
};

/* In memory and not a pipe: nobody has to write while the hook doesn't read. */
static int open_input(const char *state)
{
	FD_CLEANUP int fd = memfd_create("state", MFD_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fd_write_full(fd, state, strlen(state));
	if (!rc && lseek(fd, 0, SEEK_SET) < 0)
		rc = -errno;
	return rc < 0 ? rc : fd_steal(&fd);
}

static _Noreturn void execute(const struct hook *hook, const char *directory, int input, int output)
{
	static char *const nothing[] = { NULL };
	char *const only_path[] = { hook->path, NULL };

	process_reset_signals();
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	/* A bundle that is gone, or closed to the container's root, is no reason to leave out a poststop. */
	if (directory)
		(void)!chdir(directory);
	execve(hook->path, hook->args && hook->args[0] ? hook->args : only_path,
	       hook->env ?: nothing);
	dprintf(STDERR_FILENO, "execute it: %s", strerror(errno));
	_exit(EXIT_NO_EXEC);
}

static int spawn(struct running *running, const struct hook *hook, const char *directory, const char *state)
{
	FD_CLEANUP int input = open_input(state);
	int output[2];

	if (input < 0 || pipe2(output, O_CLOEXEC) < 0)
		return input < 0 ? input : -errno;
	running->pid = fork();
	if (!running->pid)
		execute(hook, directory, input, output[1]);
	close(output[1]);
	running->output = output[0];
	if (running->pid < 0)
		return -errno;
	running->pidfd = sys_pidfd_open(running->pid);
	return 0;
}

static void read_output(struct running *running)
{
	char rest[512];
	bool full = running->size == sizeof(running->text) - 1;
	ssize_t got = full ? read(running->output, rest, sizeof(rest)) :
			     read(running->output, running->text + running->size,
				  sizeof(running->text) - 1 - running->size);

	if (got <= 0)
		fd_close(&running->output);
	else if (!full)
		running->size += (size_t)got;
}

static int time_left(int64_t end)
{
	int64_t left = end - time_monotonic_ms();

	return left > 0 ? (int)left : 0;
}

/* Its wait status, or -ETIMEDOUT. One that leaves a process behind may leave it the pipe, too. */
static int await(struct running *running, int timeout_s)
{
	int64_t end = time_monotonic_ms() + (int64_t)timeout_s * 1000;
	int status, wait_ms;
	pid_t pid;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = running->output, .events = POLLIN },
			{ .fd = running->pidfd, .events = POLLIN },
		};

		pid = waitpid(running->pid, &status, WNOHANG);
		if (pid == running->pid)
			return status;
		if (pid < 0 && errno != EINTR)
			return -errno;
		wait_ms = timeout_s ? time_left(end) : -1;
		if (!wait_ms)
			return -ETIMEDOUT;
		if (running->pidfd < 0)
			wait_ms = POLL_MS;
		if (poll(fds, 2, wait_ms) > 0 && fds[0].revents)
			read_output(running);
	}
}

/* What is still in the pipe; nobody is waited for. */
static void drain(struct running *running)
{
	struct pollfd fd = { .fd = running->output, .events = POLLIN };

	while (running->output >= 0 && running->size < sizeof(running->text) - 1 &&
	       poll(&fd, 1, 0) > 0)
		read_output(running);
	while (running->size && strchr("\n ", running->text[running->size - 1]))
		running->size--;
	running->text[running->size] = '\0';
}

static void stop(struct running *running)
{
	if (running->pid > 0) {
		kill(running->pid, SIGKILL);
		while (waitpid(running->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

static int judge(int status, const struct hook *hook, const struct running *running,
		 struct err *err)
{
	const char *colon = running->size ? ": " : "";

	if (status == -ETIMEDOUT)
		return err_set(err, status, "%s did not end within its timeout of %d s%s%s",
			       hook->path, hook->timeout_s, colon, running->text);
	if (status < 0)
		return err_code(err, status, "%s", hook->path);
	if (WIFSIGNALED(status))
		return err_set(err, -EIO, "%s was killed by signal %d%s%s", hook->path,
			       WTERMSIG(status), colon, running->text);
	if (WEXITSTATUS(status))
		return err_set(err, -EIO, "%s ended with exit code %d%s%s", hook->path,
			       WEXITSTATUS(status), colon, running->text);
	return 0;
}

static int run(const struct hooks *hooks, enum hook_point point, size_t i, const char *state, struct err *err)
{
	const struct hook *hook = &hooks->at[point][i];
	struct running running = { .pidfd = -1, .output = -1 };
	/* What runs in the container's root does not see the bundle. */
	int status = spawn(&running, hook, point == HOOK_START_CONTAINER ? NULL : hooks->directory, state);

	if (!status)
		status = await(&running, hook->timeout_s);
	if (status < 0)
		stop(&running);
	drain(&running);
	fd_close(&running.pidfd);
	fd_close(&running.output);
	return judge(status, hook, &running, err);
}

/* --- running all ------------------------------------------------------------------------------ */

int hooks_run(const struct hooks *hooks, enum hook_point point, const char *state, struct err *err)
{
	for (size_t i = 0; i < hooks->count[point]; i++)
		if (run(hooks, point, i, state, err) < 0)
			return err_context(err, "hooks.%s[%zu]", names[point], i);
	return 0;
}

void hooks_run_all(const struct hooks *hooks, enum hook_point point, const char *state)
{
	for (size_t i = 0; i < hooks->count[point]; i++) {
		struct err err = ERR_INIT;

		if (run(hooks, point, i, state, &err) < 0)
			log_warn("hooks.%s[%zu]: %s", names[point], i, err.text);
	}
}

void hooks_run_saved(const struct state *state, enum hook_point point)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	struct hooks hooks;

	if (hooks_load(&hooks, state->dirfd, STATE_HOOKS, &err) < 0)
		log_warn("container %s: %s", state->id, err.text);
	hooks.directory = state->bundle;
	if (hooks.count[point]) {
		state_format_as(state, point == HOOK_POSTSTOP ? STATE_STOPPED : STATE_RUNNING, &text);
		hooks_run_all(&hooks, point, buf_text(&text));
	}
	hooks_release(&hooks);
}
