/*
 * confine - the last that is taken from an application: system calls (seccomp), and the label that a
 * security module (AppArmor, SELinux) gives it.
 *
 *	confine_prepare		outside, before the process is made
 *	confine_save		so that the processes which follow the first need only confine_load
 *	confine_label		in it, while /proc is still the host's: a container's own could be a trap
 *				(CVE-2019-16884, CVE-2025-52881)
 *	process_become		with confine_needs(), what the kernel wants for a filter
 *	confine_enter		when nothing is left to do but execve()
 *
 * So a filter need not allow what the runtime does, but for execve(), capset() without
 * noNewPrivileges, and, when calls are notified of, write(), which hands over the listener.
 */
#ifndef AGENT_RUN_CONFINE_H
#define AGENT_RUN_CONFINE_H

#include "agent/run/bundle.h"
#include "agent/run/report.h"
#include "agent/run/seccomp_filter.h"

struct confine {
	const struct seccomp_profile *profile; /* NULL: no filter, or one that was loaded */
	struct seccomp_filter filter;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_... */
};

/* `profile`: NULL for none. Fails when the kernel has no filters, or not what the profile uses. */
int confine_prepare(struct confine *confine, const struct seccomp_profile *profile,
		    struct err *err);
/*
 * The filter as a file in `dirfd`, an empty one for none. Nothing is written when calls are notified
 * of: then every process needs the profile.
 */
int confine_save(const struct confine *confine, int dirfd, struct err *err);
/* -ENOENT, with nothing in `err`: it was not saved. */
int confine_load(struct confine *confine, int dirfd, struct err *err);
void confine_release(struct confine *confine);

/* linux.mountLabel: -ENOTSUP where the kernel has no such labels. */
int confine_check_labels(const struct bundle *bundle, struct err *err);

/* For the next execve(). -ENOTSUP when the kernel does not have what is asked for. */
int confine_label(const struct process *process, struct err *err);

/* A bit mask of capabilities that confine_enter() needs and takes away. */
uint64_t confine_needs(const struct confine *confine, const struct process *process);

/* Does somebody wait for a listener (listener.h)? Then confine_enter() comes before "ready". */
bool confine_notifies(const struct confine *confine);

/* `report`: where the listener is handed over, if there is one. */
int confine_enter(const struct confine *confine, const struct process *process, int report,
		  struct err *err);

#endif
