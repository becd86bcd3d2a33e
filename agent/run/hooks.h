/*
 * hooks - programs that config.json wants run at six points of a container's life (runtime-spec
 * 1.1, config.md "POSIX-platform Hooks", runtime.md "Lifecycle").
 *
 *	point		when					in the namespaces of
 *	prestart	the namespaces are there, and all	the runtime
 *			mounts; pivot_root comes next
 *	createRuntime	after those				the runtime
 *	createContainer	after those				the container (the path is the host's)
 *	startContainer	started, before the application is	the container
 *			executed, as its user
 *	poststart	the application runs			the runtime
 *	poststop	nothing of the container is left but	the runtime
 *			its state directory
 *
 * Each gets the container's state (OCI JSON) on stdin. It is executed without a shell and by its
 * path alone; "/proc/self/exe" is the runtime itself, in the runtime's namespaces from its sealed
 * image. What it prints is kept for the error message.
 *
 * One that fails or takes longer than its timeout ends what it is part of: the container is not
 * made, or ends before its application begins. Only poststart and poststop are but warned about,
 * and those behind them run. poststop hooks run also for a container whose making failed after its
 * first hook may have run; and a delete that was killed runs them again: they must bear that.
 */
#ifndef AGENT_RUN_HOOKS_H
#define AGENT_RUN_HOOKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/run/state.h"
#include "lib/err.h"

#define HOOKS_MAX 64 /* at each point */

enum hook_point {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_POINTS,
};

struct hook {
	char *path;    /* absolute */
	char **args;   /* NULL: the path alone */
	char **env;    /* NULL: none */
	int timeout_s; /* 0: none */
};

struct hooks {
	struct hook *at[HOOK_POINTS];
	size_t count[HOOK_POINTS];
	const char *directory; /* the bundle's, where they begin, as with runc and crun; NULL: where the caller is. Borrowed */
};

/* As config.json calls it; NULL past the last one. */
const char *hook_point_name(int point);

/* Reads the "hooks" member of `config`, if there is one. Release it also after an error. */
int hooks_read(struct hooks *hooks, const json_t *config, struct err *err);
/* The same from a file; one that isn't there has none. */
int hooks_load(struct hooks *hooks, int dirfd, const char *name, struct err *err);
void hooks_release(struct hooks *hooks);

bool hooks_any(const struct hooks *hooks);
/* Some that the runtime runs while the container is being built? */
bool hooks_before_root(const struct hooks *hooks);

/*
 * Runs those of one point in their order, up to the first that fails. `state` is what they read.
 * -ETIMEDOUT for one that was killed for its timeout.
 */
int hooks_run(const struct hooks *hooks, enum hook_point point, const char *state, struct err *err);
/* All of them; those that fail are logged. */
void hooks_run_all(const struct hooks *hooks, enum hook_point point, const char *state);
/* The same for a container that another call has made: those it left, HOOK_POSTSTART or HOOK_POSTSTOP. */
void hooks_run_saved(const struct state *state, enum hook_point point);

#endif
