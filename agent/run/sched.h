/*
 * sched - process.scheduler, ioPriority, execCPUAffinity and linux.personality: how the kernel
 * treats the process. All are inherited by what it starts.
 */
#ifndef AGENT_RUN_SCHED_H
#define AGENT_RUN_SCHED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct scheduling {
	bool has_policy;
	uint32_t policy; /* SCHED_... */
	uint64_t flags;	 /* SCHED_FLAG_... */
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
	int io_priority;		  /* as ioprio_set(2) has it, 0: not told */
	char *first_cpus, *cpus;	  /* of exec: before and after it is in the cgroup; "0-3,7" */
	bool has_personality;
	unsigned long personality;	  /* PER_... */
};

/* The members of `process`. Release it also after an error. */
int sched_read(struct scheduling *sched, const json_t *process, struct err *err);
/* linux.personality */
int sched_read_personality(struct scheduling *sched, const json_t *linux_object, struct err *err);
void sched_release(struct scheduling *sched);

/* For the calling process, while it has its rights. */
int sched_apply(const struct scheduling *sched, struct err *err);
/* A list of processors; NULL: nothing. */
int sched_set_cpus(const char *list, struct err *err);

#endif
