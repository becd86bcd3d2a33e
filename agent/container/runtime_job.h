/*
 * runtime_job - one command of `berth runtime` for a container, as a job (agent/job.h). What it fails
 * with is the line it writes on stderr.
 *
 *	runtime_job_start(&job, container, "pause", NULL, on_end, data, err)
 *		runs `berth runtime --root <run>/runtime pause ID`; behind the ID come the words of `rest`
 *	runtime_job_stop(&job)		SIGKILL; nobody is told
 *
 * on_end is called once, from the loop; err->code is 0 when the command has done what it should.
 */
#ifndef AGENT_CONTAINER_RUNTIME_JOB_H
#define AGENT_CONTAINER_RUNTIME_JOB_H

#include <stdbool.h>

#include "lib/err.h"

struct container;
struct job;

/* Embedded; all zero is "none runs". */
struct runtime_job {
	struct job *job;
	int errors; /* a file that takes its stderr */
	void (*on_end)(const struct err *err, void *data);
	void *data;
};

int runtime_job_start(struct runtime_job *job, struct container *container, const char *command,
		      const char *const *rest, void (*on_end)(const struct err *err, void *data),
		      void *data, struct err *err);
bool runtime_job_is_running(const struct runtime_job *job);
void runtime_job_stop(struct runtime_job *job);

#endif
