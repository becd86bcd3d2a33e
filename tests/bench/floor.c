/*
 * floor - the least that the kernel makes a container's life cost, for tests/bench/runtime.sh: the
 * same system calls that every runtime needs, and none besides. No configuration is read, nothing
 * is checked, nothing can be undone.
 *
 *	floor run DIR CGROUP WORD...	a container, from cgroup to exit status: all new namespaces,
 *					overlay of DIR/{lower,upper,work} on DIR/root, pivot_root
 *	floor start DIR CGROUP PIDFILE WORD...	the same, which stays
 *	floor exec PID CGROUP WORD...		a program in the namespaces and the cgroup of PID
 *	floor stop PIDFILE		SIGTERM, and until it is gone
 *	floor drop CGROUP		the cgroup of one that is gone
 *	floor mounted DIR WORD...	a program of the host that finds the overlay mounted
 *	floor -t ...			cgroup v1 entered by `tasks`, which only the one who enters can
 *					use, and for which the kernel waits for nobody
 * and what runs in there:
 *	floor true			ends at once
 *	floor idle			waits for SIGTERM, then ends
 *	floor hello			prints a line
 *	floor serve PORT		answers every request for HTTP with 200
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"
#define NEW_NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define PATH_SIZE 4096

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	fputs("floor: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(125);
}

/* --- cgroups: those that a container needs, in every hierarchy of v1 or the one of v2 -------- */

static const char *const hierarchies[] = {
	"", "cpu", "cpuacct", "memory", "pids", "devices", "freezer", "systemd", NULL
};

/* The path of a file of the cgroup; false when there is no such hierarchy. */
static bool cgroup_path(char path[static PATH_SIZE], const char *hierarchy, const char *cgroup,
			const char *file)
{
	char real[64];

	if (!*hierarchy)
		snprintf(path, PATH_SIZE, CGROUPS "/cgroup.procs");
	else
		snprintf(path, PATH_SIZE, CGROUPS "/%s/cgroup.procs", hierarchy);
	if (access(path, F_OK) < 0)
		return false;
	snprintf(path, PATH_SIZE, CGROUPS "/%s", hierarchy);
	/* cpuacct is most often cpu once more. */
	if (!strcmp(hierarchy, "cpuacct") && readlink(path, real, sizeof(real)) > 0)
		return false;
	snprintf(path, PATH_SIZE, CGROUPS "/%s%s%s/%s", hierarchy, *hierarchy ? "/" : "", cgroup,
		 file);
	return true;
}

static void cgroup_make(const char *cgroup)
{
	char path[PATH_SIZE];

	for (int i = 0; hierarchies[i]; i++)
		if (cgroup_path(path, hierarchies[i], cgroup, "") && mkdir(path, 0755) < 0)
			die("make %s", path);
}

static const char *entry = "cgroup.procs";

static void cgroup_enter(const char *cgroup)
{
	char path[PATH_SIZE];
	int fd;

	for (int i = 0; hierarchies[i]; i++) {
		if (!cgroup_path(path, hierarchies[i], cgroup, entry))
			continue;
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			die("enter %s", path);
		close(fd);
	}
}

static void cgroup_drop(const char *cgroup)
{
	char path[PATH_SIZE];

	for (int i = 0; hierarchies[i]; i++)
		if (cgroup_path(path, hierarchies[i], cgroup, "") && rmdir(path) < 0)
			die("remove %s", path);
}

/* --- the container ----------------------------------------------------------------------------- */

static void mount_overlay(const char *dir)
{
	char options[3 * PATH_SIZE], target[PATH_SIZE];

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("make mounts private");
	snprintf(target, sizeof(target), "%s/root", dir);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
		 dir, dir, dir);
	if (mount("overlay", target, "overlay", 0, options) < 0)
		die("mount the overlay on %s", target);
	if (chdir(target) < 0)
		die("enter %s", target);
}

static _Noreturn void execute(char **words)
{
	execv(words[0], words);
	die("execute %s", words[0]);
}

static _Noreturn void contain(const char *dir, const char *cgroup, char **words)
{
	cgroup_enter(cgroup);
	if (unshare(CLONE_NEWCGROUP) < 0)
		die("make a cgroup namespace");
	mount_overlay(dir);
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		die("change the root");
	execute(words);
}

static pid_t launch(const char *dir, const char *cgroup, char **words)
{
	pid_t pid;

	cgroup_make(cgroup);
	pid = (pid_t)syscall(SYS_clone, NEW_NAMESPACES | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		die("clone");
	if (!pid)
		contain(dir, cgroup, words);
	return pid;
}

static int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		die("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(const char *dir, const char *cgroup, char **words)
{
	int code = wait_for(launch(dir, cgroup, words));

	cgroup_drop(cgroup);
	return code;
}

static void block_end(sigset_t *end)
{
	sigemptyset(end);
	sigaddset(end, SIGTERM);
	sigprocmask(SIG_BLOCK, end, NULL);
}

static int start(const char *dir, const char *cgroup, const char *pid_file, char **words)
{
	sigset_t end;
	FILE *file;
	pid_t pid;

	/* Or one that comes before `idle` waits for it would be lost: it is init there. */
	block_end(&end);
	pid = launch(dir, cgroup, words);
	file = fopen(pid_file, "w");

	if (!file || fprintf(file, "%d\n", (int)pid) < 0 || fclose(file))
		die("write %s", pid_file);
	return 0;
}

/* --- exec and stop ----------------------------------------------------------------------------- */

static int open_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		die("open process %d", (int)pid);
	return fd;
}

static int execute_in(const char *pid_text, const char *cgroup, char **words)
{
	int process = open_pidfd(atoi(pid_text));
	pid_t pid;

	cgroup_enter(cgroup);
	if (setns(process, NEW_NAMESPACES | CLONE_NEWCGROUP) < 0)
		die("enter the namespaces of %s", pid_text);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		execute(words);
	return wait_for(pid);
}

static int stop(const char *pid_file)
{
	FILE *file = fopen(pid_file, "r");
	struct pollfd process;
	int pid;

	if (!file || fscanf(file, "%d", &pid) != 1)
		die("read %s", pid_file);
	process = (struct pollfd){ .fd = open_pidfd(pid), .events = POLLIN };
	if (kill(pid, SIGTERM) < 0 || poll(&process, 1, -1) < 0)
		die("stop %d", pid);
	return 0;
}

static _Noreturn void execute_mounted(const char *dir, char **words)
{
	if (unshare(CLONE_NEWNS) < 0)
		die("make a mount namespace");
	mount_overlay(dir);
	execvp(words[0], words);
	die("execute %s", words[0]);
}

/* --- inside ------------------------------------------------------------------------------------ */

static int idle(void)
{
	sigset_t end;
	int signal;

	block_end(&end);
	return sigwait(&end, &signal);
}

static int serve(const char *port)
{
	static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	char request[4096];

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 8) < 0)
		die("listen on port %s", port);
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (read(client, request, sizeof(request)) > 0 &&
		    write(client, answer, sizeof(answer) - 1) < 0)
			die("answer");
		close(client);
	}
}

int main(int argc, char **argv)
{
	const char *verb;

	if (argc > 1 && !strcmp(argv[1], "-t")) {
		entry = "tasks";
		argv++;
		argc--;
	}
	verb = argc > 1 ? argv[1] : "";
	if (!strcmp(verb, "true"))
		return 0;
	if (!strcmp(verb, "idle"))
		return idle();
	if (!strcmp(verb, "hello"))
		return puts("hello") < 0;
	if (!strcmp(verb, "run") && argc > 4)
		return run(argv[2], argv[3], argv + 4);
	if (!strcmp(verb, "start") && argc > 5)
		return start(argv[2], argv[3], argv[4], argv + 5);
	if (!strcmp(verb, "exec") && argc > 4)
		return execute_in(argv[2], argv[3], argv + 4);
	if (!strcmp(verb, "stop") && argc == 3)
		return stop(argv[2]);
	if (!strcmp(verb, "serve") && argc == 3)
		return serve(argv[2]);
	if (!strcmp(verb, "drop") && argc == 3) {
		cgroup_drop(argv[2]);
		return 0;
	}
	if (!strcmp(verb, "mounted") && argc > 3)
		execute_mounted(argv[2], argv + 3);
	fprintf(stderr, "floor: wrong usage; see the head of tests/bench/floor.c\n");
	return 2;
}
