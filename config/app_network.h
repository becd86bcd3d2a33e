/*
 * app_network - how an app is connected: the keys network, publish, hostname, dns, dns_search,
 * dns_option and extra_host of an `[app NAME]` section.
 *
 * Each key's function is for the table in app_keys.c and gets a struct app_config.
 */
#ifndef CONFIG_APP_NETWORK_H
#define CONFIG_APP_NETWORK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/subnet.h"
#include "lib/err.h"

#define APP_DNS_MAX 3	      /* name servers: MAXNS of resolv.conf(5) */
#define APP_DNS_SEARCH_MAX 6  /* MAXDNSRCH */
#define APP_HOSTNAME_MAX 64   /* HOST_NAME_MAX of the kernel */
#define NETWORK_DEFAULT "bridge"

enum network_kind {
	NETWORK_BRIDGE, /* one of its own on a bridge: the built-in one or that of a [network NAME] */
	NETWORK_HOST,
	NETWORK_NONE,
	NETWORK_CONTAINER, /* that of another app's container */
};

/* publish = [IP:]HOST[-END]:CONTAINER[-END][/tcp|udp] */
struct app_publish {
	struct ip ip; /* of the device; family 0: all of both families */
	uint16_t first, last; /* ports of the device */
	uint16_t to; /* the container's port for `first`; the others follow one by one */
	bool is_udp;
};

struct app_network {
	enum network_kind kind;
	char *name; /* BRIDGE: the network's, CONTAINER: the app's; else the kind's word */
	char *hostname; /* NULL: not given; so are the lists, which end with NULL */
	struct app_publish *publishes;
	size_t publish_count;
	char **dns;
	char **dns_search;
	char **dns_options;
	char **extra_hosts; /* "NAME:IP" */
};

void app_network_init(struct app_network *network);
void app_network_release(struct app_network *network);

int app_network_set(void *app, const char *value, struct err *err);
int app_network_set_hostname(void *app, const char *value, struct err *err);
int app_network_add_publish(void *app, const char *value, struct err *err);
int app_network_add_dns(void *app, const char *value, struct err *err);
int app_network_add_dns_search(void *app, const char *value, struct err *err);
int app_network_add_dns_option(void *app, const char *value, struct err *err);
int app_network_add_extra_host(void *app, const char *value, struct err *err);

/* Do the keys of one section go together? */
int app_network_check(const struct app_network *network, struct err *err);

/* As `network =` has it: docker's NetworkMode. free() it. */
char *app_network_text(const struct app_network *network);

/* "8080:80/tcp" as agent.ini would have it; free() it. */
char *app_publish_text(const struct app_publish *publish);

/* Do both want the same port of the same address? */
bool app_publish_conflicts(const struct app_publish *a, const struct app_publish *b);

/* Adds the keys' JSON form; those that aren't given are left out, `network` excepted. */
void app_network_to_json(const struct app_network *network, json_t *object);

#endif
