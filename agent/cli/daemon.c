#include "agent/cli/daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/json.h"

#define API_PREFIX "/v1.43"

static const char *choose_host(const char *host)
{
	static const char *const variables[] = { "BERTH_HOST", "DOCKER_HOST" };

	for (size_t i = 0; !host && i < sizeof(variables) / sizeof(*variables); i++) {
		host = getenv(variables[i]);
		if (host && !*host)
			host = NULL;
	}
	return host ? host : DAEMON_HOST_DEFAULT;
}

int daemon_open(struct daemon *daemon, const char *host, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path;

	daemon->fd = -1;
	http_parser_init(&daemon->parser, HTTP_RESPONSE);
	daemon->over = true;
	daemon->start = daemon->end = 0;
	host = choose_host(host);
	path = !strncmp(host, "unix://", 7) ? host + 7 : host;
	if (*path != '/')
		return err_set(err, -EINVAL,
			       "host \"%s\": only unix sockets are served, as in " DAEMON_HOST_DEFAULT,
			       host);
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "host \"%s\": a socket's path has at most %zu bytes",
			       host, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	daemon->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (daemon->fd < 0)
		return err_sys(err, "socket");
	if (connect(daemon->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	if (errno == EACCES)
		return err_set(err, -EACCES,
			       "cannot reach the agent at unix://%s: Permission denied (only root may)",
			       path);
	return err_set(err, -errno,
		       "cannot reach the agent at unix://%s: %s (is `berth agent` running? another socket: -H)",
		       path, strerror(errno));
}

void daemon_close(struct daemon *daemon)
{
	fd_close(&daemon->fd);
	http_parser_release(&daemon->parser);
}

static int send_request(struct daemon *daemon, const char *method, const char *target,
			const char *fields, const json_t *body, struct err *err)
{
	struct buf BUF_CLEANUP head = BUF_INIT;
	struct buf BUF_CLEANUP content = BUF_INIT;
	int rc;

	if (body)
		json_append(&content, body);
	buf_append_format(&head, "%s " API_PREFIX "%s HTTP/1.1\r\nHost: berth\r\n%s", method, target,
			  fields);
	if (body || strcmp(method, "GET"))
		buf_append_format(&head, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
				  content.size);
	buf_append_text(&head, "\r\n");
	buf_append(&head, buf_text(&content), content.size);
	rc = fd_write_full(daemon->fd, head.data, head.size);
	if (rc < 0)
		return err_code(err, rc, "send to the agent");
	return 0;
}

/* 1: there are bytes; 0: the agent closed the connection. */
static int fill(struct daemon *daemon, struct err *err)
{
	ssize_t got;

	do
		got = read(daemon->fd, daemon->data, sizeof(daemon->data));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(err, "read from the agent");
	daemon->start = 0;
	daemon->end = (size_t)got;
	return got > 0;
}

/* The next event of the answer at hand, HTTP_HEAD, HTTP_BODY or HTTP_DONE. */
static int next_event(struct daemon *daemon, struct http_step *step, struct err *err)
{
	for (;;) {
		int event = http_parse(&daemon->parser, daemon->data + daemon->start,
				       daemon->end - daemon->start, step, err);

		if (event < 0)
			return err_context(err, "the agent's answer");
		daemon->start += step->used;
		if (event != HTTP_MORE)
			return event;
		event = fill(daemon, err);
		if (event < 0)
			return event;
		if (event == 0) {
			event = http_parse_end(&daemon->parser, err);
			return event < 0 ? err_context(err, "the agent's answer was cut short") : event;
		}
	}
}

static int request(struct daemon *daemon, const char *method, const char *target, const char *fields,
		   const json_t *body, struct err *err)
{
	struct http_step step;
	int rc = send_request(daemon, method, target, fields, body, err);

	if (rc < 0)
		return rc;
	http_parser_reset(&daemon->parser);
	daemon->parser.head_request = !strcmp(method, "HEAD");
	daemon->over = false;
	rc = next_event(daemon, &step, err);
	return rc < 0 ? rc : daemon->parser.message.status;
}

int daemon_request(struct daemon *daemon, const char *method, const char *target,
		   const json_t *body, struct err *err)
{
	return request(daemon, method, target, "", body, err);
}

int daemon_read(struct daemon *daemon, const char **data, size_t *size, struct err *err)
{
	struct http_step step;
	int event;

	if (daemon->over)
		return 0;
	event = next_event(daemon, &step, err);
	if (event < 0)
		return event;
	if (event == HTTP_DONE) {
		daemon->over = true;
		return 0;
	}
	*data = step.body;
	*size = step.body_size;
	return 1;
}

static int read_whole(struct daemon *daemon, struct buf *out, struct err *err)
{
	const char *data;
	size_t size;
	int rc;

	while ((rc = daemon_read(daemon, &data, &size, err)) > 0) {
		if (out->size + size > DAEMON_BODY_MAX)
			return err_set(err, -EFBIG, "the agent's answer has more than %d bytes",
				       DAEMON_BODY_MAX);
		buf_append(out, data, size);
	}
	return rc;
}

int daemon_json(struct daemon *daemon, json_t **out, struct err *err)
{
	struct buf BUF_CLEANUP text = BUF_INIT;
	json_error_t error;
	int rc = read_whole(daemon, &text, err);

	if (rc < 0)
		return rc;
	*out = json_loadb(buf_text(&text), text.size, JSON_REJECT_DUPLICATES, &error);
	if (!*out)
		return err_set(err, -EBADMSG, "the agent's answer is not JSON: %s", error.text);
	return 0;
}

/* The answer's {"message": "..."} becomes the reason. */
static int fail(struct daemon *daemon, int status, struct err *err)
{
	json_t *json JSON_CLEANUP = NULL;
	const char *message = NULL;
	int code = status == 404 ? -ENOENT : -EREMOTEIO;

	if (daemon_json(daemon, &json, NULL) == 0 &&
	    json_get_string(json, "message", &message, NULL) > 0)
		return err_set(err, code, "%s", message);
	return err_set(err, code, "the agent answered %d %s", status, http_status_text(status));
}

int daemon_call(struct daemon *daemon, const char *method, const char *target, const json_t *body,
		struct err *err)
{
	int status = daemon_request(daemon, method, target, body, err);

	return status >= 400 ? fail(daemon, status, err) : status;
}

int daemon_get(struct daemon *daemon, const char *target, json_t **out, struct err *err)
{
	int status = daemon_call(daemon, "GET", target, NULL, err);

	return status < 0 ? status : daemon_json(daemon, out, err);
}

int daemon_upgrade(struct daemon *daemon, const char *target, const json_t *body, struct err *err)
{
	int status = request(daemon, "POST", target, "Connection: Upgrade\r\nUpgrade: tcp\r\n", body,
			     err);

	if (status < 0 || status == 101)
		return status < 0 ? status : 0;
	if (status >= 400)
		return fail(daemon, status, err);
	return err_set(err, -EPROTO, "the agent answered %d instead of changing the protocol", status);
}

void daemon_early(const struct daemon *daemon, const char **data, size_t *size)
{
	*data = daemon->data + daemon->start;
	*size = daemon->end - daemon->start;
}

void daemon_escape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~/:@", c))
			buf_append(out, &c, 1);
		else
			buf_append_format(out, "%%%02X", c);
	}
}
