#include "agent/cli/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* A terminal belongs to the whole process, and a signal handler has to put it back. */
static struct termios saved;
static volatile sig_atomic_t raw_fd = -1;
static volatile sig_atomic_t pending[NSIG];

/* The first one alone when none is forwarded. */
static const int watched[] = { SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

void terminal_restore(void)
{
	if (raw_fd >= 0)
		tcsetattr(raw_fd, TCSADRAIN, &saved);
	raw_fd = -1;
}

static void on_deadly_signal(int number)
{
	terminal_restore();
	signal(number, SIG_DFL);
	raise(number);
}

int terminal_raw(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &saved) < 0)
		return -errno;
	raw = saved;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return -errno;
	raw_fd = fd;
	atexit(terminal_restore);
	signal(SIGTERM, on_deadly_signal);
	signal(SIGHUP, on_deadly_signal);
	signal(SIGINT, on_deadly_signal);
	return 0;
}

void terminal_size(int fd, unsigned short *rows, unsigned short *columns)
{
	struct winsize size = { 0 };

	ioctl(fd, TIOCGWINSZ, &size);
	*rows = size.ws_row;
	*columns = size.ws_col;
}

static void on_signal(int number)
{
	pending[number] = 1;
}

void terminal_watch_signals(bool forward, sigset_t *while_waiting)
{
	struct sigaction action = { .sa_handler = on_signal };
	size_t count = forward ? sizeof(watched) / sizeof(*watched) : 1;
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < count; i++)
		sigaddset(&blocked, watched[i]);
	sigprocmask(SIG_BLOCK, &blocked, while_waiting);
	for (size_t i = 0; i < count; i++) {
		sigdelset(while_waiting, watched[i]);
		sigaction(watched[i], &action, NULL);
	}
}

int terminal_next_signal(void)
{
	for (size_t i = 0; i < sizeof(watched) / sizeof(*watched); i++) {
		int number = watched[i];

		if (!pending[number])
			continue;
		pending[number] = 0;
		return number;
	}
	return 0;
}
