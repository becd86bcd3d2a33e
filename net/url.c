#include "net/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"

/* A piece of the text that is being parsed. */
struct span {
	const char *data;
	size_t size;
};

static int refuse(struct span text, const char *why, struct err *err)
{
	int shown = text.size < 200 ? (int)text.size : 200;

	return err_set(err, -EINVAL, "'%.*s' is no usable URL: %s", shown, text.data, why);
}

static bool has_prefix(struct span text, const char *prefix)
{
	size_t size = strlen(prefix);

	return text.size >= size && !strncasecmp(text.data, prefix, size);
}

static struct span skip(struct span text, size_t count)
{
	return (struct span){ text.data + count, text.size - count };
}

/* Up to the first of `stops`. */
static struct span until(struct span text, const char *stops)
{
	size_t i = 0;

	while (i < text.size && text.data[i] && !strchr(stops, text.data[i]))
		i++;
	return (struct span){ text.data, i };
}

static bool is_clean(struct span text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
			return false; /* char is signed or not: both ends are caught */
	return true;
}

static bool host_is_sound(const char *host)
{
	struct in6_addr address;

	if (strchr(host, ':'))
		return inet_pton(AF_INET6, host, &address) == 1;
	return *host && !host[strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_")];
}

static int parse_port(struct url *url, struct span port)
{
	unsigned value = 0;

	for (size_t i = 0; i < port.size; i++) {
		if (port.data[i] < '0' || port.data[i] > '9' || value > 6553)
			return -EINVAL;
		value = value * 10 + (unsigned)(port.data[i] - '0');
	}
	if (port.size == 0 || value == 0 || value > UINT16_MAX)
		return -EINVAL;
	url->port = (uint16_t)value;
	return 0;
}

/* host[:port]; the scheme is set already. */
static int parse_authority(struct url *url, struct span text)
{
	struct span host = until(text, ":");
	struct span rest = skip(text, host.size);

	if (text.size > 0 && text.data[0] == '[') {
		host = until(skip(text, 1), "]");
		if (host.size + 2 > text.size || !memchr(host.data, ':', host.size))
			return -EINVAL;
		rest = skip(text, host.size + 2);
	}
	if (host.size == 0 || host.size > URL_HOST_MAX)
		return -EINVAL;
	for (size_t i = 0; i < host.size; i++) {
		char c = host.data[i];

		url->host[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	url->host[host.size] = '\0';
	url->port = url->https ? 443 : 80;
	if (!host_is_sound(url->host))
		return -EINVAL;
	if (rest.size == 0)
		return 0;
	return rest.data[0] == ':' ? parse_port(url, skip(rest, 1)) : -EINVAL;
}

static void set_target(struct url *url, struct span path)
{
	path = until(path, "#");
	url->target = xasprintf("%s%.*s", path.size > 0 && path.data[0] == '/' ? "" : "/",
				(int)path.size, path.data);
}

/* "//authority/path": everything behind the scheme. */
static int parse_rest(struct url *url, struct span whole, struct span text, struct err *err)
{
	struct span authority = until(skip(text, 2), "/?#");

	if (memchr(authority.data, '@', authority.size))
		return refuse((struct span){ "...", 3 }, "user and password do not belong there", err);
	if (parse_authority(url, authority) < 0)
		return refuse(whole, "the host is wrong", err);
	set_target(url, skip(text, 2 + authority.size));
	return 0;
}

static int check_text(struct span text, struct err *err)
{
	if (text.size > URL_MAX)
		return refuse(text, "it is too long", err);
	if (!is_clean(text))
		return refuse(text, "it has a space or a control character", err);
	return 0;
}

int url_parse(struct url *url, const char *data, size_t size, struct err *err)
{
	struct span text = { data, size };
	int ret = check_text(text, err);

	*url = URL_NONE;
	if (ret < 0)
		return ret;
	if (has_prefix(text, "https://"))
		url->https = true;
	else if (!has_prefix(text, "http://"))
		return refuse(text, "it starts with neither https:// nor http://", err);
	ret = parse_rest(url, text, skip(text, url->https ? 6 : 5), err);
	if (ret < 0)
		*url = URL_NONE;
	return ret;
}

/* The base's path up to its last '/', for relative references. Dots are left to the server. */
static struct span directory_of(const struct url *base)
{
	struct span path = until((struct span){ base->target, strlen(base->target) }, "?");

	while (path.size > 0 && path.data[path.size - 1] != '/')
		path.size--;
	return path;
}

static bool has_scheme(struct span text)
{
	struct span scheme = until(text, ":/?#");

	return scheme.size < text.size && text.data[scheme.size] == ':';
}

int url_resolve(struct url *url, const struct url *base, const char *data, size_t size,
		struct err *err)
{
	struct span text = { data, size };
	int ret = check_text(text, err);

	*url = URL_NONE;
	if (ret < 0)
		return ret;
	if (has_scheme(text))
		return url_parse(url, data, size, err);
	url->https = base->https;
	if (has_prefix(text, "//")) {
		ret = parse_rest(url, text, text, err);
		if (ret < 0)
			*url = URL_NONE;
		return ret;
	}
	memcpy(url->host, base->host, sizeof(url->host));
	url->port = base->port;
	struct span before = { "", 0 };

	if (text.size == 0 || text.data[0] == '?' || text.data[0] == '#')
		before = until((struct span){ base->target, strlen(base->target) },
			       text.size > 0 && text.data[0] == '?' ? "?" : "");
	else if (text.data[0] != '/')
		before = directory_of(base);
	text = until(text, "#");
	url->target = xasprintf("%.*s%.*s", (int)before.size, before.data, (int)text.size,
				text.data);
	return 0;
}

int url_from_authority(struct url *url, bool https, const char *authority, const char *target,
		       struct err *err)
{
	struct span text = { authority, strlen(authority) };

	*url = (struct url){ .https = https };
	if (!is_clean(text) || parse_authority(url, text) < 0) {
		*url = URL_NONE;
		return err_set(err, -EINVAL, "'%s' is no host with an optional port", authority);
	}
	url->target = xstrdup(target);
	return 0;
}

void url_release(struct url *url)
{
	free(url->target);
	*url = URL_NONE;
}

void url_copy(struct url *to, const struct url *from)
{
	*to = *from;
	to->target = from->target ? xstrdup(from->target) : NULL;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && !strcmp(a->host, b->host);
}

void url_host_port(const struct url *url, char text[static URL_AUTHORITY_SIZE])
{
	bool v6 = strchr(url->host, ':') != NULL;

	snprintf(text, URL_AUTHORITY_SIZE, "%s%s%s:%u", v6 ? "[" : "", url->host, v6 ? "]" : "", url->port);
}

void url_authority(const struct url *url, char text[static URL_AUTHORITY_SIZE])
{
	url_host_port(url, text);
	if (url->port == (url->https ? 443 : 80))
		*strrchr(text, ':') = '\0';
}
