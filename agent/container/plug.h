/*
 * plug - the devices of a running container, which come and go: those that agent.ini names, and those that
 * `berth device add` has added, which are the container's until it ends.
 *
 * Each has a source (config/app_device.h) and the node that is in the container now, or none. Whenever the kernel or udev
 * tells of a change (agent/container/plug_watch.c) each source is looked up again; what differs is changed by a job, `berth runtime
 * device`, one after the other. So a USB serial that comes back under another number is the same path with the
 * new number, and what was unplugged is no longer there: its number may soon be another device's. A change that failed is told
 * once, and tried again after a while, ever longer, as long as the container runs; but not the user's, who was told.
 *
 *	plugs_begin(container, nodes)		it is being started with these
 *	plugs_look(container)			sources may have changed
 *	plugs_add(), plugs_remove()		the user's; done is called once, from the loop
 *	plugs_load(container)			at adoption
 *	plugs_release(container)
 *
 * The list is kept in the bundle, file "devices", for the next agent.
 */
#ifndef AGENT_CONTAINER_PLUG_H
#define AGENT_CONTAINER_PLUG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/container/device_nodes.h"
#include "agent/container/runtime_job.h"
#include "agent/loop.h"
#include "config/app_device.h"
#include "lib/list.h"

struct agent;
struct container;

struct plug_node {
	char type; /* 'c' or 'b'; 0: none */
	uint32_t major, minor, mode, uid, gid;
};

struct plug {
	struct list node; /* in the container's list */
	struct app_device device;
	bool is_own;	 /* agent.ini's; else the user's */
	bool is_leaving; /* the user takes it away */
	bool is_removed; /* agent.ini's, taken away: only its number is still of interest, which config.json allows */
	struct plug_node first; /* what config.json's rules allow; none for the user's */
	struct plug_node now;
	bool is_refused; /* the last change failed: this isn't tried again until it came or went, or is due */
	bool is_due;
	struct plug_node refused;
	void (*done)(const struct err *err, void *data); /* the user waits; NULL: nobody */
	void *data;
};

struct plugs {
	struct list list;
	struct runtime_job job;
	struct plug *at; /* what the job is about */
	struct plug_node wanted;
	struct timer retry;
	int64_t retry_ms; /* the last wait; 0: nothing has failed since a change that was made */
};

/* In struct agent. */
struct plug_watch {
	bool is_open; /* tried, at least */
	int fd;
	struct watch watch;
	struct timer timer;
	int again; /* so often the sources are looked up once more */
};

void plugs_init(struct container *container);
void plugs_begin(struct container *container, const struct device_nodes *nodes);
void plugs_look(struct container *container);
void plugs_load(struct container *container);
void plugs_release(struct container *container);

/* `text` as agent.ini has it. Fails at once, too: -ENOENT not plugged in, -EEXIST the path is taken, -EBUSY not running. */
int plugs_add(struct container *container, const char *text,
	      void (*done)(const struct err *err, void *data), void *data, struct err *err);
int plugs_remove(struct container *container, const char *path,
		 void (*done)(const struct err *err, void *data), void *data, struct err *err);

/* [{"PathOnHost", "PathInContainer", "CgroupPermissions", "Device": "c 188:0" or "", "Added": by the user}] */
json_t *plugs_json(const struct container *container);

/* plug_watch.c: from now on plugs_look() is called for every container when a device may have come or gone. */
void plugs_watch(struct agent *agent);

#endif
