#include "agent/api/exec_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/api/exec.h"
#include "agent/job.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"

/* The words of `berth runtime exec`, in a vector to free(); its strings stay the exec's but for the other two. */
static char **make_argv(struct exec *exec, char *root, char *size)
{
	size_t count = 0, most = 18 + 2 * count_strings(exec->env) + count_strings(exec->command);
	char **argv = xcalloc(most, sizeof(*argv));

	argv[count++] = "berth";
	argv[count++] = "runtime";
	argv[count++] = "--root";
	argv[count++] = root;
	argv[count++] = "exec";
	if (exec->user) {
		argv[count++] = "--user";
		argv[count++] = exec->user;
	}
	if (exec->workdir) {
		argv[count++] = "--cwd";
		argv[count++] = exec->workdir;
	}
	if (exec->privileged) {
		argv[count++] = "--cap";
		argv[count++] = "ALL";
	}
	if (exec->tty) {
		argv[count++] = "--tty";
		argv[count++] = "--console-socket";
		argv[count++] = exec->console_path;
	}
	if (exec->tty && exec->rows) {
		argv[count++] = "--console-size";
		argv[count++] = size;
	}
	for (char **env = exec->env; env && *env; env++) {
		argv[count++] = "--env";
		argv[count++] = *env;
	}
	argv[count++] = exec->container;
	for (char **word = exec->command; *word; word++)
		argv[count++] = *word;
	return argv;
}

static int spawn(struct exec *exec, const int fds[3], struct err *err)
{
	char *root FREE_CLEANUP = xasprintf("%s/runtime", exec->agent->config->run);
	char size[16]; /* set before the command can ask for it */
	char **argv = make_argv(exec, root, size);
	struct job_spec spec = { .argv = argv };
	pid_t pid;

	snprintf(size, sizeof(size), "%ux%u", exec->rows, exec->columns);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			spec.fds[spec.fd_count++] = (struct job_fd){ .from = fds[i], .to = i };
	pid = helper_spawn(&spec, false, err);
	free(argv);
	if (pid < 0)
		return err->code;
	exec->child.pid = pid;
	return 0;
}

struct pipes {
	int in[2], out[2], error[2]; /* [0] is read from, [1] written to; -1: not wanted */
};

static void close_pipes(struct pipes *pipes)
{
	for (int i = 0; i < 2; i++) {
		fd_close(&pipes->in[i]);
		fd_close(&pipes->out[i]);
		fd_close(&pipes->error[i]);
	}
}

static int open_pipes(const struct exec *exec, struct pipes *pipes, struct err *err)
{
	*pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if ((exec->attach_stdin && pipe2(pipes->in, O_CLOEXEC) < 0) ||
	    (exec->attach_stdout && pipe2(pipes->out, O_CLOEXEC) < 0) ||
	    (exec->attach_stderr && pipe2(pipes->error, O_CLOEXEC) < 0)) {
		err_sys(err, "pipe");
		close_pipes(pipes);
		return err->code;
	}
	return 0;
}

static int spawn_attached(struct exec *exec, struct err *err)
{
	int null FD_CLEANUP = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct pipes pipes;
	int rc = open_pipes(exec, &pipes, err);

	if (rc < 0)
		return rc;
	/* stderr would be the agent's log otherwise. */
	rc = spawn(exec, (int[]){ pipes.in[0], pipes.out[1], exec->attach_stderr ? pipes.error[1] : null },
		   err);
	if (rc == 0)
		relay_pipes(&exec->relay, fd_steal(&pipes.in[1]), fd_steal(&pipes.out[0]),
			    fd_steal(&pipes.error[0]));
	close_pipes(&pipes);
	return rc;
}

static int spawn_detached(struct exec *exec, struct err *err)
{
	int null FD_CLEANUP = open("/dev/null", O_WRONLY | O_CLOEXEC);

	return spawn(exec, (int[]){ -1, -1, null }, err);
}

static void on_console_message(struct watch *watch, uint32_t events)
{
	struct exec *exec = watch->data;
	char data[128];
	int fds[4];
	size_t count = 1;
	ssize_t got = fd_receive(exec->console, data, sizeof(data), fds, &count);

	(void)events;
	if (got == -EAGAIN)
		return;
	exec_spawn_release(exec);
	if (got < 0 || count != 1) {
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		log_warn("exec %.12s: the runtime sent no terminal", exec->id);
		return;
	}
	exec->master = fds[0];
	if (exec->was_resized)
		exec_terminal_resize(exec->master, exec->rows, exec->columns);
	relay_terminal(&exec->relay, exec->master);
}

static void on_console_connect(struct watch *watch, uint32_t events)
{
	struct exec *exec = watch->data;
	int fd = accept4(exec->console, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	exec_spawn_release(exec);
	exec->console = fd;
	watch_start(&exec->agent->loop, &exec->console_watch, fd, EPOLLIN, on_console_message, exec);
}

static int listen_for_console(struct exec *exec, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *path FREE_CLEANUP = xasprintf("%s/exec-%.16s.sock", exec->agent->config->run, exec->id);
	int fd FD_CLEANUP = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "socket %s: the path is too long", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "socket %s", path);
	exec->console_path = steal_pointer(&path);
	exec->console = fd_steal(&fd);
	if (listen(exec->console, 1) < 0)
		return err_sys(err, "listen at %s", exec->console_path);
	watch_start(&exec->agent->loop, &exec->console_watch, exec->console, EPOLLIN,
		    on_console_connect, exec);
	return 0;
}

/* What the runtime has to say when it fails comes by stderr; the terminal comes later. */
static int spawn_with_terminal(struct exec *exec, struct err *err)
{
	int error[2], rc;

	if (listen_for_console(exec, err) < 0)
		return err->code;
	if (pipe2(error, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	rc = spawn(exec, (int[]){ -1, -1, error[1] }, err);
	close(error[1]);
	if (rc < 0)
		close(error[0]);
	else
		relay_errors(&exec->relay, error[0]);
	return rc;
}

void exec_spawn_release(struct exec *exec)
{
	watch_stop(&exec->console_watch);
	fd_close(&exec->console);
	if (exec->console_path)
		unlink(exec->console_path);
	free(exec->console_path);
	exec->console_path = NULL;
}

int exec_spawn(struct exec *exec, struct err *err)
{
	if (exec->tty)
		return spawn_with_terminal(exec, err);
	return exec->has_relay ? spawn_attached(exec, err) : spawn_detached(exec, err);
}

int exec_terminal_resize(int master, unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	return ioctl(master, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}
