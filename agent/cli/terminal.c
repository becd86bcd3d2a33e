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
static volatile sig_atomic_t was_resized;

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

static void on_resize(int number)
{
	(void)number;
	was_resized = 1;
}

void terminal_watch_size(sigset_t *while_waiting)
{
	struct sigaction action = { .sa_handler = on_resize };
	sigset_t resize;

	sigemptyset(&resize);
	sigaddset(&resize, SIGWINCH);
	sigprocmask(SIG_BLOCK, &resize, while_waiting);
	sigdelset(while_waiting, SIGWINCH);
	sigaction(SIGWINCH, &action, NULL);
}

bool terminal_was_resized(void)
{
	bool it_was = was_resized;

	was_resized = 0;
	return it_was;
}
