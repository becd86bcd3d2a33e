/*
 * state - what the runtime remembers about a container: <root>/<id>/, on tmpfs, mode 0700.
 *
 *	state.json	OCI state plus "cgroup", which is its own from "hasCgroup" on, and
 *			"startTicks", which with the pid names the process for good
 *	config.json	the configuration as it was at create
 *	process.json	its "process", and
 *	filter		what became of its seccomp profile (confine.h): for exec, where that is all it needs
 *	traced		empty: besides the container's own, there is or was who may trace what
 *			enters its pid namespace
 *	hooks.json	config.json's hooks, when there are any: for start and delete
 *	start.sock	init listens here until it is started
 *
 * The status is never stored, it is found out. No such process, a zombie, or another start time:
 * stopped; its cgroup is frozen: paused; init still listens on start.sock: created; else running.
 */
#ifndef AGENT_RUN_STATE_H
#define AGENT_RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/run/cgroup.h"
#include "lib/buf.h"
#include "lib/err.h"

#define RUNTIME_ROOT "/run/berth/runtime"
#define STATE_CONFIG "config.json"
#define STATE_PROCESS "process.json"
#define STATE_TRACED "traced"
#define STATE_HOOKS "hooks.json"
#define STATE_ID_MAX 128

enum state_status {
	STATE_CREATING,
	STATE_CREATED,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_STOPPED,
};

struct state {
	int dirfd; /* <root>/<id> */
	char id[STATE_ID_MAX + 1];
	char *bundle;	   /* absolute */
	char *cgroup_path; /* "" : none */
	bool has_cgroup;   /* else create has not got that far: what is of that path may be another's */
	char *created;	   /* RFC 3339 */
	char *annotations; /* JSON object as text, or NULL */
	pid_t pid;	   /* 0: not yet */
	uint64_t start_ticks;
};

/* Letters, digits, '_', '+', '-', '.', not a dot first, at most STATE_ID_MAX: the rule of runc. */
int state_check_id(const char *id, struct err *err);

/* Makes <root>/<id>; -EEXIST when the id is in use. */
int state_create(struct state *state, const char *root, const char *id, struct err *err);
/* Reads an existing one; -ENOENT when there is none. */
int state_open(struct state *state, const char *root, const char *id, struct err *err);
int state_save(const struct state *state, struct err *err);
/* Removes <root>/<id>. */
int state_remove(const char *root, const char *id, struct err *err);
void state_release(struct state *state);

enum state_status state_find_status(const struct state *state);
/* For who has looked for its cgroup already: to read all mounts takes its time. */
enum state_status state_find_status_in(const struct state *state, const struct cgroup *cgroup);
const char *state_status_name(enum state_status status);

/* The container's cgroup; -ESRCH when it has none yet. */
int state_cgroup(const struct state *state, struct cgroup *cgroup, struct err *err);

/* OCI state JSON (runtime spec 1.1, "State"), indented, with a newline. */
void state_format(const struct state *state, struct buf *out);
/* The same for hooks, which are told the status that they are called in. */
void state_format_as(const struct state *state, enum state_status status, struct buf *out);

/*
 * A pidfd of init, or -ESRCH when it has ended (a process that got its pid since is not taken for
 * it). Kernels before 5.3 have no pidfds: -ENOSYS, after the same check.
 */
int state_pidfd(const struct state *state, struct err *err);

#endif
