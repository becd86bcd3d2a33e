#include "config/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define SCHEME "http://"
#define ENTRY_MAX 262
#define BETWEEN ", \t"

/* The URL. */

static int refuse(struct err *err)
{
	return err_set(err, -EINVAL, "not a proxy; use http://HOST:PORT or http://USER:PASSWORD@HOST:PORT (with %%XX "
				     "for special characters)");
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX. Control characters are refused, also in disguise. */
static int take_secret(char out[static PROXY_SECRET_MAX + 1], const char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		int value = (unsigned char)text[i];

		if (text[i] == '%') {
			if (i + 2 >= size || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
				return -EINVAL;
			value = hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]);
			i += 2;
		}
		if (value < ' ' || value == 0x7f || used == PROXY_SECRET_MAX)
			return -EINVAL;
		out[used++] = (char)value;
	}
	out[used] = '\0';
	return 0;
}

/* A name with a colon can't be sent: RFC 7617 ends it there. */
static int take_credentials(struct proxy *proxy, const char *text, size_t size)
{
	const char *colon = memchr(text, ':', size);
	size_t user = colon ? (size_t)(colon - text) : size;

	if (memchr(text, '/', size)) /* of another scheme */
		return -EINVAL;
	if (take_secret(proxy->user, text, user) < 0 || !*proxy->user || strchr(proxy->user, ':'))
		return -EINVAL;
	return colon ? take_secret(proxy->password, colon + 1, size - user - 1) : 0;
}

static const char *last_at(const char *text, size_t size)
{
	while (size > 0)
		if (text[--size] == '@')
			return text + size;
	return NULL;
}

static int take_address(struct proxy *proxy, const char *text, size_t size)
{
	char address[REFERENCE_REGISTRY_MAX + 1];
	const char *bracket;

	if (size > 0 && text[size - 1] == '/')
		size--;
	if (size == 0 || size > REFERENCE_REGISTRY_MAX || memchr(text, '\0', size))
		return -EINVAL;
	memcpy(address, text, size);
	address[size] = '\0';
	bracket = strchr(address, ']');
	if (!strchr(bracket ? bracket : address, ':'))
		return -EINVAL;
	return reference_parse_registry(proxy->address, address, NULL);
}

int proxy_parse(struct proxy *proxy, const char *text, size_t size, struct err *err)
{
	const char *at;
	int ret = 0;

	*proxy = (struct proxy){ .address = "" };
	if (size > PROXY_TEXT_MAX)
		return refuse(err);
	if (size >= strlen(SCHEME) && !strncasecmp(text, SCHEME, strlen(SCHEME)))
		text += strlen(SCHEME), size -= strlen(SCHEME);
	at = last_at(text, size);
	if (at) {
		size_t secret = (size_t)(at - text);

		ret = take_credentials(proxy, text, secret);
		text = at + 1, size -= secret + 1;
	}
	if (ret == 0)
		ret = take_address(proxy, text, size);
	if (ret == 0)
		return 0;
	*proxy = (struct proxy){ .address = "" };
	return refuse(err);
}

/* no_proxy. */

struct address {
	unsigned char bytes[16];
	int size; /* 4 or 16; 0: none */
};

static struct address parse_address(const char *text)
{
	struct address address = { .size = 0 };

	if (inet_pton(AF_INET, text, address.bytes) == 1)
		address.size = 4;
	else if (inet_pton(AF_INET6, text, address.bytes) == 1)
		address.size = 16;
	return address;
}

static bool same_network(const struct address *a, const struct address *b, int bits)
{
	int whole = bits / 8, rest = bits % 8;

	if (a->size != b->size || bits > a->size * 8 || memcmp(a->bytes, b->bytes, (size_t)whole))
		return false;
	return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

/* Digits up to `max`, or -1. */
static int parse_number(const char *text, int max)
{
	int value = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || value > max)
			return -1;
		value = value * 10 + (*text - '0');
	}
	return value <= max ? value : -1;
}

/* "example.com" and ".example.com" both cover example.com and what is below it. */
static bool covers_name(const char *entry, const char *host)
{
	size_t size, host_size = strlen(host);

	entry += *entry == '.';
	size = strlen(entry);
	if (size == 0 || size > host_size || strcasecmp(host + host_size - size, entry) != 0)
		return false;
	return size == host_size || host[host_size - size - 1] == '.';
}

/* Cuts ":port" off where there is one. False: it is not `port`. */
static bool take_port(char *entry, uint16_t port)
{
	char *colon = strchr(entry, ':');

	if (*entry == '[') {
		char *end = strchr(entry, ']');

		if (!end)
			return false;
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
		memmove(entry, entry + 1, strlen(entry));
	} else if (colon && strchr(colon + 1, ':')) {
		return true; /* an IPv6 address without brackets */
	} else if (colon) {
		*colon = '\0';
	}
	return !colon || parse_number(colon + 1, UINT16_MAX) == port;
}

static bool covers(char *entry, const char *host, uint16_t port)
{
	struct address wanted = parse_address(host), found;
	char *slash;
	int bits;

	if (!strcmp(entry, "*"))
		return true;
	if (!take_port(entry, port))
		return false;
	slash = strchr(entry, '/');
	if (slash)
		*slash = '\0';
	found = parse_address(entry);
	if (!found.size)
		return !slash && !wanted.size && covers_name(entry, host);
	bits = slash ? parse_number(slash + 1, found.size * 8) : found.size * 8;
	return bits >= 0 && wanted.size && same_network(&found, &wanted, bits);
}

bool proxy_is_exempt(const char *list, size_t size, const char *host, uint16_t port)
{
	const char *end = list + size;

	while (list < end) {
		char entry[ENTRY_MAX + 1];
		size_t length = 0;

		while (list + length < end && list[length] && !strchr(BETWEEN, list[length]))
			length++;
		if (length > 0 && length <= ENTRY_MAX) {
			memcpy(entry, list, length);
			entry[length] = '\0';
			if (covers(entry, host, port))
				return true;
		}
		list += length + 1;
	}
	return false;
}

static bool is_loopback(const char *host)
{
	static const char list[] = "127.0.0.0/8 ::1 localhost";

	return proxy_is_exempt(list, strlen(list), host, 0);
}

const struct proxy *proxy_choose(const struct proxy_rules *rules, bool https, const char *host,
				 uint16_t port)
{
	const struct proxy *proxy = https ? &rules->https : &rules->http;

	if (!*proxy->address || (!rules->for_loopback && is_loopback(host)))
		return NULL;
	if (rules->exempt && proxy_is_exempt(rules->exempt, strlen(rules->exempt), host, port))
		return NULL;
	return proxy;
}
