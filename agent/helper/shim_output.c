/* The container's stdin, stdout and stderr, or its terminal; what it writes goes into the log. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/helper/shim_parts.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/time.h"

#define CONSOLE_SOCKET "console.sock"

static int open_pipe(int *reader, int *writer, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	*reader = ends[0];
	*writer = ends[1];
	return 0;
}

static int open_console(struct shim *shim, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = CONSOLE_SOCKET };

	unlink(CONSOLE_SOCKET);
	shim->console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (shim->console < 0 ||
	    bind(shim->console, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(shim->console, 1) < 0)
		return err_sys(err, "make " CONSOLE_SOCKET);
	return 0;
}

static int open_pipes(struct shim *shim, struct err *err)
{
	for (int i = 0; i < SHIM_OUTPUTS; i++) {
		struct shim_output *output = &shim->outputs[i];

		if (open_pipe(&output->fd, &shim->stdio[i + 1], err) < 0)
			return -EIO;
		fd_set_nonblocking(output->fd, true);
	}
	if (shim->keep_stdin)
		return open_pipe(&shim->stdio[0], &shim->input, err);
	shim->stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return shim->stdio[0] < 0 ? err_sys(err, "open /dev/null") : 0;
}

int shim_open_stdio(struct shim *shim, struct err *err)
{
	int rc = logring_open(&shim->log, AT_FDCWD, shim->log_size, err);

	if (!rc)
		rc = open_pipe(&shim->errors[0], &shim->errors[1], err);
	if (rc < 0)
		return rc;
	fd_set_nonblocking(shim->errors[0], true);
	return shim->tty ? open_console(shim, err) : open_pipes(shim, err);
}

int shim_keep_stdio(struct shim *shim, struct err *err)
{
	FD_CLEANUP int sock = -1;
	int fds[4];
	size_t count = 0;
	char name[64];

	for (int i = 0; i < 3; i++)
		fd_close(&shim->stdio[i]);
	if (!shim->tty)
		return 0;
	sock = accept4(shim->console, NULL, NULL, SOCK_CLOEXEC);
	if (sock < 0 || fd_receive(sock, name, sizeof(name), fds, &count) < 0 || count != 1)
		return err_set(err, -EPIPE,
			       "the runtime sent no terminal: is process.terminal true "
			       "in config.json?");
	fd_close(&shim->console);
	unlink(CONSOLE_SOCKET);
	fd_set_nonblocking(fds[0], true);
	shim->outputs[0].fd = fds[0];
	shim->input = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
	return 0;
}

static char *line_of(struct shim *shim, const struct shim_output *output)
{
	return shim->lines[output - shim->outputs];
}

/* A full tmpfs must not stop the application: output is lost then, said once. */
static void keep(struct shim *shim, const struct shim_output *output, size_t size)
{
	int stream = output == &shim->outputs[0] ? LOGRING_STDOUT : LOGRING_STDERR;
	static bool told;
	int rc = logring_write(&shim->log, stream, time_now_ns(), line_of(shim, output),
			       size);

	if (rc < 0 && !told)
		log_warn("container %s: its output is lost: %s", shim->id, strerror(-rc));
	told = rc < 0;
}

static void keep_whole_lines(struct shim *shim, struct shim_output *output)
{
	char *line = line_of(shim, output), *end = memrchr(line, '\n', output->size);
	size_t whole = end ? (size_t)(end - line) + 1 : 0;

	if (!whole && output->size == LOGRING_DATA_MAX)
		whole = output->size;
	if (!whole)
		return;
	keep(shim, output, whole);
	output->size -= whole;
	memmove(line, line + whole, output->size);
}

static void keep_begun_line(struct shim *shim, struct shim_output *output)
{
	if (output->size)
		keep(shim, output, output->size);
	output->size = 0;
}

bool shim_has_begun_line(const struct shim *shim)
{
	bool has = false;

	for (int i = 0; i < SHIM_OUTPUTS; i++)
		has = has || shim->outputs[i].size;
	return has;
}

void shim_keep_begun_lines(struct shim *shim)
{
	for (int i = 0; i < SHIM_OUTPUTS; i++)
		keep_begun_line(shim, &shim->outputs[i]);
}

static void close_output(struct shim *shim, struct shim_output *output)
{
	keep_begun_line(shim, output);
	fd_close(&output->fd);
}

/* True when there may be more. */
static bool read_some(struct shim *shim, struct shim_output *output)
{
	ssize_t got = read(output->fd, line_of(shim, output) + output->size,
			   LOGRING_DATA_MAX - output->size);

	if (got < 0 && errno == EINTR)
		return true;
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0) { /* EIO: nobody has the terminal open any more */
		close_output(shim, output);
		return false;
	}
	output->size += (size_t)got;
	keep_whole_lines(shim, output);
	return true;
}

void shim_read_output(struct shim *shim, struct shim_output *output)
{
	read_some(shim, output);
}

void shim_drain_output(struct shim *shim)
{
	for (int i = 0; i < SHIM_OUTPUTS; i++) {
		struct shim_output *output = &shim->outputs[i];

		while (output->fd >= 0 && read_some(shim, output))
			;
		if (output->fd >= 0)
			close_output(shim, output);
	}
}

void shim_read_errors(int fd, char text[static ERR_TEXT_MAX])
{
	char data[ERR_TEXT_MAX];
	ssize_t got = read(fd, data, sizeof(data) - 1);
	const char *line = data;

	data[got > 0 ? got : 0] = '\0';
	data[strcspn(data, "\n")] = '\0';
	/* "berth runtime create: " */
	if (!strncmp(data, "berth runtime ", 14) && strstr(data, ": "))
		line = strstr(data, ": ") + 2;
	snprintf(text, ERR_TEXT_MAX, "%s", *line ? line : "the runtime was killed");
}
