/*
 * ns - which namespaces a container gets new and which it shares (namespaces(7)).
 *
 * New ones are made by clone(), except the cgroup namespace: its root is the cgroup a process is
 * in when it is made, so the container's init makes it after it was moved into its cgroup; and with
 * a user namespace of its own the ipc namespace, where the directory of message queues belongs to
 * whoever makes it. A new user namespace owns the others that are made with it.
 *
 *	ns_open_joined(&joined, &namespaces, err)
 *	pid = ns_spawn(&namespaces, &joined, err)	as fork(): the child is in all of them
 *
 * To enter those of a running container:
 *
 *	ns_open_process(&ns, pid, err)
 *	ns_enter_pid(&ns, err)		for children
 *	ns_enter(&ns, err)		in the child
 */
#ifndef AGENT_RUN_NS_H
#define AGENT_RUN_NS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/run/cgroup.h"
#include "lib/err.h"

enum ns_type {
	NS_CGROUP,
	NS_IPC,
	NS_MNT,
	NS_NET,
	NS_PID,
	NS_TIME,
	NS_USER,
	NS_UTS,
	NS_TYPES,
};

/* What a new time namespace adds to a clock. */
struct time_offset {
	int64_t secs;
	int64_t nanosecs;
};

struct namespaces {
	bool make[NS_TYPES];	     /* a new one */
	char *join[NS_TYPES];	     /* path of an existing one; NULL: the runtime's own. Owned */
	struct time_offset monotonic, boottime;
};

/* The type that linux.namespaces calls "mount", "network" ...; -EINVAL. */
int ns_parse_type(const char *name);
/* The other way round; NULL past the last one. */
const char *ns_name(int type);

/* CLONE_NEW... */
int ns_flag(enum ns_type type);

/* A new one or one that is joined, not the runtime's. */
bool ns_is_own(const struct namespaces *namespaces, enum ns_type type);
/* The same, looked at: a path to join may lead to the runtime's. */
bool ns_is_apart(const struct namespaces *namespaces, enum ns_type type);

/* Descriptors of the namespaces to enter, -1: stay. Open them all before entering the first. */
struct ns_fds {
	int fds[NS_TYPES];
};
#define NS_FDS_NONE ((struct ns_fds){ .fds = { [0 ... NS_TYPES - 1] = -1 } })

int ns_open_joined(struct ns_fds *ns, const struct namespaces *namespaces, struct err *err);
/* All those of a process that differ from the caller's. */
int ns_open_process(struct ns_fds *ns, pid_t pid, struct err *err);
void ns_close(struct ns_fds *ns);

/* The pid namespace counts for children made afterwards only. */
int ns_enter_pid(const struct ns_fds *ns, struct err *err);
/*
 * All but the pid namespace; the user namespace last, for it takes the rights over the others
 * away. userns_become_root() is to follow when there is one.
 */
int ns_enter(const struct ns_fds *ns, struct err *err);

/*
 * fork() into new and joined namespaces; the caller stays where it is. What is joined is entered
 * by a process in between, of which the child is a sibling. Single-threaded callers only.
 */
pid_t ns_spawn(const struct namespaces *namespaces, const struct ns_fds *joined, struct cgroup_entry *entry,
	       struct err *err);

/* fork() with these CLONE_ flags, on the same stack. Single-threaded callers only. */
pid_t clone_process(int flags);
/*
 * The same; the child begins in the cgroup (v2, Linux 5.7). Where it can't, the entry has no directory any more, in the child
 * neither, which is to enter by itself.
 */
pid_t clone_process_in(int flags, struct cgroup_entry *entry);

#endif
