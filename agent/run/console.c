#include "agent/run/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/run/mount.h"
#include "agent/run/path.h"
#include "lib/fd.h"

#define DEVPTS_MAGIC 0x1cd1
#define SLAVES_MAX 4096

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441 /* 4.13 */
#endif

/*
 * By the directory, after a look at what it is, and with another at what came of it: a container that
 * can mount could have put something over it, or over /proc/self/fd, by which it would be shorter.
 */
static int open_devpts(int root, const char *name, struct err *err)
{
	FD_CLEANUP int dir = path_open(root, "/dev/pts", PATH_NO_LINKS, err);
	FD_CLEANUP int fd = -1;
	struct statfs fs;

	if (dir < 0)
		return dir;
	if (fstatfs(dir, &fs) < 0 || fs.f_type != DEVPTS_MAGIC)
		return err_set(err, -ENODEV, "a terminal needs a devpts file system on /dev/pts");
	fd = openat(dir, name, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open /dev/pts/%s", name);
	if (fstatfs(fd, &fs) < 0 || fs.f_type != DEVPTS_MAGIC)
		return err_set(err, -ENODEV, "/dev/pts/%s is not of the devpts file system", name);
	if (fcntl(fd, F_SETFL, O_RDWR) < 0)
		return err_sys(err, "open /dev/pts/%s", name);
	return fd_steal(&fd);
}

static int open_slave(int root, int master, struct err *err)
{
	int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	unsigned int number;
	char name[16];

	if (fd >= 0)
		return fd;
	if (ioctl(master, TIOCGPTN, &number) < 0)
		return err_sys(err, "ask for the terminal's number");
	snprintf(name, sizeof(name), "%u", number);
	return open_devpts(root, name, err);
}

int console_open(struct console *console, int root, struct err *err)
{
	int unlocked = 0;

	*console = (struct console){ -1, -1 };
	console->master = open_devpts(root, "ptmx", err);
	if (console->master < 0)
		return console->master;
	if (ioctl(console->master, TIOCSPTLCK, &unlocked) < 0)
		return err_sys(err, "unlock the terminal");
	console->slave = open_slave(root, console->master, err);
	return console->slave < 0 ? console->slave : 0;
}

void console_close(struct console *console)
{
	fd_close(&console->master);
	fd_close(&console->slave);
}

void console_resize(int fd, unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (rows || columns)
		ioctl(fd, TIOCSWINSZ, &size);
}

int console_bind(const struct console *console, int root, struct err *err)
{
	FD_CLEANUP int target = path_open(root, "/dev/console", PATH_MAKE_FILE | PATH_NO_LINKS, err);
	char source[PATH_OF_FD_MAX];

	if (target < 0)
		return target;
	return mount_bind(path_of_fd(source, console->slave), target, 0, err);
}

int console_send(struct console *console, int sock, struct err *err)
{
	int rc = fd_send(sock, "/dev/ptmx", 9, &console->master, 1);

	fd_close(&console->master);
	if (rc < 0)
		return err_code(err, rc, "send the terminal to the console socket");
	return 0;
}

int console_receive(int sock, struct err *err)
{
	int fds[4];
	size_t count;
	char name[64];
	ssize_t got = fd_receive(sock, name, sizeof(name), fds, &count);

	while (got >= 0 && count > 1)
		close(fds[--count]);
	if (got < 0 || count != 1)
		return err_set(err, -EPIPE, "no terminal came over the console socket");
	return fds[0];
}

int console_attach(struct console *console, uid_t uid, struct err *err)
{
	if (fchown(console->slave, uid, (gid_t)-1) < 0)
		return err_sys(err, "give the terminal to uid %u", uid);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(console->slave, fd) < 0)
			return err_sys(err, "make the terminal descriptor %d", fd);
	fd_close(&console->slave);
	return 0;
}

int console_control(struct err *err)
{
	if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return err_sys(err, "make the terminal the controlling one");
	return 0;
}

int console_connect(const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	FD_CLEANUP int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "console socket %s: the path has over %zu bytes",
			       path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "connect to the console socket %s", path);
	return fd_steal(&sock);
}
