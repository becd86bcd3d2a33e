#include "agent/api/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/api/attach.h"
#include "agent/api/connection.h"
#include "agent/api/exec.h"
#include "lib/fd.h"
#include "lib/log.h"

#define BACKLOG 32
#define RESUME_MS 1000

static void on_client(struct watch *watch, uint32_t events);

static void on_resume(struct timer *timer)
{
	struct api_server *server = timer->data;

	watch_change(&server->watch, EPOLLIN);
}

static size_t count_connections(const struct api_server *server)
{
	size_t count = 0;

	list_for_each(node, &server->connections)
		count++;
	return count;
}

/* False when every connection is in use. */
static bool drop_idle(struct api_server *server)
{
	struct connection *oldest = NULL;

	list_for_each(node, &server->connections) {
		struct connection *connection = list_entry(node, struct connection, node);

		if (connection->state == CONNECTION_IDLE &&
		    (!oldest || connection->timer.at_ms < oldest->timer.at_ms))
			oldest = connection;
	}
	if (oldest)
		connection_free(oldest);
	return oldest;
}

static void turn_away(int fd)
{
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
				     "Content-Type: application/json\r\n\r\n"
				     "{\"message\":\"too many clients at the same time\"}\n";

	log_warn("api: more than %d clients at the same time: one was turned away",
		 API_CONNECTIONS_MAX);
	if (send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("api: the client turned away had gone");
	close(fd);
}

static void on_client(struct watch *watch, uint32_t events)
{
	struct api_server *server = watch->data;
	int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
		log_warn("api: accept: %s; trying again in a second", strerror(errno));
		watch_change(&server->watch, 0);
		timer_start(server->loop, &server->resume_timer, RESUME_MS, on_resume,
			    server);
		return;
	}
	if (fd < 0)
		return;
	if (count_connections(server) >= API_CONNECTIONS_MAX && !drop_idle(server))
		turn_away(fd);
	else
		connection_new(&server->connections, server->agent, server->loop, fd);
}

static int make_parent(const char *path, struct err *err)
{
	char *dir FREE_CLEANUP = xstrdup(path);
	char *slash = strrchr(dir, '/');
	int rc;

	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	rc = fd_make_dirs(dir, 0755);
	if (rc < 0)
		return err_code(err, rc, "make the socket's directory %s", dir);
	return 0;
}

static int listen_at(const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd FD_CLEANUP = -1;
	mode_t old;
	int rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "socket %s: a socket's path has at most %zu bytes",
			       path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	if (make_parent(path, err) < 0)
		return err->code;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, "remove the old socket %s", path);
	old = umask(0117);
	rc = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(old);
	if (rc < 0 || listen(fd, BACKLOG) < 0)
		return err_sys(err, "listen at %s", path);
	return fd_steal(&fd);
}

struct api_server *api_listen(struct agent *agent, struct loop *loop, const char *path,
			      struct err *err)
{
	struct api_server *server;
	struct err local = ERR_INIT;
	int fd;

	if (!err)
		err = &local;
	fd = listen_at(path, err);
	if (fd < 0)
		return NULL;
	server = xcalloc(1, sizeof(*server));
	server->agent = agent;
	server->loop = loop;
	server->path = xstrdup(path);
	server->fd = fd;
	list_init(&server->connections);
	list_init(&server->execs);
	list_init(&server->attachments);
	watch_start(loop, &server->watch, fd, EPOLLIN, on_client, server);
	return server;
}

void api_stop(struct api_server *server)
{
	if (!server)
		return;
	while (!list_is_empty(&server->connections))
		connection_free(list_entry(server->connections.next, struct connection, node));
	execs_free(&server->execs);
	attachments_free(&server->attachments);
	watch_stop(&server->watch);
	timer_stop(&server->resume_timer);
	fd_close(&server->fd);
	unlink(server->path);
	free(server->path);
	free(server);
}
