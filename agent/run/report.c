#include "agent/run/report.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/utf8.h"

int failure_of(struct failure *failure)
{
	if (!failure->exit_code)
		failure->exit_code = EXIT_RUNTIME;
	return failure->err.code < 0 ? failure->err.code : -EIO;
}

int report_open(int sockets[static 2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_sys(err, "make a socket pair");
	return 0;
}

int report_send_go(int sock, pid_t pid)
{
	return fd_send(sock, &pid, sizeof(pid), NULL, 0);
}

static ssize_t receive(int sock, void *data, size_t size)
{
	ssize_t got;

	do
		got = recv(sock, data, size, 0);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* Whoever sends it may be in the hands of a container that traces it. */
static ssize_t receive_failure(int sock, struct failure *failure)
{
	ssize_t got = receive(sock, failure, sizeof(*failure));

	failure->err.text[ERR_TEXT_MAX - 1] = '\0';
	if (got == sizeof(*failure))
		utf8_make_printable(failure->err.text);
	return got;
}

pid_t report_await_go(int sock)
{
	pid_t pid;

	return receive(sock, &pid, sizeof(pid)) == sizeof(pid) ? pid : -EPIPE;
}

int report_send(int sock, const struct failure *failure)
{
	static const struct failure ready;

	return fd_send(sock, failure ?: &ready, sizeof(*failure), NULL, 0);
}

static int fail_silently(struct failure *failure)
{
	*failure = (struct failure){ 0 };
	err_set(&failure->err, -EPIPE,
		"the container's first process was killed before it was ready (is its memory "
		"limit too low?)");
	return failure_of(failure);
}

int report_receive(int sock, struct failure *failure)
{
	if (receive_failure(sock, failure) != sizeof(*failure))
		return fail_silently(failure);
	return failure->exit_code ? failure_of(failure) : 0;
}

int report_send_number(int sock, int number)
{
	return write(sock, &number, sizeof(number)) == sizeof(number) ? 0 : -EPIPE;
}

int report_receive_number(int sock, int *number, struct failure *failure)
{
	struct failure message;
	ssize_t got = receive_failure(sock, &message);

	if (got == sizeof(*number)) {
		memcpy(number, &message, sizeof(*number));
		return 0;
	}
	if (got != sizeof(message))
		return fail_silently(failure);
	*failure = message;
	return failure_of(failure);
}

int report_receive_end(int sock, struct failure *failure)
{
	struct failure last;

	if (receive_failure(sock, &last) != sizeof(last))
		return 0;
	*failure = last;
	return failure_of(failure);
}
