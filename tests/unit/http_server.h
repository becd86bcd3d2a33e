/*
 * http_server - a scripted HTTP server in another process, for tests of clients: each request is
 * answered with the next text, whatever was asked, and kept for the test to look at.
 *
 *	server_start(&server, answers, count)	listens on 127.0.0.1:server.port
 *	...					the client's requests
 *	requests = server_stop(&server)		all heads it received, one after the other
 */
#ifndef TESTS_UNIT_HTTP_SERVER_H
#define TESTS_UNIT_HTTP_SERVER_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"

struct answer {
	const char *text;
	bool close; /* the connection, after it */
	bool hang;  /* instead: never say anything */
	int drip_ms; /* between two bytes of the body, or of the head when there is no body */
};

struct server {
	pid_t pid;
	int port;
	int requests; /* read end: what the server was sent */
};

/* One head; false at the end of the connection. */
static bool server_read_head(int fd, struct buf *head)
{
	char byte;

	buf_clear(head);
	while (read(fd, &byte, 1) == 1) {
		buf_append(head, &byte, 1);
		if (head->size >= 4 && !memcmp(head->data + head->size - 4, "\r\n\r\n", 4))
			return true;
	}
	return false;
}

static void server_drip(int fd, const char *text, int drip_ms)
{
	const char *body = strstr(text, "\r\n\r\n") + 4;
	const char *from = *body ? body : text;

	fd_write_full(fd, text, (size_t)(from - text));
	for (; *from; from++) {
		usleep((useconds_t)drip_ms * 1000);
		if (fd_write_full(fd, from, 1) < 0)
			return;
	}
}

static void server_run(int listener, int out, const struct answer *answers, size_t count)
{
	struct buf head = BUF_INIT;
	int fd = -1;

	for (size_t i = 0; i < count; i++) {
		while (fd < 0 || !server_read_head(fd, &head)) {
			fd_close(&fd);
			fd = accept(listener, NULL, NULL);
			if (fd < 0)
				_exit(1);
		}
		fd_write_full(out, head.data, head.size);
		if (answers[i].hang)
			pause();
		if (answers[i].drip_ms)
			server_drip(fd, answers[i].text, answers[i].drip_ms);
		else
			fd_write_full(fd, answers[i].text, strlen(answers[i].text));
		if (answers[i].close)
			fd_close(&fd);
	}
	/* A client that goes on asking is told nothing, and the test sees the request. */
	while (fd >= 0 && server_read_head(fd, &head))
		fd_write_full(out, head.data, head.size);
	_exit(0);
}

static void server_start(struct server *server, const struct answer *answers, size_t count)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ends[2];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 8) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0 || pipe(ends) < 0)
		abort();
	server->port = ntohs(address.sin_port);
	server->pid = fork();
	if (server->pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		close(ends[0]);
		server_run(listener, ends[1], answers, count);
	}
	close(listener);
	close(ends[1]);
	server->requests = ends[0];
}

/* Ends it; what it has received, to be freed. Close the client first, or the server waits for it. */
static char *server_stop(struct server *server)
{
	struct buf text = BUF_INIT;

	kill(server->pid, SIGTERM);
	waitpid(server->pid, NULL, 0);
	fd_read_all(server->requests, &text, 1 << 20);
	close(server->requests);
	if (text.size == 0)
		buf_append(&text, "", 0);
	return text.data ? buf_steal(&text) : strdup("");
}

#endif
