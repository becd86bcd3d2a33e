/*
 * proxy - HTTP proxies as agent.ini and the environment name them, and the hosts that are reached without one.
 * Parsers; who speaks to the proxy is net/tunnel and net/client.
 *
 * No error here shows any part of what was parsed: there may be a password in it.
 */
#ifndef CONFIG_PROXY_H
#define CONFIG_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/reference.h"
#include "lib/err.h"

#define PROXY_TEXT_MAX 1024
#define PROXY_SECRET_MAX 255	 /* bytes of a user name or a password */
#define PROXY_EXCEPTIONS_MAX 8192 /* bytes of a no_proxy list */

struct proxy {
	char address[REFERENCE_REGISTRY_MAX + 1]; /* "host:port", "[::1]:3128"; empty: no proxy */
	char user[PROXY_SECRET_MAX + 1];	  /* empty: none */
	char password[PROXY_SECRET_MAX + 1];
};

/* "[http://][user[:password]@]host:port[/]", user and password with %XX. 0 or -EINVAL. */
int proxy_parse(struct proxy *proxy, const char *text, size_t size, struct err *err);

/*
 * Is this host (in lower case, IPv6 without brackets) on a no_proxy list? Entries stand between commas or blanks:
 * "*" is every host; "example.com" and ".example.com" that name and all below it; an address; "10.0.0.0/8";
 * each may have ":port" behind it (IPv6 in brackets then). Entries that are none of these cover nothing.
 */
bool proxy_is_exempt(const char *list, size_t size, const char *host, uint16_t port);

/* What goes through which proxy. */
struct proxy_rules {
	struct proxy http;  /* for requests in plain http */
	struct proxy https; /* for TLS, by CONNECT */
	const char *exempt; /* a no_proxy list, borrowed; NULL: none */
	bool for_loopback;  /* this machine's own servers too */
};

/* NULL: straight to the host (as above). */
const struct proxy *proxy_choose(const struct proxy_rules *rules, bool https, const char *host,
				 uint16_t port);

#endif
