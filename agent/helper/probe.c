#include "agent/helper/probe.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent/applets.h"
#include "agent/run/caps.h"
#include "agent/run/ns.h"
#include "lib/fd.h"
#include "lib/sys.h"

#define EXIT_UNHEALTHY 1
#define EXIT_USAGE 2
#define NOBODY 65534

struct probe {
	pid_t pid;
	uint64_t start_ticks; /* 0: not told */
	long timeout_ms;
	const char *host; /* not "" */
	const char *port;
	const char *path; /* NULL: tcp */
};

static char late_text[64]; /* made before the timer runs: a signal handler can't format */

int probe_parse_status(const char *data, size_t size)
{
	static const char start[] = "HTTP/1.";
	const char *end = memchr(data, '\n', size);
	int status = 0;

	if (size >= 7 && memcmp(data, start, 7))
		return -EPROTO;
	if (!end)
		return size < PROBE_LINE_MAX ? -EAGAIN : -EPROTO;
	/* "HTTP/1.1 200 OK" */
	if (end - data < 12 || data[8] != ' ')
		return -EPROTO;
	for (int i = 9; i < 12; i++) {
		if (data[i] < '0' || data[i] > '9')
			return -EPROTO;
		status = 10 * status + (data[i] - '0');
	}
	if (data[12] != ' ' && data[12] != '\r' && data[12] != '\n')
		return -EPROTO;
	return status < 100 ? -EPROTO : status;
}

static void too_late(int signal)
{
	(void)signal;
	(void)!write(STDOUT_FILENO, late_text, strlen(late_text));
	_exit(EXIT_UNHEALTHY);
}

/* One timer for all: name resolution blocks as well. */
static void limit_time(long timeout_ms)
{
	struct itimerval timer = { .it_value = { timeout_ms / 1000, timeout_ms % 1000 * 1000 } };

	snprintf(late_text, sizeof(late_text), "no answer within %ld ms\n", timeout_ms);
	signal(SIGALRM, too_late);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static int enter_network(const struct probe *probe, struct err *err)
{
	struct ns_fds ns;
	uint64_t ticks = 0;
	int rc = ns_open_process(&ns, probe->pid, err);

	/* Compared after the namespaces were opened: so they are that process's. */
	if (!rc && probe->start_ticks &&
	    (sys_process_start(probe->pid, &ticks) < 0 || ticks != probe->start_ticks))
		rc = err_set(err, -ESRCH, "the container has ended");
	for (int i = 0; i < NS_TYPES; i++)
		if (i != NS_NET)
			fd_close(&ns.fds[i]);
	if (!rc)
		rc = ns_enter(&ns, err);
	ns_close(&ns);
	return rc;
}

static int drop_rights(struct err *err)
{
	static const struct caps none;

	if (caps_limit(&none, err) < 0)
		return err->code;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return err_sys(err, "become nobody");
	if (caps_apply(&none, err) < 0)
		return err->code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "set no_new_privs");
	return 0;
}

static int connect_one(const struct addrinfo *address)
{
	FD_CLEANUP int sock = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || connect(sock, address->ai_addr, address->ai_addrlen) < 0)
		return -errno;
	return fd_steal(&sock);
}

static int connect_host(const char *host, const char *port, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	int rc = getaddrinfo(host, port, &hints, &list), sock = -EHOSTUNREACH;

	if (rc)
		return err_set(err, -EHOSTUNREACH, "resolve %s: %s", host, gai_strerror(rc));
	for (struct addrinfo *a = list; a && sock < 0; a = a->ai_next)
		sock = connect_one(a);
	freeaddrinfo(list);
	if (sock < 0)
		return err_code(err, sock, "connect to %s port %s", host, port);
	return sock;
}

/* What is known without asking: a device's /etc/hosts may lack it (RFC 6761, 6.3). */
static int connect_localhost(const char *port, struct err *err)
{
	int sock = connect_host("127.0.0.1", port, err);

	return sock == -ECONNREFUSED ? connect_host("::1", port, NULL) : sock;
}

static int read_status(int sock)
{
	char data[PROBE_LINE_MAX];
	size_t size = 0;
	int status = -EAGAIN;

	while (status == -EAGAIN) {
		ssize_t got = read(sock, data + size, sizeof(data) - size);

		if (got <= 0)
			return got < 0 ? -errno : -ENODATA;
		size += (size_t)got;
		status = probe_parse_status(data, size);
	}
	return status;
}

static int ask(const struct probe *probe, int sock, struct err *err)
{
	bool is_ipv6 = strchr(probe->host, ':');
	FREE_CLEANUP char *request = xasprintf(
		"GET %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nUser-Agent: berth-probe\r\nAccept: */*\r\n"
		"Connection: close\r\n\r\n", probe->path, is_ipv6 ? "[" : "", probe->host,
		is_ipv6 ? "]" : "", probe->port);
	int rc = fd_write_full(sock, request, strlen(request));

	if (rc < 0)
		return err_code(err, rc, "send the request");
	rc = read_status(sock);
	if (rc == -ENODATA)
		return err_set(err, rc, "GET %s: closed without an answer", probe->path);
	if (rc == -EPROTO)
		return err_set(err, rc, "GET %s: the answer is not HTTP", probe->path);
	if (rc < 0)
		return err_code(err, rc, "GET %s", probe->path);
	if (rc < 200 || rc > 399)
		return err_set(err, -EPROTO, "GET %s: status %d", probe->path, rc);
	return 0;
}

static int run(const struct probe *probe, struct err *err)
{
	FD_CLEANUP int sock = -1;
	int rc = enter_network(probe, err);

	if (!rc)
		rc = drop_rights(err);
	if (rc < 0)
		return rc;
	limit_time(probe->timeout_ms);
	signal(SIGPIPE, SIG_IGN);
	sock = !strcmp(probe->host, "localhost") ? connect_localhost(probe->port, err) :
						   connect_host(probe->host, probe->port, err);
	if (sock < 0)
		return sock;
	return probe->path ? ask(probe, sock, err) : 0;
}

static bool is_clean(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static int read_options(struct probe *probe, int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "start", required_argument, NULL, 's' },
		{ "timeout", required_argument, NULL, 't' },
		{ 0 },
	};
	bool is_http;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'p')
			probe->pid = atoi(optarg);
		else if (option == 's')
			probe->start_ticks = strtoull(optarg, NULL, 10);
		else if (option == 't')
			probe->timeout_ms = atol(optarg);
		else
			return -EINVAL;
	}
	argv += optind;
	argc -= optind;
	is_http = argc == 4 && !strcmp(argv[0], "http") && argv[3][0] == '/' && is_clean(argv[3]);
	if (!is_http && !(argc == 3 && !strcmp(argv[0], "tcp")))
		return -EINVAL;
	if (probe->pid <= 0 || probe->timeout_ms <= 0 || !is_clean(argv[1]))
		return -EINVAL;
	probe->host = *argv[1] ? argv[1] : "localhost";
	probe->port = argv[2];
	probe->path = is_http ? argv[3] : NULL;
	return 0;
}

int probe_main(int argc, char **argv)
{
	struct probe probe = { 0 };
	struct err err = ERR_INIT;

	if (read_options(&probe, argc, argv) < 0) {
		fputs("usage: berth probe --pid N [--start TICKS] --timeout MS "
		      "http HOST PORT PATH | tcp HOST PORT\n", stderr);
		return EXIT_USAGE;
	}
	sys_close_from(3);
	if (run(&probe, &err) == 0)
		return 0;
	printf("%s\n", err.text);
	return EXIT_UNHEALTHY;
}
