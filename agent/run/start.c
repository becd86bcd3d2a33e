#include "agent/run/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"

#define SOCKET "start.sock"
#define REQUEST "start"

/*
 * Through the directory's descriptor: a socket's path holds 107 bytes, the state's may be longer.
 */
static struct sockaddr_un address_of(const struct state *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET,
		 state->dirfd);
	return address;
}

int start_listen(const struct state *state, struct err *err)
{
	struct sockaddr_un address = address_of(state);
	FD_CLEANUP int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(sock, 8) < 0)
		return err_sys(err, "make the container's " SOCKET);
	return fd_steal(&sock);
}

int start_await(int listener, struct err *err)
{
	for (;;) {
		FD_CLEANUP int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		char text[16];
		ssize_t got;

		if (sock < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (sock < 0)
			return err_sys(err, "wait on " SOCKET);
		got = recv(sock, text, sizeof(text), 0);
		if (got == strlen(REQUEST) && !memcmp(text, REQUEST, (size_t)got))
			return fd_steal(&sock);
	}
}

static int connect_to(const struct state *state, int flags)
{
	struct sockaddr_un address = address_of(state);
	FD_CLEANUP int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);

	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return fd_steal(&sock);
}

int start_request(const struct state *state, struct failure *failure)
{
	FD_CLEANUP int sock = connect_to(state, 0);
	struct failure answer;
	ssize_t got = -1;

	*failure = (struct failure){ 0 };
	if (sock >= 0 && fd_send(sock, REQUEST, strlen(REQUEST), NULL, 0) == 0)
		got = fd_read_full(sock, &answer, sizeof(answer));
	if (got != sizeof(answer)) {
		err_set(&failure->err, -EPIPE, "container %s ended before it was started",
			state->id);
		return failure_of(failure);
	}
	if (answer.exit_code) {
		*failure = answer;
		return failure_of(failure);
	}
	if (report_receive_end(sock, failure) < 0)
		return failure_of(failure);
	unlinkat(state->dirfd, SOCKET, 0);
	return 0;
}

bool start_is_awaited(const struct state *state)
{
	FD_CLEANUP int sock = connect_to(state, SOCK_NONBLOCK);

	return sock >= 0 || sock == -EAGAIN;
}
