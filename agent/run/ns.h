/*
 * ns - which namespaces a container gets new and which it shares (namespaces(7)).
 *
 * New ones are made by clone(), except the cgroup namespace: its root is the cgroup a process is
 * in when it is made, so the container's init makes it after it was moved into its cgroup.
 */
#ifndef AGENT_RUN_NS_H
#define AGENT_RUN_NS_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

enum ns_type { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_UTS, NS_TYPES };

struct namespaces {
	bool make[NS_TYPES];	     /* a new one */
	char *join[NS_TYPES];	     /* path of an existing one; NULL: the runtime's own. Owned */
};

/* The type that linux.namespaces calls "mount", "network" ...; -EINVAL. */
int ns_parse_type(const char *name);
/* The other way round; NULL past the last one. */
const char *ns_name(int type);

/* CLONE_NEW... of one type, and of all new ones but the cgroup's. */
int ns_flag(enum ns_type type);
int ns_clone_flags(const struct namespaces *namespaces);

/* Descriptors of the namespaces to enter, -1: stay. Open them all before entering the first. */
struct ns_fds {
	int fds[NS_TYPES];
};

int ns_open_joined(struct ns_fds *ns, const struct namespaces *namespaces, struct err *err);
/* All those of a process that differ from the caller's. */
int ns_open_process(struct ns_fds *ns, pid_t pid, struct err *err);
void ns_close(struct ns_fds *ns);

/* The pid namespace counts for children made afterwards only. */
int ns_enter_pid(const struct ns_fds *ns, struct err *err);
/* Children, hooks that is, are the runtime's own again. */
int ns_leave_pid(const struct ns_fds *ns, struct err *err);
/* All but the pid namespace; the mount namespace last. */
int ns_enter(const struct ns_fds *ns, struct err *err);

#endif
