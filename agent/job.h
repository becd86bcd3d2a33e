/*
 * job - one run of a helper: the berth binary re-executed in another role.
 *
 * A job gets argv and the descriptors it is handed, nothing else. It reports lines on its
 * descriptor 3 and ends; it has a deadline, after which it gets SIGTERM and, 5 s later, SIGKILL.
 * `on_end` is called exactly once per started job, when the process has ended and all its lines
 * were handed out. The job is freed after that.
 */
#ifndef AGENT_JOB_H
#define AGENT_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "agent/loop.h"
#include "lib/buf.h"
#include "lib/err.h"

#define JOB_LINE_MAX (64 * 1024) /* a longer report line ends the job */
#define JOB_FDS_MAX 8
#define JOB_REPORT_FD 3

struct budget;
struct job;

struct job_fd {
	int from; /* in this process; borrowed */
	int to;	  /* in the helper */
};

struct job_spec {
	char *const *argv;   /* {"berth", ROLE, ..., NULL} */
	struct job_fd fds[JOB_FDS_MAX]; /* without the report pipe; 0 and 1 are /dev/null when absent */
	size_t fd_count;
	int64_t deadline_ms; /* 0: none */
	const char *cwd;     /* NULL: "/" */
	const struct budget *budget; /* what a helper for the background is held to; NULL: nothing */
	void (*on_line)(struct job *job, char *line, void *data); /* may be NULL: no report pipe */
	void (*on_end)(struct job *job, int status, void *data);
	void *data;
};

/* NULL on failure, with the reason: nothing was started then and on_end isn't called. */
struct job *job_start(struct loop *loop, const struct job_spec *spec, struct err *err);

/* Asks the process to end (SIGTERM, then SIGKILL). on_end is still called. */
void job_stop(struct job *job);
/* SIGKILL; nobody is told any more. For owners that go away. */
void job_abandon(struct job *job);

/*
 * Starts a helper that is not a job: forks and executes the role with these descriptors. For shims
 * (which outlive the agent, hence `own_session`) and for exec. The caller reaps the pid.
 */
pid_t helper_spawn(const struct job_spec *spec, bool own_session, struct err *err);

/*
 * A descriptor at offset 0 of an anonymous file that holds `text`: settings for a helper (a pipe
 * would block past 64 KiB). Returns it or a negative errno value.
 */
int memory_file(const char *text, size_t size);

#endif
