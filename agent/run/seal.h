/*
 * seal - the runtime runs from an image of itself that nothing in a container can write to
 * (CVE-2019-5736).
 *
 * A container's process may get hold of /proc/PID/exe of the runtime that enters the container,
 * or simply name /proc/self/exe as its entrypoint, and so of the host's berth binary; once that
 * isn't executed any more, it could be overwritten. Hence create, run and exec execute themselves
 * again through a private, read-only mount of the binary (open_tree and mount_setattr, Linux
 * 5.12: no copy, shares the page cache, appears in no mount table), or on older kernels from a
 * sealed memfd (a copy of the binary in RAM while the runtime runs).
 *
 * Executing twice costs a millisecond, for a probe a third of it all. So the agent does it once, at
 * its start, if the kernel has such mounts: whatever it, a shim or the runtime executes by
 * /proc/self/exe is sealed from the beginning. Whether it is a process can see: it runs from a
 * read-only mount that is nowhere, or from a memfd with its seals. Only who can execute berth so
 * outside could claim it, and that is root there.
 *
 * In the time before execve() replaces it, the process is not dumpable, so that nobody in the
 * container can look into it (ptrace, /proc/PID/fd, /proc/PID/exe).
 */
#ifndef AGENT_RUN_SEAL_H
#define AGENT_RUN_SEAL_H

#include "lib/err.h"

/* Returns 0 in the sealed image. Call it first: open descriptors are lost unless inheritable. */
int seal_self(char **argv, struct err *err);

/*
 * For the agent, as seal_self(), but without a copy, which it would keep in RAM. When it comes back
 * the process may be as it was: those that it executes seal themselves.
 */
void seal_for_helpers(char **argv);

#endif
