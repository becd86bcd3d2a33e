/*
 * health - watches a running container: http, tcp, exec or the image's HEALTHCHECK, each probe in
 * the container's own namespaces, each a helper process with a deadline.
 *
 * health_start() when the container has started, health_stop() when it ends. Failures before the
 * start period is over do not count, unless a probe has succeeded before. Nothing is written to
 * flash.
 */
#ifndef AGENT_APP_HEALTH_H
#define AGENT_APP_HEALTH_H

#include <stdint.h>

#include "agent/job.h"
#include "agent/loop.h"
#include "config/app_config.h"
#include "config/image_config.h"

#define HEALTH_OUTPUT_MAX 200

/* As `docker ps` names them. */
enum health_status {
	HEALTH_STATUS_NONE, /* nothing is probed */
	HEALTH_STATUS_STARTING,
	HEALTH_STATUS_HEALTHY,
	HEALTH_STATUS_UNHEALTHY,
	HEALTH_STATUS_COUNT
};

extern const char *const health_status_names[HEALTH_STATUS_COUNT];

struct container;

struct health_monitor {
	enum health_status status;
	int failures;			    /* in a row */
	char output[HEALTH_OUTPUT_MAX + 1]; /* what the last failed probe said, one line */

	struct container *container; /* NULL: not started */
	char **argv;		     /* to run in the container, owned; NULL: http or tcp */
	struct health_timing timing;
	int64_t started_ms;
	int64_t asked_ms; /* when the probe under way, or the last one, began */
	struct timer timer;
	struct job *job;
	int output_fd;
	void (*on_change)(struct health_monitor *monitor, void *data);
	void *data;
};

/* The image's HEALTHCHECK counts when the app says `health = image` (the default). */
void health_start(struct health_monitor *monitor, struct container *container,
		  const struct image_config *image,
		  void (*on_change)(struct health_monitor *monitor, void *data), void *data);
void health_stop(struct health_monitor *monitor);

/* While the container is paused nothing is asked; a probe under way is not counted. */
void health_suspend(struct health_monitor *monitor);
void health_resume(struct health_monitor *monitor);

#endif
