/*
 * cgroup - one container's control group, the same on v1 and v2.
 *
 * The mode is found out from what is mounted: where v1 controllers are, it is CGROUP_V1, also
 * beside an empty v2 mount (systemd's "hybrid"); else a v2 mount is CGROUP_V2. A cgroup is named
 * by its path below the root of the hierarchies ("/berth/<id>"); on v1 it is made in every
 * hierarchy that matters: memory, cpu, cpuacct, pids, devices, freezer, blkio, others when a limit
 * asks for them, and systemd's own, so that a service manager does not take the container for a
 * part of the agent's service.
 *
 *	cgroup_init(&cgroup, "/berth/<id>", err);	finds out the mode, touches nothing
 *	cgroup_create(&cgroup, &limits, err);		directories, limits
 *	cgroup_entry_open(&entry, &cgroup, err);	and in the child: cgroup_entry_use(&entry, err)
 *	cgroup_read_usage(&cgroup, &usage);
 *	cgroup_kill(&cgroup, err);			all processes in it, until none is left
 *	cgroup_remove(&cgroup, err);
 *
 * Nothing is kept open; another process names the same cgroup by cgroup_init() with the same
 * path. A controller the kernel lacks is an error only when a limit needs it.
 */
#ifndef AGENT_RUN_CGROUP_H
#define AGENT_RUN_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/run/limits.h"
#include "lib/err.h"

#define CGROUP_PATH_MAX 256
#define CGROUP_MOUNT_MAX 64

enum cgroup_mode { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };

enum cgroup_controller {
	CGROUP_MEMORY,
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_PIDS,
	CGROUP_DEVICES,
	CGROUP_FREEZER,
	CGROUP_BLKIO, /* "io" on v2 */
	/* Those from here on are used where a limit asks for them. */
	CGROUP_CPUSET,
	CGROUP_HUGETLB,
	CGROUP_NET_CLS,	 /* v1 only, like the next one */
	CGROUP_NET_PRIO,
	CGROUP_RDMA,
	CGROUP_SYSTEMD, /* the named hierarchy, v1 only */
	CGROUP_CONTROLLERS,
};

struct cgroup {
	enum cgroup_mode mode;
	/* v1: where each hierarchy is mounted ("" where not). v2: the one mount in all of them. */
	char mounts[CGROUP_CONTROLLERS][CGROUP_MOUNT_MAX];
	char path[CGROUP_PATH_MAX]; /* begins with '/' */
};

struct cgroup_usage {
	int64_t memory_bytes; /* charged in all, page cache too */
	/* Page cache that can go at once; docker stats shows the difference. */
	int64_t memory_inactive_bytes;
	int64_t memory_limit_bytes;   /* -1: none */
	int64_t cpu_ns;
	int64_t pids;
	int64_t oom_kills; /* since the cgroup was made */
};

int cgroup_init(struct cgroup *cgroup, const char *path, struct err *err);
/* The cgroup a process is in (on v1: in the first hierarchy there is), or -ESRCH. */
int cgroup_init_of(struct cgroup *cgroup, pid_t pid, struct err *err);

/*
 * An empty one of that path is replaced, for its counters are another container's; -EEXIST when
 * there are processes or cgroups in it: it is somebody else's and not to be removed. After another
 * error cgroup_remove() takes away what was made.
 */
int cgroup_create(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err);
/*
 * The same for one that may be there already, with processes: what the limits do not ask for stays
 * as it is. After an error some of the limits may be new ones.
 */
int cgroup_update(const struct cgroup *cgroup, const struct cgroup_limits *limits, struct err *err);
/*
 * Other rules for one that is in use; those from `first` on are new. v1 keeps the others itself, v2 gets all of
 * them anew.
 */
int cgroup_change_devices(const struct cgroup *cgroup, const struct device_rule *rules, size_t count,
			  size_t first, struct err *err);

/*
 * The way in, open wherever the process that is to go in finds itself by then. Processes go in by themselves: to move another one
 * the kernel waits for every processor (RCU: 5 to 20 ms, in which nobody can fork). v1 moves the one thread that asks for itself
 * at once (since 5.5); on v2 only what begins in the cgroup is spared the wait: clone_process_in().
 */
struct cgroup_entry {
	int directory; /* v2: for who begins in it; -1: nobody does */
	int files[CGROUP_CONTROLLERS];
	const char *names[CGROUP_CONTROLLERS]; /* of the hierarchies, for errors */
	size_t count;
};
#define CGROUP_ENTRY_NONE ((struct cgroup_entry){ .directory = -1 })

int cgroup_entry_open(struct cgroup_entry *entry, const struct cgroup *cgroup, struct err *err);
void cgroup_entry_close(struct cgroup_entry *entry);
/* The calling process, which has one thread. Nothing is left to do for one that began in the cgroup. */
int cgroup_entry_use(const struct cgroup_entry *entry, struct err *err);
/*
 * For one more process beside a container's `first`. v2 lets none into a cgroup that the container
 * has divided (cgroup-v2.rst, "No Internal Process Constraint"): then into the part `first` is in.
 */
int cgroup_enter_beside(const struct cgroup_entry *entry, const struct cgroup *cgroup, pid_t first,
			struct err *err);
/* Without an entry that is kept, and no matter how long it takes. */
int cgroup_enter(const struct cgroup *cgroup, struct err *err);
int cgroup_freeze(const struct cgroup *cgroup, bool frozen, struct err *err);
/*
 * For those that are to die. v1 holds what is frozen even against SIGKILL, and a container that has a cgroup below its own (one
 * with containers in it, say) may have frozen that. v2 does not.
 */
void cgroup_thaw(const struct cgroup *cgroup);
/* Frozen, or about to be. */
bool cgroup_is_frozen(const struct cgroup *cgroup);
/* Sends `signal` to every process in it; -ESRCH when there is none. */
int cgroup_signal(const struct cgroup *cgroup, int signal, struct err *err);
/* SIGKILL for all, repeated until it is empty; -ETIMEDOUT after ten seconds. */
int cgroup_kill(const struct cgroup *cgroup, struct err *err);
/* The processes in it as pids of this namespace; the count, at most `max` are stored. */
ssize_t cgroup_list_pids(const struct cgroup *cgroup, pid_t *pids, size_t max);
/*
 * Removes it if there is nothing in it, neither a process nor a cgroup; quicker than to look. False:
 * cgroup_kill() and cgroup_remove() have something to do.
 */
bool cgroup_remove_empty(const struct cgroup *cgroup);
/* Removes it and what the container made below. Its being gone already is success. */
int cgroup_remove(const struct cgroup *cgroup, struct err *err);

/* What a kernel doesn't tell is -1. -ENOENT when there is no such cgroup. */
int cgroup_read_usage(const struct cgroup *cgroup, struct cgroup_usage *usage);
/* Of it the one number: how many processes the kernel has killed in it for want of memory; -1: it doesn't tell. */
int64_t cgroup_oom_kills(const struct cgroup *cgroup);

#endif
