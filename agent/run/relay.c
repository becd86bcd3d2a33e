#include "agent/run/relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "lib/fd.h"

struct relay {
	pid_t pid;
	int console; /* -1: none */
	int signals;
	bool input;	    /* our stdin still has something for the terminal */
	bool raw;	    /* our own terminal was changed */
	struct termios old; /* what it was */
	int status;	    /* of wait(), -1: it runs */
};

static void fill_signals(sigset_t *set)
{
	/* What only says something about ourselves stays with us. */
	static const int own[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS,
				   SIGPIPE, SIGTTIN, SIGTTOU, SIGTSTP };

	sigfillset(set);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		sigdelset(set, own[i]);
}

void relay_prepare(void)
{
	sigset_t set;

	fill_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void copy_size(const struct relay *relay)
{
	struct winsize size;

	if (relay->console >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(relay->console, TIOCSWINSZ, &size);
}

static void make_raw(struct relay *relay)
{
	struct termios raw;

	relay->raw = tcgetattr(STDIN_FILENO, &relay->old) == 0;
	if (!relay->raw)
		return;
	raw = relay->old;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static void reap(struct relay *relay)
{
	int status;
	pid_t pid;

	/* A detached child of an earlier exec may be ours by adoption: all of them are reaped. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == relay->pid)
			relay->status = status;
}

static void handle_signal(struct relay *relay)
{
	struct signalfd_siginfo info;

	if (read(relay->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		reap(relay);
	else if (info.ssi_signo == SIGWINCH && relay->console >= 0)
		copy_size(relay);
	else
		kill(relay->pid, (int)info.ssi_signo);
}

/* One piece; false at the end. */
static bool copy(int from, int to)
{
	char data[4096];
	ssize_t got = read(from, data, sizeof(data));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	return got > 0 && fd_write_full(to, data, (size_t)got) == 0;
}

static void drop_console(struct relay *relay)
{
	fd_close(&relay->console);
	relay->input = false;
}

static void turn(struct relay *relay)
{
	struct pollfd fds[] = {
		{ .fd = relay->signals, .events = POLLIN },
		{ .fd = relay->console, .events = POLLIN },
		{ .fd = relay->input ? STDIN_FILENO : -1, .events = POLLIN },
	};

	if (poll(fds, 3, -1) < 0)
		return;
	if (fds[0].revents)
		handle_signal(relay);
	/* EIO: the last one that had the terminal open is gone. */
	if (fds[1].revents && !copy(relay->console, STDOUT_FILENO))
		drop_console(relay);
	if (fds[2].revents && relay->input)
		relay->input = copy(STDIN_FILENO, relay->console);
}

/* What the terminal still holds when the process has ended; others may go on writing to it. */
static void drain(const struct relay *relay)
{
	struct pollfd poll_fd = { .fd = relay->console, .events = POLLIN };

	while (poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & POLLIN)
		if (!copy(relay->console, STDOUT_FILENO))
			break;
}

int relay_run(pid_t pid, int console, struct err *err)
{
	struct relay relay = {
		.pid = pid, .console = console, .input = console >= 0, .status = -1
	};
	sigset_t set;

	fill_signals(&set);
	relay.signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (relay.signals < 0) {
		fd_close(&console);
		return err_sys(err, "wait for signals");
	}
	if (console >= 0) {
		copy_size(&relay);
		make_raw(&relay);
	}
	reap(&relay); /* it may have ended before there was anybody to tell */
	while (relay.status < 0)
		turn(&relay);
	if (relay.console >= 0)
		drain(&relay);
	if (relay.raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &relay.old);
	fd_close(&relay.console);
	fd_close(&relay.signals);
	return WIFSIGNALED(relay.status) ? 128 + WTERMSIG(relay.status) :
					   WEXITSTATUS(relay.status);
}
