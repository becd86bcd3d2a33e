#include "agent/app/health.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/utf8.h"

/* Until it is healthy for the first time an app is probed at least this often: updates are quicker. */
#define STARTING_INTERVAL_MS 2000
/* Past the probe's own time-out, which gives a better reason than being killed does. */
#define DEADLINE_SLACK_MS 1000

const char *const health_status_names[HEALTH_STATUS_COUNT] = {
	[HEALTH_STATUS_NONE] = "none",
	[HEALTH_STATUS_STARTING] = "starting",
	[HEALTH_STATUS_HEALTHY] = "healthy",
	[HEALTH_STATUS_UNHEALTHY] = "unhealthy",
};

static void run_probe(struct timer *timer);

static void schedule(struct health_monitor *monitor)
{
	int64_t delay = monitor->timing.interval_ms;

	if (monitor->status == HEALTH_STATUS_STARTING && delay > STARTING_INTERVAL_MS)
		delay = STARTING_INTERVAL_MS;
	timer_start(&monitor->container->agent->loop, &monitor->timer, delay, run_probe, monitor);
}

static void set_status(struct health_monitor *monitor, enum health_status status)
{
	if (monitor->status == status)
		return;
	monitor->status = status;
	log_info("app %s: %s%s%s", monitor->container->name, health_status_names[status],
		 status == HEALTH_STATUS_UNHEALTHY ? ": " : "",
		 status == HEALTH_STATUS_UNHEALTHY ? monitor->output : "");
	/* The owner may stop the monitor in here. */
	monitor->on_change(monitor, monitor->data);
}

static void note_success(struct health_monitor *monitor)
{
	monitor->failures = 0;
	monitor->output[0] = '\0';
	schedule(monitor);
	set_status(monitor, HEALTH_STATUS_HEALTHY);
}

static void note_failure(struct health_monitor *monitor)
{
	int64_t up_ms = time_monotonic_ms() - monitor->started_ms;

	schedule(monitor);
	if (monitor->status == HEALTH_STATUS_STARTING && up_ms < monitor->timing.start_ms)
		return;
	if (++monitor->failures >= monitor->timing.retries)
		set_status(monitor, HEALTH_STATUS_UNHEALTHY);
}

/* What the probe printed becomes one printable line. */
static void take_output(struct health_monitor *monitor, int status)
{
	ssize_t got = read(monitor->output_fd, monitor->output, HEALTH_OUTPUT_MAX);
	size_t size = got > 0 ? (size_t)got : 0;

	while (size && (unsigned char)monitor->output[size - 1] <= ' ')
		size--;
	monitor->output[size] = '\0';
	for (char *c = monitor->output; *c; c++)
		if (isspace((unsigned char)*c))
			*c = ' ';
	utf8_make_printable(monitor->output);
	if (size)
		return;
	/* By a signal, or what the program in the container made of it. */
	if (WIFSIGNALED(status) || time_monotonic_ms() - monitor->asked_ms > monitor->timing.timeout_ms)
		snprintf(monitor->output, sizeof(monitor->output), "no answer within %lld ms",
			 (long long)monitor->timing.timeout_ms);
	else
		snprintf(monitor->output, sizeof(monitor->output), "the probe exited with %d",
			 WEXITSTATUS(status));
}

static void probe_ended(struct job *job, int status, void *data)
{
	struct health_monitor *monitor = data;

	(void)job;
	monitor->job = NULL;
	if (status)
		take_output(monitor, status);
	fd_close(&monitor->output_fd);
	if (status == 0)
		note_success(monitor);
	else
		note_failure(monitor);
}

static struct job *start_probe(struct health_monitor *monitor, char *const *argv, struct err *err)
{
	int pipe_fds[2];
	struct job_spec spec = {
		.argv = argv,
		.fd_count = 2,
		.deadline_ms = monitor->timing.timeout_ms + DEADLINE_SLACK_MS,
		.on_end = probe_ended,
		.data = monitor,
	};
	struct job *job;

	monitor->asked_ms = time_monotonic_ms();
	/* A pipe holds 64 KiB; a probe that prints more than that before it ends waits for its time-out. */
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		err_sys(err, "pipe");
		return NULL;
	}
	spec.fds[0] = (struct job_fd){ .from = pipe_fds[1], .to = STDOUT_FILENO };
	spec.fds[1] = (struct job_fd){ .from = pipe_fds[1], .to = STDERR_FILENO };
	job = job_start(&monitor->container->agent->loop, &spec, err);
	close(pipe_fds[1]);
	monitor->output_fd = pipe_fds[0];
	return job;
}

/* http and tcp: the probe helper enters the network namespace of the container's init. */
static struct job *start_net_probe(struct health_monitor *monitor, struct err *err)
{
	const struct health *check = &monitor->container->settings->health;
	char pid[16], ticks[24], port[8], timeout[24];
	bool is_http = check->kind == HEALTH_HTTP;
	char *argv[] = { "berth", "probe", "--pid", pid, "--start", ticks, "--timeout", timeout,
			 is_http ? "http" : "tcp", check->host, port,
			 is_http ? check->path : NULL, NULL };

	snprintf(pid, sizeof(pid), "%d", (int)monitor->container->pid);
	snprintf(ticks, sizeof(ticks), "%llu",
		 (unsigned long long)monitor->container->start_ticks);
	snprintf(port, sizeof(port), "%u", check->port);
	snprintf(timeout, sizeof(timeout), "%lld", (long long)monitor->timing.timeout_ms);
	return start_probe(monitor, argv, err);
}

/* exec and HEALTHCHECK: a process in the container. */
static struct job *start_exec_probe(struct health_monitor *monitor, struct err *err)
{
	FREE_CLEANUP char *root = xasprintf("%s/runtime", monitor->container->agent->config->run);
	const char *head[] = { "berth", "runtime", "--root", root, "exec",
			       monitor->container->id };
	size_t head_count = sizeof(head) / sizeof(head[0]);
	FREE_CLEANUP char **argv =
		xcalloc(head_count + count_strings(monitor->argv) + 1, sizeof(*argv));

	memcpy(argv, head, sizeof(head));
	memcpy(argv + head_count, monitor->argv, count_strings(monitor->argv) * sizeof(*argv));
	return start_probe(monitor, argv, err);
}

static void run_probe(struct timer *timer)
{
	struct health_monitor *monitor = timer->data;
	struct err err = ERR_INIT;

	if (container_has_ended(monitor->container))
		return; /* its app will be told, and stop this */
	monitor->job = monitor->argv ? start_exec_probe(monitor, &err) :
				       start_net_probe(monitor, &err);
	if (monitor->job)
		return;
	fd_close(&monitor->output_fd);
	snprintf(monitor->output, sizeof(monitor->output), "%.*s", HEALTH_OUTPUT_MAX, err.text);
	note_failure(monitor);
}

/* The command to run in the container, or NULL for http, tcp; false: nothing is probed. */
static bool choose_probe(const struct app_config *settings, const struct image_config *image,
			 char ***argv)
{
	*argv = NULL;
	switch (settings->health.kind) {
	case HEALTH_NONE:
		return false;
	case HEALTH_HTTP:
	case HEALTH_TCP:
		return true;
	case HEALTH_EXEC:
		*argv = copy_strings(settings->health.argv);
		return true;
	case HEALTH_IMAGE:
		if (image->healthcheck.kind != HEALTHCHECK_CMD &&
		    image->healthcheck.kind != HEALTHCHECK_SHELL)
			return false;
		*argv = copy_strings(image->healthcheck.test);
		return true;
	}
	return false;
}

void health_start(struct health_monitor *monitor, struct container *container,
		  const struct image_config *image,
		  void (*on_change)(struct health_monitor *monitor, void *data), void *data)
{
	health_stop(monitor);
	monitor->container = container;
	monitor->on_change = on_change;
	monitor->data = data;
	monitor->output_fd = -1;
	if (!choose_probe(container->settings, image, &monitor->argv))
		return;
	monitor->status = HEALTH_STATUS_STARTING;
	monitor->started_ms = time_monotonic_ms();
	app_config_health_timing(container->settings, image, &monitor->timing);
	schedule(monitor);
}

void health_suspend(struct health_monitor *monitor)
{
	timer_stop(&monitor->timer);
	if (monitor->job)
		job_abandon(monitor->job);
	monitor->job = NULL;
	if (monitor->container)
		fd_close(&monitor->output_fd);
}

void health_resume(struct health_monitor *monitor)
{
	if (monitor->status != HEALTH_STATUS_NONE)
		schedule(monitor);
}

void health_stop(struct health_monitor *monitor)
{
	health_suspend(monitor);
	free_strings(monitor->argv);
	*monitor = (struct health_monitor){ .output_fd = -1 };
}
