#include "agent/run/reaper.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/run/report.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/sys.h"

#define EXIT_USAGE 2

char **reaper_command(char *const *args)
{
	static const char *const front[] = { "berth", "init", "--" };
	size_t count = count_strings(args), size = sizeof(front) / sizeof(*front);
	char **command = xcalloc(size + count + 1, sizeof(*command));

	for (size_t i = 0; i < size; i++)
		command[i] = (char *)(uintptr_t)front[i];
	memcpy(command + size, args, count * sizeof(*command));
	return command;
}

/* All but those that a fault of our own raises. */
static void block_signals(sigset_t *taken)
{
	static const int faults[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS };

	sigfillset(taken);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(taken, faults[i]);
	sigprocmask(SIG_SETMASK, taken, NULL);
}

/* In a process group of its own, which has the terminal: Ctrl-C is for the command, once. */
static _Noreturn void run(char **command)
{
	sigset_t none;
	int code;

	setpgid(0, 0);
	tcsetpgrp(STDIN_FILENO, getpid()); /* fails without a terminal */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(command[0], command);
	code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	dprintf(STDERR_FILENO, "berth init: %s: %s\n", command[0], strerror(errno));
	_exit(code);
}

/* True when `child` was among those that have ended. */
static bool reap(pid_t child, int *status)
{
	bool has_ended = false;
	int found;
	pid_t pid;

	while ((pid = waitpid(-1, &found, WNOHANG)) > 0) {
		if (pid != child)
			continue;
		*status = found;
		has_ended = true;
	}
	return has_ended;
}

static int follow(pid_t child, const sigset_t *taken)
{
	int status, number;

	for (;;) {
		number = sigwaitinfo(taken, NULL);
		if (number > 0 && number != SIGCHLD)
			kill(child, number);
		if (number == SIGCHLD && reap(child, &status))
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

int reaper_main(int argc, char **argv)
{
	sigset_t taken;
	pid_t child;

	if (argc < 3 || strcmp(argv[1], "--")) {
		dprintf(STDERR_FILENO, "usage: berth init -- COMMAND ARGUMENT...\n");
		return EXIT_USAGE;
	}
	prctl(PR_SET_NAME, "berth-init");
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* in the device's pid namespace it isn't number 1 */
	block_signals(&taken);
	child = fork();
	if (!child)
		run(argv + 2);
	if (child > 0)
		return follow(child, &taken);
	dprintf(STDERR_FILENO, "berth init: fork: %s\n", strerror(errno));
	return EXIT_CANNOT_RUN;
}
