/* The sockets of agents, each one told what happens, each one allowed to ask. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/helper/shim_parts.h"
#include "lib/fd.h"

int shim_listen(struct shim *shim, struct err *err)
{
	/* Relative: the bundle is the working directory, and a socket's path holds 107 bytes. */
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SHIM_SOCKET };

	unlink(SHIM_SOCKET);
	shim->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (shim->listener < 0 ||
	    bind(shim->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(shim->listener, SHIM_CLIENTS_MAX) < 0)
		return err_sys(err, "make " SHIM_SOCKET);
	return 0;
}

/* A client that does not read is let go: it finds everything anew when it connects again. */
static void tell(const struct shim *shim, int *client, const struct shim_event *event)
{
	bool has_input = event->type == SHIM_STARTED && shim->input >= 0;
	char text[SHIM_MESSAGE_MAX];
	size_t size = shim_event_format(text, event);

	if (fd_send(*client, text, size, &shim->input, has_input) < 0)
		fd_close(client);
}

static void tell_all(struct shim *shim, const struct shim_event *event)
{
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++)
		if (shim->clients[i] >= 0)
			tell(shim, &shim->clients[i], event);
}

void shim_tell(struct shim *shim, const struct shim_event *event)
{
	shim->event = *event;
	tell_all(shim, event);
}

static const struct shim_event lost = { .type = SHIM_LOST };

void shim_tell_lost(struct shim *shim)
{
	shim->has_lost = true;
	if (shim->phase == SHIM_RUNNING)
		tell_all(shim, &lost);
}

bool shim_has_client(const struct shim *shim)
{
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++)
		if (shim->clients[i] >= 0)
			return true;
	return false;
}

void shim_accept(struct shim *shim)
{
	int client = accept4(shim->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int i = 0;

	if (client < 0)
		return;
	while (i < SHIM_CLIENTS_MAX && shim->clients[i] >= 0)
		i++;
	/* All taken: the oldest belongs to an agent that hangs, more likely than the newest. */
	if (i == SHIM_CLIENTS_MAX)
		fd_close(&shim->clients[i = 0]);
	shim->clients[i] = client;
	tell(shim, &shim->clients[i], &shim->event);
	if (shim->has_lost && shim->phase == SHIM_RUNNING && shim->clients[i] >= 0)
		tell(shim, &shim->clients[i], &lost);
}

static void refuse(const struct shim *shim, int *client, const char *why)
{
	struct shim_event event = { .type = SHIM_REFUSED };

	snprintf(event.text, sizeof(event.text), "%s", why);
	tell(shim, client, &event);
}

static void obey(struct shim *shim, int *client, const struct shim_request *request)
{
	struct err err = ERR_INIT;
	struct winsize size = { .ws_row = request->rows, .ws_col = request->columns };

	switch (request->type) {
	case SHIM_SIGNAL:
		if (shim_signal(shim, request->signal) < 0)
			refuse(shim, client, "the container has ended");
		break;
	case SHIM_RESIZE:
		if (!shim->tty || ioctl(shim->input, TIOCSWINSZ, &size) < 0)
			refuse(shim, client, "the container has no terminal");
		break;
	case SHIM_STDIN_CLOSE:
		fd_close(&shim->input);
		break;
	case SHIM_REFRESH:
		if (shim_refresh(&err) < 0)
			refuse(shim, client, err.text);
		break;
	case SHIM_BYE:
		if (shim->phase == SHIM_ENDED)
			shim->done = true;
		else
			refuse(shim, client, "the container has not ended");
		break;
	}
}

void shim_read_client(struct shim *shim, int *client)
{
	char text[SHIM_MESSAGE_MAX];
	struct shim_request request;
	ssize_t got = recv(*client, text, sizeof(text), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		fd_close(client);
	else if (shim_request_parse(&request, text, (size_t)got) < 0)
		refuse(shim, client, "no such request");
	else
		obey(shim, client, &request);
}
