/*
 * netns - network namespaces of a test's own: NETNS_HOST is the device, the others are what is around it. A socket
 * stays in the namespace that it was made in, so one process can have both ends of a connection.
 */
#ifndef TESTS_UNIT_NETNS_H
#define TESTS_UNIT_NETNS_H

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#define NETNS_MAX 8

struct netns {
	int fds[NETNS_MAX]; /* 0 is the device */
	int count;
};

/* The caller is in the namespace `which` from here on. */
__attribute__((unused)) static bool netns_enter(const struct netns *ns, int which)
{
	return setns(ns->fds[which], CLONE_NEWNET) == 0;
}

/* Makes `count` of them; the caller is in the first. /proc/sys/net is that of whoever opens it. */
__attribute__((unused)) static bool netns_make(struct netns *ns, int count)
{
	for (ns->count = 0; ns->count < count; ns->count++) {
		if (unshare(CLONE_NEWNET) < 0)
			return false;
		ns->fds[ns->count] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (ns->fds[ns->count] < 0)
			return false;
	}
	return netns_enter(ns, 0);
}

__attribute__((unused)) static void netns_close(struct netns *ns)
{
	while (ns->count)
		close(ns->fds[--ns->count]);
}

#endif
