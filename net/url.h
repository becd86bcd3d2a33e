/*
 * url - absolute http and https URLs (RFC 3986), and the references that redirects give.
 *
 * Strict, because URLs come from registries: no user information, no spaces or control characters;
 * a fragment is dropped. The host is in lower case, an IPv6 address without its brackets.
 */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define URL_HOST_MAX 255
#define URL_MAX 6000 /* bytes; signed URLs of CDNs have 1-3 kB */
#define URL_AUTHORITY_SIZE (URL_HOST_MAX + 10) /* with brackets, port and NUL */

struct url {
	bool https;
	char host[URL_HOST_MAX + 1];
	uint16_t port;
	char *target; /* path and query, starts with '/' */
};

#define URL_NONE ((struct url){ 0 })
#define URL_CLEANUP __attribute__((cleanup(url_release)))

/* 0 or -EINVAL; the url is empty on error. Parsers take pointer and length, the text needs no NUL. */
int url_parse(struct url *url, const char *text, size_t size, struct err *err);

/* What a Location field means, seen from `base`: absolute, "//host/path", "/path", "?query" or a relative path. */
int url_resolve(struct url *url, const struct url *base, const char *text, size_t size,
		struct err *err);

/* "host:port" as a registry is named ("fleet.example.com", "10.0.0.1:5000", "[::1]:5000") and a scheme. */
int url_from_authority(struct url *url, bool https, const char *authority, const char *target,
		       struct err *err);

void url_release(struct url *url);
void url_copy(struct url *to, const struct url *from);

/* Equal scheme, host and port: credentials for one are meant for the other. */
bool url_same_origin(const struct url *a, const struct url *b);

/* "host", or "host:port" where it isn't the scheme's; brackets around IPv6 addresses. */
void url_authority(const struct url *url, char text[static URL_AUTHORITY_SIZE]);
/* The same, always with the port. */
void url_host_port(const struct url *url, char text[static URL_AUTHORITY_SIZE]);

#endif
