/*
 * container - one container on the device, from its creation to its removal.
 *
 * The agent's side of a shim (agent/helper/shim.h): starts it on the OCI bundle that agent/container/bundle
 * prepares below <run>/containers/<id>, follows it over its socket, stops the container with its
 * stop signal and, after a grace time, SIGKILL. A container outlives the agent: containers_adopt()
 * finds it again.
 *
 * State is Docker's: created, restarting, running, removing, paused, exited, dead. Who decides that
 * a container runs at all is its owner (an app), told through `on_event`.
 */
#ifndef AGENT_CONTAINER_CONTAINER_H
#define AGENT_CONTAINER_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/app/update.h"
#include "agent/container/plug.h"
#include "agent/container/runtime_job.h"
#include "agent/job.h"
#include "agent/loop.h"
#include "agent/networks/networks.h"
#include "config/app_config.h"
#include "config/image_config.h"
#include "lib/list.h"

#define CONTAINER_STOP_MS 10000 /* grace time, as Docker's */
#define CONTAINER_LOG_SIZE (256 * 1024)

struct agent;
struct container;
struct shim_event;

enum container_state {
	CONTAINER_CREATED,
	CONTAINER_RESTARTING, /* the owner waits for its back-off */
	CONTAINER_RUNNING,
	CONTAINER_REMOVING,
	CONTAINER_PAUSED,
	CONTAINER_EXITED,
	CONTAINER_DEAD, /* it could not be started */
	CONTAINER_STATE_COUNT
};

extern const char *const container_state_names[CONTAINER_STATE_COUNT];

enum container_event {
	CONTAINER_STARTED,
	CONTAINER_START_FAILED, /* `error` says why; state is dead */
	CONTAINER_ENDED,	/* exit_code, exit_signal and oom are set; state is exited */
	CONTAINER_FROZEN,	/* agent/container/pause.h; state is paused */
	CONTAINER_THAWED,
};

/*
 * Embedded in whoever waits for an end. on_end is called once, and the waiter is off the list by then. The shim may still be about to
 * leave, and the container alive in the sense of container_is_alive().
 */
struct container_waiter {
	struct list node; /* in the container's waiters */
	bool until_removed; /* an end is not enough */
	void (*on_end)(struct container_waiter *waiter, const struct container *container);
};

struct container {
	struct list node; /* in agent->containers */
	struct agent *agent;
	char id[CONTAINER_ID_SIZE];
	char *name;
	char *image_name;	     /* the reference as people write it */
	struct digest config;	     /* image ID */
	struct app_config *settings; /* owned */
	char **args;		     /* what runs: set when the bundle is made, empty before */
	char **labels;		     /* agent/container/labels.h; the image's are there once the bundle is made */
	int64_t created_ns;
	uint32_t first_id; /* of its own users and groups; 0: it has the device's. Set before the start */

	enum container_state state;
	pid_t pid; /* of init as the agent sees it; 0 when not running */
	uint64_t start_ticks; /* with the pid it names the process for good (sys_process_start) */
	int exit_code;
	int exit_signal; /* 0: it ended by itself */
	bool oom;	 /* the kernel killed something in it for memory */
	int64_t started_ns, finished_ns;
	int restarts;		  /* by the owner's policy */
	bool was_by_device;	  /* that was because a file system is full, or a port taken */
	char error[ERR_TEXT_MAX]; /* why it could not be started; empty: nothing */

	/* Called from the loop, never from within container_start() or container_stop(). */
	void (*on_event)(struct container *container, enum container_event event, void *data);
	void *data;

	struct endpoint endpoint; /* agent/networks/networks.h: its place on a bridge */
	int joined_fd; /* the network namespace that it joins while it starts; -1 */

	struct plugs plugs; /* its devices */
	struct list waiters;
	int stop_signal;
	int sock; /* to the shim; -1: there is none */
	int input; /* the writing end of its stdin, or its terminal's master; -1: it has neither */
	struct watch watch;
	struct timer kill_timer;
	struct job *cleanup; /* removes what a killed shim left */
	struct {	     /* agent/container/pause.h */
		struct runtime_job job;
		bool wanted;	  /* paused, when the job has ended */
		bool is_thaw_due; /* and then it goes on at once */
		void (*done)(const struct err *err, void *data); /* NULL: nobody waits */
		void *data;
	} pausing;
	bool is_stopping;    /* container_stop() was called: how it ends is not its own doing */
	bool has_ended;	     /* the shim said so, it is about to leave */
	bool keeps_old;	     /* a layer may have been replaced since it started (layer_retire_old) */
};

/*
 * A new object in agent->containers; nothing is on disk yet. `id` may be NULL: a random one. The
 * settings are copied.
 */
struct container *container_new(struct agent *agent, const char *id, const char *name,
				const char *image_name, const struct digest *config,
				const struct app_config *settings);

/* A random ID: 64 hex digits. */
void container_new_id(char id[static CONTAINER_ID_SIZE]);

/* Forgets the object; what runs goes on running. */
void container_free(struct container *container);

/* Makes the bundle and starts the shim. CONTAINER_STARTED or _START_FAILED follows, unless this fails at once. */
int container_start(struct container *container, struct err *err);

/* The stop signal now, SIGKILL after timeout_ms (-1: container_stop_timeout_ms(); 0: only SIGKILL). CONTAINER_ENDED follows if it is alive. */
void container_stop(struct container *container, int64_t timeout_ms);
int container_signal(struct container *container, int signal, struct err *err);

/* How long it has to end by itself: its stop_timeout, or Docker's default. */
int64_t container_stop_timeout_ms(const struct container *container);

/* From container_start() until CONTAINER_ENDED or _START_FAILED. */
bool container_is_alive(const struct container *container);
/* Nothing of it runs: it is not alive, or its shim is about to leave. */
bool container_has_ended(const struct container *container);

/* Removes bundle, log, writable layer and anonymous volumes, and frees the object. Must not be alive. */
void container_remove(struct container *container);

/* At start: every container that a former agent left below <run>, alive or not. */
void containers_adopt(struct agent *agent);

/* For adoption: follow the shim at the other end of sock (taken), as if it had been started here. */
void container_follow(struct container *container, int sock);
/* What the shim said. */
void container_take_event(struct container *container, const struct shim_event *event);
/* The shim was killed, nobody is left who could say how it ended: removes what is left; CONTAINER_ENDED follows. */
void container_clean_up(struct container *container);

/*
 * By ID, name, or prefix of an ID, in this order, as Docker looks things up. -ENOENT, or -EEXIST
 * when several have the prefix.
 */
int container_find(struct agent *agent, const char *what, struct container **out, struct err *err);

/* <run>/containers/<id>: the bundle directory, free()d by the caller. */
char *container_dir(const struct container *container);

#endif
