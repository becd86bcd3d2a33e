#include "config/app_network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/app_config.h"
#include "config/units.h"
#include "lib/fd.h"
#include "lib/json.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define CONTAINER_PREFIX "container:"
#define DNS_OPTION_MAX 64
#define DOMAIN_MAX 253

static struct app_network *network_of(void *app)
{
	return &((struct app_config *)app)->network;
}

void app_network_init(struct app_network *network)
{
	*network = (struct app_network){ .name = xstrdup(NETWORK_DEFAULT) };
}

void app_network_release(struct app_network *network)
{
	free(network->name);
	free(network->hostname);
	free(network->publishes);
	free_strings(network->dns);
	free_strings(network->dns_search);
	free_strings(network->dns_options);
	free_strings(network->extra_hosts);
	*network = (struct app_network){ 0 };
}

static enum network_kind kind_of(const char *value)
{
	if (!strcmp(value, "host"))
		return NETWORK_HOST;
	if (!strcmp(value, "none"))
		return NETWORK_NONE;
	return strncmp(value, CONTAINER_PREFIX, strlen(CONTAINER_PREFIX)) ? NETWORK_BRIDGE :
									     NETWORK_CONTAINER;
}

int app_network_set(void *app, const char *value, struct err *err)
{
	struct app_network *network = network_of(app);
	enum network_kind kind = kind_of(value);
	const char *name = value + (kind == NETWORK_CONTAINER ? strlen(CONTAINER_PREFIX) : 0);

	if (app_name_check(name, APP_NAME_MAX, err) < 0)
		return err_context(err, "use bridge, host, none, container:APP or the name of a [network]");
	free(network->name);
	network->name = xstrdup(name);
	network->kind = kind;
	return 0;
}

/* RFC 1123, and the underscores that people use all the same. */
static bool is_host_name(const char *text, size_t most)
{
	size_t size = strlen(text);

	return size && size <= most && !strchr("-.", *text) && !strchr("-.", text[size - 1]) &&
	       strspn(text, LETTERS DIGITS "-_.") == size && !strstr(text, "..");
}

int app_network_set_hostname(void *app, const char *value, struct err *err)
{
	if (!is_host_name(value, APP_HOSTNAME_MAX))
		return err_set(err, -EINVAL, "not a host name; use letters, digits, - and ., %d of them at most",
			       APP_HOSTNAME_MAX);
	key_replace_text(&network_of(app)->hostname, value);
	return 0;
}

static int add_text(char ***list, const char *text, size_t most, struct err *err)
{
	size_t count = count_strings(*list);

	if (count >= most)
		return err_set(err, -E2BIG, "given more than %zu times", most);
	*list = xrealloc(*list, (count + 2) * sizeof(**list));
	(*list)[count] = xstrdup(text);
	(*list)[count + 1] = NULL;
	return 0;
}

int app_network_add_dns(void *app, const char *value, struct err *err)
{
	struct ip ip;

	if (ip_parse(&ip, value) < 0 || ip_is_unspecified(&ip))
		return err_set(err, -EINVAL, "not an address; use one such as 192.0.2.53");
	return add_text(&network_of(app)->dns, value, APP_DNS_MAX, err);
}

int app_network_add_dns_search(void *app, const char *value, struct err *err)
{
	/* "." is for none at all. */
	if (strcmp(value, ".") && !is_host_name(value, DOMAIN_MAX))
		return err_set(err, -EINVAL, "not a domain; use one such as example.com");
	return add_text(&network_of(app)->dns_search, value, APP_DNS_SEARCH_MAX, err);
}

int app_network_add_dns_option(void *app, const char *value, struct err *err)
{
	size_t size = strlen(value);

	if (size > DNS_OPTION_MAX || strspn(value, LETTERS DIGITS "-_:.") != size)
		return err_set(err, -EINVAL, "not an option of resolv.conf(5); use one such as ndots:1");
	return add_text(&network_of(app)->dns_options, value, APP_LIST_MAX, err);
}

int app_network_add_extra_host(void *app, const char *value, struct err *err)
{
	FREE_CLEANUP char *name = xstrndup(value, strcspn(value, ":"));
	struct ip ip;

	if (!is_host_name(name, DOMAIN_MAX) || strlen(name) == strlen(value) ||
	    ip_parse(&ip, value + strlen(name) + 1) < 0)
		return err_set(err, -EINVAL, "use NAME:ADDRESS, such as plc:192.0.2.7");
	return add_text(&network_of(app)->extra_hosts, value, APP_LIST_MAX, err);
}

/* --- publish ---------------------------------------------------------------------------------- */

static int parse_port(const char *text, uint16_t *port, struct err *err)
{
	int64_t number;

	if (number_parse(text, 1, 65535, &number, err) < 0)
		return err_set(err, -EINVAL, "a port is a number from 1 to 65535");
	*port = (uint16_t)number;
	return 0;
}

/* "80" or "80-89"; changes the text. */
static int parse_ports(char *text, uint16_t *first, uint16_t *last, struct err *err)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash++ = '\0';
	if (parse_port(text, first, err) < 0 || parse_port(dash ? dash : text, last, err) < 0)
		return -EINVAL;
	return *last < *first ? err_set(err, -EINVAL, "a range begins with its lower port") : 0;
}

static int parse_protocol(char *text, bool *is_udp, struct err *err)
{
	char *slash = strchr(text, '/');

	if (slash)
		*slash++ = '\0';
	*is_udp = slash && !strcmp(slash, "udp");
	if (slash && !*is_udp && strcmp(slash, "tcp"))
		return err_set(err, -EINVAL, "behind the / only tcp or udp may stand");
	return 0;
}

/* "192.0.2.1" or "[::1]"; changes the text. */
static int parse_publish_ip(char *text, struct ip *ip, struct err *err)
{
	size_t size = strlen(text);
	bool is_bracketed = size > 2 && *text == '[' && text[size - 1] == ']';

	if (is_bracketed) {
		text[size - 1] = '\0';
		text++;
	}
	if (ip_parse(ip, text) < 0 || is_bracketed != (ip->family == AF_INET6))
		return err_set(err, -EINVAL, "in front of the ports stands an address of the device, such as "
					     "127.0.0.1 or [::1]");
	return 0;
}

static int parse_publish(struct app_publish *publish, char *text, struct err *err)
{
	char *to, *host;
	uint16_t to_last;

	if (parse_protocol(text, &publish->is_udp, err) < 0)
		return -EINVAL;
	to = strrchr(text, ':');
	if (!to)
		return err_set(err, -EINVAL, "use HOST:CONTAINER, such as 8080:80: the device's port, then the "
					     "container's");
	*to++ = '\0';
	host = strrchr(text, ':');
	if (host) {
		*host++ = '\0';
		if (parse_publish_ip(text, &publish->ip, err) < 0)
			return -EINVAL;
	}
	if (parse_ports(host ? host : text, &publish->first, &publish->last, err) < 0 ||
	    parse_ports(to, &publish->to, &to_last, err) < 0)
		return -EINVAL;
	if (to_last - publish->to != publish->last - publish->first)
		return err_set(err, -EINVAL, "the two ranges are not of the same length");
	return 0;
}

bool app_publish_conflicts(const struct app_publish *a, const struct app_publish *b)
{
	if (a->is_udp != b->is_udp || a->first > b->last || b->first > a->last)
		return false;
	if (!a->ip.family || !b->ip.family)
		return true;
	return a->ip.family == b->ip.family &&
	       (ip_is_unspecified(&a->ip) || ip_is_unspecified(&b->ip) || ip_equal(&a->ip, &b->ip));
}

int app_network_add_publish(void *app, const char *value, struct err *err)
{
	struct app_network *network = network_of(app);
	FREE_CLEANUP char *copy = xstrdup(value);
	struct app_publish publish = { 0 };

	if (parse_publish(&publish, copy, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < network->publish_count; i++)
		if (app_publish_conflicts(&network->publishes[i], &publish))
			return err_set(err, -EINVAL, "a line before publishes this port already");
	if (network->publish_count >= APP_LIST_MAX)
		return err_set(err, -E2BIG, "given more than %d times", APP_LIST_MAX);
	network->publishes = xrealloc(network->publishes,
				      (network->publish_count + 1) * sizeof(*network->publishes));
	network->publishes[network->publish_count++] = publish;
	return 0;
}

/* --- as a whole ------------------------------------------------------------------------------- */

static const char *not_with_container(const struct app_network *network)
{
	return network->hostname    ? "hostname" :
	       network->dns	    ? "dns" :
	       network->dns_search  ? "dns_search" :
	       network->dns_options ? "dns_option" :
	       network->extra_hosts ? "extra_host" :
				      NULL;
}

int app_network_check(const struct app_network *network, struct err *err)
{
	FREE_CLEANUP char *text = app_network_text(network);
	const char *key = not_with_container(network);

	if (network->publish_count && network->kind == NETWORK_CONTAINER)
		return err_set(err, -EINVAL, "publish and network = %s do not go together: publish with app %s",
			       text, network->name);
	if (network->publish_count && network->kind == NETWORK_HOST)
		return err_set(err, -EINVAL, "publish and network = host do not go together: the app's ports are "
					     "the device's; take publish out");
	if (network->publish_count && network->kind == NETWORK_NONE)
		return err_set(err, -EINVAL, "publish and network = none do not go together: use bridge");
	if (network->kind == NETWORK_CONTAINER && key)
		return err_set(err, -EINVAL, "%s and network = %s do not go together: give it to app %s", key, text,
			       network->name);
	return 0;
}

char *app_network_text(const struct app_network *network)
{
	return xasprintf("%s%s", network->kind == NETWORK_CONTAINER ? CONTAINER_PREFIX : "",
			 network->name);
}

static char *ports_text(unsigned int first, unsigned int last)
{
	return first == last ? xasprintf("%u", first) : xasprintf("%u-%u", first, last);
}

char *app_publish_text(const struct app_publish *publish)
{
	unsigned int to = publish->to;
	FREE_CLEANUP char *host = ports_text(publish->first, publish->last);
	FREE_CLEANUP char *inside = ports_text(to, to + publish->last - publish->first);
	const char *protocol = publish->is_udp ? "udp" : "tcp";
	char ip[IP_TEXT_MAX];

	ip_format(&publish->ip, ip);
	if (!*ip)
		return xasprintf("%s:%s/%s", host, inside, protocol);
	return xasprintf(publish->ip.family == AF_INET6 ? "[%s]:%s:%s/%s" : "%s:%s:%s/%s", ip, host,
			 inside, protocol);
}

static void put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		die_no_memory();
}

static void put_list(json_t *object, const char *key, char *const *list)
{
	if (list)
		put(object, key, json_from_strings(list));
}

static void put_publishes(json_t *object, const struct app_network *network)
{
	json_t *array;

	if (!network->publish_count)
		return;
	array = json_array();
	for (size_t i = 0; i < network->publish_count; i++) {
		FREE_CLEANUP char *text = app_publish_text(&network->publishes[i]);

		if (json_array_append_new(array, json_string(text)) < 0)
			die_no_memory();
	}
	put(object, "publish", array);
}

void app_network_to_json(const struct app_network *network, json_t *object)
{
	FREE_CLEANUP char *text = app_network_text(network);

	put(object, "network", json_string(text));
	if (network->hostname)
		put(object, "hostname", json_string(network->hostname));
	put_publishes(object, network);
	put_list(object, "dns", network->dns);
	put_list(object, "dns_search", network->dns_search);
	put_list(object, "dns_option", network->dns_options);
	put_list(object, "extra_host", network->extra_hosts);
}
