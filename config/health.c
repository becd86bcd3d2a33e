#include "config/health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/units.h"
#include "config/words.h"
#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/json.h"

#define LOOPBACK "127.0.0.1"
#define HOST_MAX 255
#define HTTP_PORT 80

static int refuse(struct err *err)
{
	return err_set(err, -EINVAL,
		       "not a health check; use http://:PORT/PATH, tcp://:PORT, exec COMMAND, "
		       "image or none");
}

/* A name or address; IPv6 was taken out of its [] and is told by its colons. */
static bool is_host(const char *host)
{
	size_t size = strlen(host);

	return size > 0 && size <= HOST_MAX &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") ==
		       size;
}

/* It goes into a request line, where a blank or a line end would start something else. */
static bool is_request_target(const char *path)
{
	for (; *path; path++)
		if (*path <= ' ' || *path > '~' || *path == '#')
			return false;
	return true;
}

/* "[host][:port]" in `text`, which is cut up. The port stays unchanged when there is none. */
static int parse_authority(struct health *health, char *text, struct err *err)
{
	char *host = text, *port = NULL;
	int64_t number;

	if (*text == '[') {
		char *end = strchr(text, ']');

		if (!end || !memchr(text, ':', (size_t)(end - text)) || (end[1] && end[1] != ':'))
			return refuse(err);
		*end = 0;
		host = text + 1;
		port = end[1] ? end + 2 : NULL;
	} else if ((port = strchr(text, ':'))) {
		*port++ = 0;
		if (strchr(port, ':'))
			return err_set(err, -EINVAL, "write an IPv6 address in [], as in [::1]:80");
	}
	if (port) {
		if (number_parse(port, 1, 65535, &number, err) < 0)
			return err_context(err, "port");
		health->port = (uint16_t)number;
	}
	if (*host && !is_host(host))
		return refuse(err);
	health->host = xstrdup(*host ? host : LOOPBACK);
	return 0;
}

static int parse_http(struct health *health, const char *text, struct err *err)
{
	size_t size = strcspn(text, "/?");
	FREE_CLEANUP char *authority = xstrndup(text, size);
	const char *path = text + size;

	health->port = HTTP_PORT;
	if (!is_request_target(path))
		return err_set(err, -EINVAL, "the path has characters to be written as %%XX");
	if (parse_authority(health, authority, err) < 0)
		return -EINVAL;
	health->path = xasprintf("%s%s", *path == '/' ? "" : "/", path);
	return 0;
}

static int parse_tcp(struct health *health, const char *text, struct err *err)
{
	FREE_CLEANUP char *authority = xstrdup(text);

	if (parse_authority(health, authority, err) < 0)
		return -EINVAL;
	if (health->port == 0)
		return err_set(err, -EINVAL, "which port? use tcp://:PORT");
	return 0;
}

static int parse_kind(struct health *health, const char *text, struct err *err)
{
	if (!strcmp(text, "image") || !strcmp(text, "none")) {
		health->kind = *text == 'i' ? HEALTH_IMAGE : HEALTH_NONE;
		return 0;
	}
	if (!strncmp(text, "http://", 7)) {
		health->kind = HEALTH_HTTP;
		return parse_http(health, text + 7, err);
	}
	if (!strncmp(text, "https://", 8))
		return err_set(err, -ENOTSUP,
			       "https is not supported yet; use http://, tcp:// or exec");
	if (!strncmp(text, "tcp://", 6)) {
		health->kind = HEALTH_TCP;
		return parse_tcp(health, text + 6, err);
	}
	if (!strncmp(text, "exec", 4) && (!text[4] || text[4] == ' ' || text[4] == '\t')) {
		health->kind = HEALTH_EXEC;
		return words_split(text + 4, &health->argv, err);
	}
	return refuse(err);
}

int health_parse(struct health *health, const char *text, struct err *err)
{
	struct health found = { 0 };
	int rc = parse_kind(&found, text, err);

	if (rc < 0)
		health_release(&found);
	else
		*health = found;
	return rc;
}

void health_release(struct health *health)
{
	free(health->host);
	free(health->path);
	free_strings(health->argv);
	*health = (struct health){ 0 };
}

static char *format_url(const struct health *health, const char *scheme, const char *path)
{
	bool is_ipv6 = strchr(health->host, ':');

	return xasprintf("%s://%s%s%s:%u%s", scheme, is_ipv6 ? "[" : "", health->host,
			 is_ipv6 ? "]" : "", health->port, path);
}

char *health_format(const struct health *health)
{
	FREE_CLEANUP char *command = NULL;

	switch (health->kind) {
	case HEALTH_IMAGE:
		return xstrdup("image");
	case HEALTH_NONE:
		return xstrdup("none");
	case HEALTH_HTTP:
		return format_url(health, "http", health->path);
	case HEALTH_TCP:
		return format_url(health, "tcp", "");
	case HEALTH_EXEC:
		command = words_join(health->argv);
		return xasprintf("exec %s", command);
	}
	return NULL;
}
