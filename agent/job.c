#include "agent/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/budget.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/sys.h"

#define KILL_AFTER_MS 5000
/* Descriptors are first moved up here, so that putting them in place can't overwrite one another. */
#define FIRST_SPARE_FD 32

struct job {
	struct loop *loop;
	struct child child;
	struct watch watch;
	struct timer deadline;
	int report_fd;
	struct buf line;
	void (*on_line)(struct job *job, char *line, void *data);
	void (*on_end)(struct job *job, int status, void *data);
	void *data;
	bool has_ended, is_abandoned, was_asked;
	bool is_telling; /* in on_line or on_end, after which it is freed if it has to be */
	int status;
};

int memory_file(const char *text, size_t size)
{
	FD_CLEANUP int fd = memfd_create("settings", MFD_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fd_write_full(fd, text, size);
	if (rc < 0)
		return rc;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return fd_steal(&fd);
}

static int place_descriptors(const struct job_spec *spec)
{
	int moved[JOB_FDS_MAX], highest = STDERR_FILENO;
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return -1;
	for (size_t i = 0; i < spec->fd_count; i++)
		if ((moved[i] = fcntl(spec->fds[i].from, F_DUPFD, FIRST_SPARE_FD)) < 0)
			return -1;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -1;
	for (size_t i = 0; i < spec->fd_count; i++) {
		if (dup2(moved[i], spec->fds[i].to) < 0)
			return -1;
		if (spec->fds[i].to > highest)
			highest = spec->fds[i].to;
	}
	/* Between the ones handed over there are only close-on-exec ones of the agent's. */
	return sys_close_from(highest + 1);
}

static _Noreturn void become_helper(const struct job_spec *spec, bool own_session)
{
	loop_reset_signals();
	if (own_session)
		setsid();
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a helper makes no sense without its agent */
	if (spec->budget)
		budget_enter(spec->budget);
	if (place_descriptors(spec) < 0 || chdir(spec->cwd ? spec->cwd : "/") < 0)
		log_error("%s: %s", spec->argv[1], strerror(errno));
	else
		execv("/proc/self/exe", spec->argv);
	log_error("start the helper %s: %s (is /proc mounted?)", spec->argv[1], strerror(errno));
	_exit(127);
}

pid_t helper_spawn(const struct job_spec *spec, bool own_session, struct err *err)
{
	pid_t pid;

	if (spec->fd_count > JOB_FDS_MAX)
		return err_set(err, -EINVAL, "helper %s: too many descriptors", spec->argv[1]);
	pid = fork();
	if (pid < 0)
		return err_sys(err, "start the helper %s", spec->argv[1]);
	if (pid == 0)
		become_helper(spec, own_session);
	return pid;
}

static void free_job(struct job *job)
{
	watch_stop(&job->watch);
	fd_close(&job->report_fd);
	timer_stop(&job->deadline);
	buf_release(&job->line);
	free(job);
}

/* The process is gone and its pipe is drained: tell, once. */
static void end_if_complete(struct job *job)
{
	if (!job->has_ended || job->report_fd >= 0)
		return;
	job->is_telling = true;
	if (!job->is_abandoned)
		job->on_end(job, job->status, job->data);
	free_job(job);
}

static void kill_job(struct timer *timer)
{
	struct job *job = timer->data;

	kill(job->child.pid, SIGKILL);
}

static void ask_to_end(struct job *job)
{
	job->was_asked = true;
	kill(job->child.pid, SIGTERM);
	timer_start(job->loop, &job->deadline, KILL_AFTER_MS, kill_job, job);
}

static void deadline_passed(struct timer *timer)
{
	ask_to_end(timer->data);
}

void job_stop(struct job *job)
{
	if (!job->has_ended && !job->was_asked)
		ask_to_end(job);
}

void job_abandon(struct job *job)
{
	job->is_abandoned = true;
	watch_stop(&job->watch);
	fd_close(&job->report_fd);
	if (!job->has_ended)
		kill(job->child.pid, SIGKILL); /* child_ended() frees it */
	else if (!job->is_telling)
		free_job(job);
}

static void hand_out_lines(struct job *job)
{
	size_t start = 0;
	char *end;

	job->is_telling = true;
	/* The callback may abandon the job: then nobody wants the rest. */
	while (!job->is_abandoned && start < job->line.size &&
	       (end = memchr(job->line.data + start, '\n', job->line.size - start))) {
		*end = '\0';
		job->on_line(job, job->line.data + start, job->data);
		start = (size_t)(end - job->line.data) + 1;
	}
	job->is_telling = false;
	buf_consume(&job->line, start);
}

static void read_report(struct watch *watch, uint32_t events)
{
	struct job *job = watch->data;
	char *room = buf_reserve(&job->line, 4096);
	ssize_t got = read(job->report_fd, room, 4096);

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		buf_added(&job->line, (size_t)got);
		hand_out_lines(job);
		if (job->is_abandoned) {
			end_if_complete(job);
			return;
		}
		if (job->line.size <= JOB_LINE_MAX)
			return;
		log_error("a helper reports a line of more than %d bytes: ended", JOB_LINE_MAX);
		if (!job->has_ended) /* or the pid may be another's by now */
			kill(job->child.pid, SIGKILL);
	}
	watch_stop(&job->watch);
	fd_close(&job->report_fd);
	end_if_complete(job);
}

static void child_ended(struct child *child, int status)
{
	struct job *job = child->data;

	job->has_ended = true;
	job->status = status;
	timer_stop(&job->deadline);
	end_if_complete(job);
}

static struct job *new_job(struct loop *loop, const struct job_spec *spec)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->loop = loop;
	job->report_fd = -1;
	job->on_line = spec->on_line;
	job->on_end = spec->on_end;
	job->data = spec->data;
	return job;
}

static int start_with_report(struct job *job, const struct job_spec *spec, struct err *err)
{
	struct job_spec with_report = *spec;
	int pipe_fds[2];
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(err, "pipe for the helper %s", spec->argv[1]);
	with_report.fds[with_report.fd_count++] =
		(struct job_fd){ .from = pipe_fds[1], .to = JOB_REPORT_FD };
	pid = helper_spawn(&with_report, false, err);
	close(pipe_fds[1]);
	job->report_fd = pipe_fds[0];
	fd_set_nonblocking(job->report_fd, true);
	return pid;
}

struct job *job_start(struct loop *loop, const struct job_spec *spec, struct err *err)
{
	struct job *job = new_job(loop, spec);
	pid_t pid;

	if (spec->fd_count + 1 > JOB_FDS_MAX)
		pid = err_set(err, -EINVAL, "helper %s: too many descriptors", spec->argv[1]);
	else
		pid = spec->on_line ? start_with_report(job, spec, err) :
				      helper_spawn(spec, false, err);
	if (pid < 0) {
		free_job(job);
		return NULL;
	}
	child_start(loop, &job->child, pid, child_ended, job);
	if (job->report_fd >= 0)
		watch_start(loop, &job->watch, job->report_fd, EPOLLIN, read_report, job);
	if (spec->deadline_ms)
		timer_start(loop, &job->deadline, spec->deadline_ms, deadline_passed, job);
	return job;
}
