/*
 * container - one container on the device, from its creation to its removal.
 *
 * The agent's side of a shim (agent/helper/shim.h): prepares the OCI bundle below <run>, starts the
 * shim, follows it over its socket, stops the container with its StopSignal and, after a grace
 * time, SIGKILL. A container outlives the agent: containers_adopt() finds them again.
 *
 * State is Docker's: created, restarting, running, removing, paused, exited, dead. Who decides that
 * a container runs at all is its owner (an app), told through `on_event`.
 */
#ifndef AGENT_CONTAINER_H
#define AGENT_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/job.h"
#include "agent/loop.h"
#include "agent/update.h"
#include "config/app_config.h"
#include "config/image_config.h"
#include "lib/list.h"

#define STOP_TIMEOUT_MS 10000 /* as Docker */
#define CONTAINER_LOG_SIZE (256 * 1024)

struct agent;
struct container;

enum container_state {
	CONTAINER_CREATED,
	CONTAINER_RESTARTING, /* the owner waits for its back-off */
	CONTAINER_RUNNING,
	CONTAINER_REMOVING,
	CONTAINER_PAUSED,
	CONTAINER_EXITED,
	CONTAINER_DEAD, /* it could not be started or its shim is gone */
	CONTAINER_STATE_COUNT
};

extern const char *const container_state_names[CONTAINER_STATE_COUNT];

enum container_event {
	CONTAINER_STARTED,
	CONTAINER_START_FAILED, /* `error` says why; state is dead */
	CONTAINER_ENDED,	/* exit_code, oom are set; state is exited */
};

struct container {
	struct list node; /* in agent->containers */
	struct agent *agent;
	char id[CONTAINER_ID_SIZE];
	char *name;
	char *image_name;     /* reference for people */
	struct digest config; /* image ID */
	char **args;	      /* Entrypoint and Cmd as they run; NULL until the bundle was made */
	struct app_config *settings; /* owned */
	int64_t created_ns;

	enum container_state state;
	pid_t pid; /* of init in the agent's namespace; 0 when not running */
	int exit_code;
	int exit_signal; /* 0: it exited by itself */
	bool oom;	 /* the kernel's OOM killer ended it */
	int64_t started_ns, finished_ns;
	int restarts; /* by the owner's policy */
	char error[ERR_TEXT_MAX];

	void (*on_event)(struct container *container, enum container_event event, void *data);
	void *data;

	/* the shim */
	int sock; /* -1: none */
	struct watch sock_watch;
	struct timer connect_timer, kill_timer;
	struct child shim;
	bool starting, stopping;
	int connect_tries;
	int stop_signal;
};

/*
 * A new container object (nothing on disk yet) in agent->containers. `id` may be NULL: a random
 * one. The settings are copied.
 */
struct container *container_new(struct agent *agent, const char *id, const char *name,
				const char *image_name, const struct digest *config,
				const struct app_config *settings);

/* Forgets the object; what runs goes on running. */
void container_free(struct container *container);

/* Makes the bundle and starts the shim. CONTAINER_STARTED or _START_FAILED follows, unless this fails at once. */
int container_start(struct container *container, struct err *err);

/* StopSignal now, SIGKILL after timeout_ms (-1: the default). CONTAINER_ENDED follows if it ran. */
void container_stop(struct container *container, int64_t timeout_ms);
int container_signal(struct container *container, int signal, struct err *err);

/* True while there is a process or a shim about to make one. */
bool container_is_alive(const struct container *container);

/* Removes bundle, logs and writable layer and frees the object. Must not be alive. */
int container_remove(struct container *container, struct err *err);

/* At start: every container that a former agent left below <run>, running or not. */
int containers_adopt(struct agent *agent, struct err *err);

/* By ID, unique ID prefix or name, as Docker looks things up. -ENOENT, or -EEXIST when ambiguous. */
int container_find(struct agent *agent, const char *what, struct container **out, struct err *err);

/* <run>/containers/<id>/FILE into path. */
void container_path(const struct container *container, const char *file, char *path, size_t size);

#endif
