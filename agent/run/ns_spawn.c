/* ns_spawn(): a child in new and joined namespaces. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/run/ns.h"
#include "lib/fd.h"

/* What the process in between has to say. */
struct spawned {
	pid_t pid;
	struct err err;
};

pid_t clone_process(int flags)
{
	/*
	 * All other arguments are zero, so that their order, which architectures differ in, is no
	 * matter.
	 */
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

pid_t clone_process_in(int flags, struct cgroup_entry *entry)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | (unsigned int)flags,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD, /* its sibling's */
		.cgroup = (unsigned int)entry->directory,
	};
	pid_t pid = -1;

	if (entry->directory >= 0)
		pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid >= 0)
		return pid;
	fd_close(&entry->directory);
	return clone_process(flags);
}

static int clone_flags(const struct namespaces *namespaces)
{
	int flags = 0;

	for (int i = 0; i < NS_TYPES; i++)
		if (namespaces->make[i] && i != NS_CGROUP && i != NS_TIME)
			flags |= ns_flag((enum ns_type)i);
	return ns_is_own(namespaces, NS_USER) ? flags & ~ns_flag(NS_IPC) : flags;
}

/* For children: a process can't change its own clocks, and clone() has no bit left for that. */
static int make_time(const struct namespaces *namespaces, struct err *err)
{
	FREE_CLEANUP char *text = xasprintf("monotonic %" PRId64 " %" PRId64 "\nboottime %" PRId64
					    " %" PRId64 "\n",
					    namespaces->monotonic.secs,
					    namespaces->monotonic.nanosecs,
					    namespaces->boottime.secs,
					    namespaces->boottime.nanosecs);
	int rc;

	if (unshare(ns_flag(NS_TIME)) < 0)
		return err_sys(err, "make a time namespace (Linux 5.6, CONFIG_TIME_NS)");
	rc = fd_write_file(AT_FDCWD, "/proc/self/timens_offsets", text);
	if (rc == -ERANGE)
		return err_set(err, rc, "linux.timeOffsets: a clock would be below zero, or above 146 years");
	return rc < 0 ? err_code(err, rc, "linux.timeOffsets") : 0;
}

static bool is_joining(const struct ns_fds *joined)
{
	for (int i = 0; i < NS_TYPES; i++)
		if (joined->fds[i] >= 0)
			return true;
	return false;
}

/* In the process in between. Returns in the child only. */
static void spawn_sibling(const struct namespaces *namespaces, const struct ns_fds *joined, struct cgroup_entry *entry,
			  int report)
{
	struct spawned spawned = { .pid = -1 };
	struct err *err = &spawned.err;

	/* In a user namespace that is joined others may trace what they can see: not this one. */
	prctl(PR_SET_DUMPABLE, 0);
	if ((!namespaces->make[NS_TIME] || make_time(namespaces, err) == 0) &&
	    ns_enter_pid(joined, err) == 0 && ns_enter(joined, err) == 0) {
		spawned.pid = clone_process_in(clone_flags(namespaces) | CLONE_PARENT, entry);
		if (!spawned.pid)
			return;
		if (spawned.pid < 0)
			err_sys(err, "make the container's namespaces");
	}
	(void)!fd_write_full(report, &spawned, sizeof(spawned));
	_exit(0);
}

static pid_t spawn_indirectly(const struct namespaces *namespaces, const struct ns_fds *joined,
			      struct cgroup_entry *entry, struct err *err)
{
	struct spawned spawned = { 0 };
	int report[2];
	pid_t between;

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	between = clone_process(0);
	if (!between) {
		spawn_sibling(namespaces, joined, entry, report[1]);
		close(report[0]);
		close(report[1]);
		return 0;
	}
	close(report[1]);
	if (between < 0)
		err_sys(err, "fork");
	else if (fd_read_full(report[0], &spawned, sizeof(spawned)) != sizeof(spawned))
		err_set(err, -EPIPE, "the process that joins the namespaces was killed");
	else if (spawned.pid < 0)
		*err = spawned.err;
	close(report[0]);
	while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	return spawned.pid > 0 ? spawned.pid : err->code;
}

pid_t ns_spawn(const struct namespaces *namespaces, const struct ns_fds *joined, struct cgroup_entry *entry,
	       struct err *err)
{
	pid_t pid;

	if (namespaces->make[NS_TIME] || is_joining(joined))
		return spawn_indirectly(namespaces, joined, entry, err);
	pid = clone_process_in(clone_flags(namespaces), entry);
	return pid < 0 ? err_sys(err, "make the container's namespaces") : pid;
}
