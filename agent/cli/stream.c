#include "agent/cli/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/cli/detach.h"
#include "agent/cli/output.h"
#include "agent/cli/terminal.h"
#include "lib/fd.h"

#define COPY_SIZE 16384

struct copying {
	const struct stream *stream;
	struct cli *cli;
	struct output output;
	struct detach detach;
	bool input_is_open, was_detached;
};

/* Too early or too late is no matter: the size is only for show, and who has ended needs no signal. */
static void call(struct copying *copying, const char *target)
{
	if (cli_call_aside(copying->cli, "POST", target, NULL) < 0)
		copying->cli->err = ERR_INIT;
}

static void resize(struct copying *copying)
{
	unsigned short rows, columns;
	char target[256];

	terminal_size(STDIN_FILENO, &rows, &columns);
	snprintf(target, sizeof(target), "%s?h=%u&w=%u", copying->stream->resize, rows, columns);
	if (rows)
		call(copying, target);
}

static void handle_signals(struct copying *copying)
{
	char target[256];
	int number;

	while ((number = terminal_next_signal())) {
		if (number == SIGWINCH) {
			resize(copying);
			continue;
		}
		snprintf(target, sizeof(target), "%s?signal=%d", copying->stream->kill, number);
		call(copying, target);
	}
}

static int send_input(struct copying *copying, const char *data, size_t size)
{
	char typed[COPY_SIZE + DETACH_KEYS_MAX];

	if (!copying->detach.count)
		return fd_write_full(copying->cli->daemon.fd, data, size);
	copying->was_detached = detach_filter(&copying->detach, data, size, typed, &size);
	return fd_write_full(copying->cli->daemon.fd, typed, size);
}

/* At its end the other side reads that, too. */
static void copy_input(struct copying *copying)
{
	char data[COPY_SIZE];
	ssize_t got = read(STDIN_FILENO, data, sizeof(data));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got > 0 && send_input(copying, data, (size_t)got) == 0)
		return;
	shutdown(copying->cli->daemon.fd, SHUT_WR);
	copying->input_is_open = false;
}

/* 1: go on; 0: the process has closed its output. */
static int copy_output(struct copying *copying)
{
	struct err *err = &copying->cli->err;
	char data[COPY_SIZE];
	ssize_t got = read(copying->cli->daemon.fd, data, sizeof(data));

	if (got < 0 && errno == EINTR)
		return 1;
	if (got < 0)
		return err_sys(err, "read from the agent");
	if (got == 0)
		return 0;
	return output_write(&copying->output, data, (size_t)got, err) < 0 ? err->code : 1;
}

static int copy(struct copying *copying)
{
	const struct stream *stream = copying->stream;
	struct pollfd fds[2] = { { .fd = copying->cli->daemon.fd, .events = POLLIN },
				 { .events = POLLIN } };
	sigset_t mask;
	int rc = 1;

	terminal_watch_signals(stream->kill && !stream->has_terminal, &mask);
	if (stream->resize_first)
		resize(copying);
	while (rc > 0 && !copying->was_detached) {
		fds[1].fd = copying->input_is_open ? STDIN_FILENO : -1;
		if (ppoll(fds, 2, NULL, &mask) < 0) {
			if (errno != EINTR)
				return err_sys(&copying->cli->err, "poll");
			handle_signals(copying);
			continue;
		}
		if (fds[1].fd >= 0 && fds[1].revents)
			copy_input(copying);
		if (fds[0].revents)
			rc = copy_output(copying);
	}
	return rc < 0 ? rc : copying->was_detached ? STREAM_DETACHED : 0;
}

int stream_run(const struct stream *stream, struct cli *cli)
{
	struct copying copying = {
		.stream = stream,
		.cli = cli,
		.output.is_raw = stream->has_terminal,
		.input_is_open = stream->has_input,
	};
	bool takes_terminal = stream->has_terminal && stream->has_input && isatty(STDIN_FILENO);
	const char *early;
	size_t size;
	int rc = detach_parse(&copying.detach, stream->detach_keys ?: DETACH_DEFAULT, &cli->err);

	if (!takes_terminal)
		copying.detach.count = 0;
	daemon_early(&cli->daemon, &early, &size);
	if (rc == 0)
		rc = output_write(&copying.output, early, size, &cli->err);
	if (rc == 0 && takes_terminal && terminal_raw(STDIN_FILENO) < 0)
		rc = err_sys(&cli->err, "the terminal");
	if (rc == 0)
		rc = copy(&copying);
	terminal_restore();
	return rc;
}
