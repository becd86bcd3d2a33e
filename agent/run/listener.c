#include "agent/run/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "lib/sys.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

int listener_hand_over(int listener, int report, struct err *err)
{
	int rc = report_send_number(report, listener);

	if (!rc)
		rc = report_await_go(report);

	close(listener);
	return rc < 0 ? err_code(err, rc, "hand over the seccomp listener") : 0;
}

static int take(pid_t pid, int number, struct err *err)
{
	FD_CLEANUP int pidfd = sys_pidfd_open(pid);
	int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

	if (fd < 0 && errno == ENOSYS)
		return err_set(err, -ENOTSUP, "SCMP_ACT_NOTIFY needs Linux 5.6 (pidfd_getfd)");
	return fd < 0 ? err_sys(err, "take the seccomp listener") : fd;
}

/* runtime-spec 1.1, config-linux.md, "The Container Process State". */
static char *describe(const struct seccomp_profile *profile, const struct state *state,
		      enum state_status status, pid_t pid)
{
	JSON_CLEANUP json_t *annotations =
		state->annotations ? json_loads(state->annotations, 0, NULL) : NULL;
	JSON_CLEANUP json_t *json = json_pack(
		"{s:s, s:[s], s:i, s:s*, s:{s:s, s:s, s:s, s:i, s:s, s:O*}}", "ociVersion",
		"1.1.0", "fds", "seccompFd", "pid", (int)pid, "metadata",
		profile->listener_metadata, "state", "ociVersion", "1.1.0", "id", state->id,
		"status", state_status_name(status), "pid",
		(int)(status == STATE_CREATING ? pid : state->pid), "bundle", state->bundle,
		"annotations", annotations);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text)
		die_no_memory();
	return text;
}

static int connect_to(const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	FD_CLEANUP int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "the path has over %zu bytes",
			       sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "connect");
	return fd_steal(&sock);
}

static int send_to(const char *path, const char *text, int listener, struct err *err)
{
	FD_CLEANUP int sock = connect_to(path, err);
	int rc = sock < 0 ? sock : fd_send(sock, text, strlen(text), &listener, 1);

	if (sock >= 0 && rc < 0)
		err_code(err, rc, "send");
	return rc < 0 ? err_context(err, "linux.seccomp.listenerPath %s", path) : 0;
}

int listener_deliver(const struct seccomp_profile *profile, const struct state *state,
		     enum state_status status, pid_t pid, int report, struct failure *failure)
{
	FREE_CLEANUP char *text = describe(profile, state, status, pid);
	FD_CLEANUP int listener = -1;
	int number;

	if (report_receive_number(report, &number, failure) < 0)
		return failure_of(failure);
	listener = take(pid, number, &failure->err);
	if (listener < 0 ||
	    send_to(profile->listener_path, text, listener, &failure->err) < 0 ||
	    report_send_go(report, pid) < 0)
		return failure_of(failure);
	return 0;
}
