#include "agent/helper/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/applets.h"
#include "agent/helper/shim_parts.h"
#include "agent/run/state.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/sys.h"

#define EXIT_USAGE 2
#define EXIT_FAILED 1

/* Zeroed before. Not an initialiser: with one, the program would have 11 kB of zeros in it. */
static void shim_init(struct shim *shim)
{
	shim->root = RUNTIME_ROOT;
	shim->log_size = SHIM_LOG_SIZE_DEFAULT;
	shim->input = shim->console = shim->log.fd = -1;
	shim->signals = shim->listener = -1;
	for (int i = 0; i < 2; i++)
		shim->errors[i] = shim->outputs[i].fd = -1;
	for (int i = 0; i < 3; i++)
		shim->stdio[i] = -1;
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++)
		shim->clients[i] = -1;
}

static int usage(const char *what)
{
	log_error("shim: %s; usage: berth shim [--tty] [--stdin] [--log-size BYTES] [--root DIR] "
		  "ID BUNDLE_DIR", what);
	return EXIT_USAGE;
}

static int read_options(struct shim *shim, int argc, char **argv)
{
	static const struct option options[] = {
		{ "tty", no_argument, NULL, 't' },
		{ "stdin", no_argument, NULL, 'i' },
		{ "log-size", required_argument, NULL, 'l' },
		{ "root", required_argument, NULL, 'r' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 't':
			shim->tty = true;
			break;
		case 'i':
			shim->keep_stdin = true;
			break;
		case 'l':
			shim->log_size = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			shim->root = optarg;
			break;
		default:
			return usage("unknown option");
		}
	}
	if (argc - optind != 2 || shim->log_size < 4 * LOGRING_DATA_MAX)
		return usage("an id and a bundle are needed, and a log of at least 16 KiB");
	shim->id = argv[optind];
	if (chdir(argv[optind + 1]) < 0) {
		log_error("shim: enter %s: %s", argv[optind + 1], strerror(errno));
		return EXIT_FAILED;
	}
	return 0;
}

/* The agent may have left one end of a socket pair as descriptor 3. */
static void keep_first_client(struct shim *shim)
{
	int type = 0;
	socklen_t size = sizeof(type);

	if (getsockopt(SHIM_FIRST_CLIENT_FD, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    type != SOCK_SEQPACKET) {
		close(SHIM_FIRST_CLIENT_FD);
		return;
	}
	fd_set_cloexec(SHIM_FIRST_CLIENT_FD, true);
	fd_set_nonblocking(SHIM_FIRST_CLIENT_FD, true);
	shim->clients[0] = SHIM_FIRST_CLIENT_FD;
}

/* On our own: no terminal, no signal but the one about children, no file but the agent's log. */
static int detach(struct shim *shim, struct err *err)
{
	static const int ignored[] = {
		SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2
	};
	FD_CLEANUP int null = -1;
	sigset_t children;

	if (sys_fill_standard_fds() < 0 || (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
		return err_sys(err, "open /dev/null");
	setsid(); /* fails when the agent has done it */
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	/* A shutdown asks everyone to end: the application decides, the shim ends after it. */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_SETMASK, &children, NULL);
	shim->signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	if (shim->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(err, "become the container's parent");
	return 0;
}

static void handle_children(struct shim *shim)
{
	struct signalfd_siginfo info;

	while (read(shim->signals, &info, sizeof(info)) > 0)
		;
	shim_reap(shim);
}

/* Until create is done its output is its error text: shim_run.c reads it then. */
static int output_to_watch(const struct shim *shim, int i)
{
	return shim->phase == SHIM_CREATING ? -1 : shim->outputs[i].fd;
}

static void turn(struct shim *shim)
{
	struct pollfd fds[2 + SHIM_OUTPUTS + SHIM_CLIENTS_MAX] = {
		{ .fd = shim->signals, .events = POLLIN },
		{ .fd = shim->listener, .events = POLLIN },
	};
	struct pollfd *outputs = fds + 2, *clients = outputs + SHIM_OUTPUTS;
	int ready;

	for (int i = 0; i < SHIM_OUTPUTS; i++)
		outputs[i] = (struct pollfd){ output_to_watch(shim, i), POLLIN, 0 };
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++)
		clients[i] = (struct pollfd){ shim->clients[i], POLLIN, 0 };
	ready = poll(fds, sizeof(fds) / sizeof(*fds),
		     shim_has_begun_line(shim) ? SHIM_LINE_MS : -1);
	if (ready == 0)
		shim_keep_begun_lines(shim);
	if (ready <= 0)
		return;
	for (int i = 0; i < SHIM_OUTPUTS; i++)
		if (outputs[i].revents)
			shim_read_output(shim, &shim->outputs[i]);
	if (fds[0].revents)
		handle_children(shim);
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++)
		if (clients[i].revents && shim->clients[i] >= 0)
			shim_read_client(shim, &shim->clients[i]);
	if (fds[1].revents)
		shim_accept(shim);
}

static int prepare(struct shim *shim, struct err *err)
{
	int rc;

	unlink("exit");
	unlink("started");
	unlink("pid");
	rc = detach(shim, err);
	if (!rc)
		rc = shim_listen(shim, err);
	if (!rc)
		rc = shim_mount_root(err);
	return rc ?: shim_open_stdio(shim, err);
}

int shim_main(int argc, char **argv)
{
	static struct shim the_shim;
	struct shim *shim = &the_shim;
	struct err err = ERR_INIT;
	int code;

	shim_init(shim);
	code = read_options(shim, argc, argv);
	if (code)
		return code;
	keep_first_client(shim);
	sys_close_from(SHIM_FIRST_CLIENT_FD + 1);
	prctl(PR_SET_NAME, "berth-shim");
	if (prepare(shim, &err) == 0) {
		shim_begin(shim);
	} else {
		log_error("container %s: %s", shim->id, err.text);
		shim_fail(shim, EXIT_FAILED, err.text);
		shim->done = shim->listener < 0 && shim->clients[0] < 0; /* nobody will ever ask */
	}
	while (!shim->done) {
		bool was_running = shim->phase == SHIM_RUNNING;

		turn(shim);
		/* Starting went deep; from here on the shim waits, mostly for days. */
		if (shim->phase == SHIM_RUNNING && !was_running)
			sys_release_stack();
		/* Nobody is there to say "bye": flash is not kept busy until somebody is. */
		if (shim->phase == SHIM_ENDED && !shim_has_client(shim))
			shim_unmount_root();
	}
	shim_unmount_root();
	unlink(SHIM_SOCKET);
	return 0;
}
