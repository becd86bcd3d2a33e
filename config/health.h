/*
 * health - how an app's health is asked for: the `health` key of agent.ini.
 *
 *	http://[host][:port]/path | tcp://[host]:port | exec CMD | image | none
 *
 * "image" is the image's HEALTHCHECK, or nothing when it has none. Probes run in the container's
 * own network namespace, so the host is most often left out.
 */
#ifndef CONFIG_HEALTH_H
#define CONFIG_HEALTH_H

#include <stdint.h>

#include "lib/err.h"

enum health_kind { HEALTH_IMAGE, HEALTH_NONE, HEALTH_HTTP, HEALTH_TCP, HEALTH_EXEC };

struct health {
	enum health_kind kind;
	char *host;    /* http, tcp: "127.0.0.1" when none was given; IPv6 without its [] */
	uint16_t port; /* http, tcp; http without a port means 80 */
	char *path;    /* http: with the query, "/" when none was given */
	char **argv;   /* exec: NULL-terminated */
};

/* How often and how long; see app_config_health_timing(). */
struct health_timing {
	int64_t interval_ms;
	int64_t timeout_ms;
	int64_t start_ms; /* failures before this don't count */
	int retries;	  /* so many failures in a row make it unhealthy */
};

#define HEALTH_INTERVAL_MS 10000
#define HEALTH_INTERVAL_MIN_MS 1000 /* an image's 1 ms must not keep the processor busy */
#define HEALTH_TIMEOUT_MS 3000
#define HEALTH_START_MS 15000
#define HEALTH_RETRIES 3

/* On error nothing is owned. */
int health_parse(struct health *health, const char *text, struct err *err);
void health_release(struct health *health);

/* As agent.ini has it; free() it. Reading it again gives the same. */
char *health_format(const struct health *health);

#endif
