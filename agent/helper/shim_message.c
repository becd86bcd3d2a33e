/* The messages of agent/helper/shim.h as text, and the agent's end of the socket. */
#include "agent/helper/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"

size_t shim_event_format(char text[static SHIM_MESSAGE_MAX], const struct shim_event *event)
{
	int length = 0;

	switch (event->type) {
	case SHIM_STARTING:
		length = snprintf(text, SHIM_MESSAGE_MAX, "starting");
		break;
	case SHIM_STARTED:
		length = snprintf(text, SHIM_MESSAGE_MAX, "started %d %" PRIu64, (int)event->pid,
				  event->start_ticks);
		break;
	case SHIM_EXITED:
		length = snprintf(text, SHIM_MESSAGE_MAX, "exited %d %d %d", event->code,
				  event->signal, event->oom);
		break;
	case SHIM_FAILED:
		length = snprintf(text, SHIM_MESSAGE_MAX, "failed %d %s", event->code, event->text);
		break;
	case SHIM_LOST:
		length = snprintf(text, SHIM_MESSAGE_MAX, "lost");
		break;
	case SHIM_REFUSED:
		length = snprintf(text, SHIM_MESSAGE_MAX, "refused %s", event->text);
		break;
	}
	return (size_t)length;
}

size_t shim_request_format(char text[static SHIM_MESSAGE_MAX], const struct shim_request *request)
{
	int length = 0;

	switch (request->type) {
	case SHIM_SIGNAL:
		length = snprintf(text, SHIM_MESSAGE_MAX, "signal %d", request->signal);
		break;
	case SHIM_RESIZE:
		length = snprintf(text, SHIM_MESSAGE_MAX, "resize %hu %hu", request->rows,
				  request->columns);
		break;
	case SHIM_STDIN_CLOSE:
		length = snprintf(text, SHIM_MESSAGE_MAX, "stdin-close");
		break;
	case SHIM_REFRESH:
		length = snprintf(text, SHIM_MESSAGE_MAX, "refresh");
		break;
	case SHIM_BYE:
		length = snprintf(text, SHIM_MESSAGE_MAX, "bye");
		break;
	}
	return (size_t)length;
}

/* A message as a string of its own: scanf needs the NUL. */
static int copy_message(char copy[static SHIM_MESSAGE_MAX], const char *text, size_t size)
{
	if (size >= SHIM_MESSAGE_MAX || memchr(text, '\0', size))
		return -EINVAL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	return 0;
}

/* True when the format matched `wanted` conversions and all of the text ("%n" is the last one). */
#define SCAN(text, format, wanted, ...) \
	({ \
		int end_ = -1; \
		sscanf(text, format "%n", __VA_ARGS__, &end_) == (wanted) && end_ > 0 && \
			!(text)[end_]; \
	})

static int copy_text(struct shim_event *event, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > sizeof(event->text))
		return -EINVAL;
	memcpy(event->text, text, size);
	return 0;
}

int shim_event_parse(struct shim_event *event, const char *text, size_t size)
{
	char copy[SHIM_MESSAGE_MAX];
	int at = 0, oom;

	*event = (struct shim_event){ .input = -1 };
	if (copy_message(copy, text, size) < 0)
		return -EINVAL;
	if (!strcmp(copy, "starting")) {
		event->type = SHIM_STARTING;
	} else if (SCAN(copy, "started %d %" SCNu64, 2, &event->pid, &event->start_ticks)) {
		event->type = SHIM_STARTED;
	} else if (SCAN(copy, "exited %d %d %d", 3, &event->code, &event->signal, &oom)) {
		event->type = SHIM_EXITED;
		event->oom = oom;
	} else if (sscanf(copy, "failed %d %n", &event->code, &at) == 1 && at) {
		event->type = SHIM_FAILED;
		return copy_text(event, copy + at);
	} else if (!strcmp(copy, "lost")) {
		event->type = SHIM_LOST;
	} else if (!strncmp(copy, "refused ", 8)) {
		event->type = SHIM_REFUSED;
		return copy_text(event, copy + 8);
	} else {
		return -EINVAL;
	}
	return 0;
}

int shim_request_parse(struct shim_request *request, const char *text, size_t size)
{
	char copy[SHIM_MESSAGE_MAX];

	*request = (struct shim_request){ 0 };
	if (copy_message(copy, text, size) < 0)
		return -EINVAL;
	if (SCAN(copy, "signal %d", 1, &request->signal))
		request->type = SHIM_SIGNAL;
	else if (SCAN(copy, "resize %hu %hu", 2, &request->rows, &request->columns))
		request->type = SHIM_RESIZE;
	else if (!strcmp(copy, "stdin-close"))
		request->type = SHIM_STDIN_CLOSE;
	else if (!strcmp(copy, "refresh"))
		request->type = SHIM_REFRESH;
	else if (!strcmp(copy, "bye"))
		request->type = SHIM_BYE;
	else
		return -EINVAL;
	if (request->type == SHIM_SIGNAL && (request->signal < 1 || request->signal > 64))
		return -EINVAL;
	return 0;
}

int shim_connect(const char *bundle_dir, struct err *err)
{
	FD_CLEANUP int dir = open(bundle_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	FD_CLEANUP int sock = -1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (dir < 0)
		return err_sys(err, "open %s", bundle_dir);
	/* A socket's path holds 107 bytes, a bundle's may be longer. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
		 SHIM_SOCKET);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_sys(err, "make a socket for the shim");
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "connect to the shim at %s/%s", bundle_dir, SHIM_SOCKET);
	return fd_steal(&sock);
}

int shim_send(int sock, const struct shim_request *request)
{
	char text[SHIM_MESSAGE_MAX];

	return fd_send(sock, text, shim_request_format(text, request), NULL, 0);
}

int shim_receive(int sock, struct shim_event *event)
{
	char text[SHIM_MESSAGE_MAX];
	int fds[FD_MESSAGE_MAX], rc;
	size_t count;
	ssize_t got = fd_receive(sock, text, sizeof(text), fds, &count);

	if (got <= 0)
		return (int)got;
	rc = shim_event_parse(event, text, (size_t)got);
	if (rc == 0 && event->type == SHIM_STARTED && count)
		event->input = fds[--count];
	while (count)
		close(fds[--count]);
	return rc ?: 1;
}
