#include "agent/container/container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/bundle.h"
#include "agent/container/labels.h"
#include "agent/container/pause.h"
#include "agent/helper/shim.h"
#include "agent/run/report.h"
#include "agent/upkeep/sweeper.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/utf8.h"

#define SHIM_KILLED_CODE 255

const char *const container_state_names[CONTAINER_STATE_COUNT] = {
	[CONTAINER_CREATED] = "created",
	[CONTAINER_RESTARTING] = "restarting",
	[CONTAINER_RUNNING] = "running",
	[CONTAINER_REMOVING] = "removing",
	[CONTAINER_PAUSED] = "paused",
	[CONTAINER_EXITED] = "exited",
	[CONTAINER_DEAD] = "dead",
};

void container_new_id(char id[static CONTAINER_ID_SIZE])
{
	unsigned char bytes[(CONTAINER_ID_SIZE - 1) / 2];

	/* Up to 256 bytes are never cut short once the pool is ready, and this waits for that. */
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		log_error("no random bytes for a container ID: %s", strerror(errno));
		_exit(1);
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

struct container *container_new(struct agent *agent, const char *id, const char *name,
				const char *image_name, const struct digest *config,
				const struct app_config *settings)
{
	struct container *container = xcalloc(1, sizeof(*container));

	container->agent = agent;
	if (id)
		snprintf(container->id, sizeof(container->id), "%s", id);
	else
		container_new_id(container->id);
	container->name = xstrdup(name);
	container->image_name = xstrdup(image_name);
	container->config = *config;
	container->settings = app_config_copy(settings);
	container->args = xcalloc(1, sizeof(char *));
	container->labels = labels_merge(settings, NULL);
	container->created_ns = time_now_ns();
	container->sock = container->input = container->joined_fd = -1;
	list_init(&container->waiters);
	plugs_init(container);
	list_insert(&agent->containers, &container->node);
	return container;
}

static void tell_waiters(struct container *container, bool is_removed)
{
	list_for_each_safe(node, &container->waiters) {
		struct container_waiter *waiter = list_entry(node, struct container_waiter, node);

		if (waiter->until_removed && !is_removed)
			continue;
		list_remove(&waiter->node);
		waiter->on_end(waiter, container);
	}
}

void container_free(struct container *container)
{
	tell_waiters(container, true);
	plugs_release(container);
	watch_stop(&container->watch);
	fd_close(&container->sock);
	fd_close(&container->input);
	timer_stop(&container->kill_timer);
	container_pause_release(container);
	if (container->cleanup)
		job_abandon(container->cleanup);
	fd_close(&container->joined_fd);
	list_remove(&container->node);
	networks_changed(container->agent);
	app_config_free(container->settings);
	free_strings(container->args);
	free_strings(container->labels);
	free(container->image_name);
	free(container->name);
	free(container);
}

char *container_dir(const struct container *container)
{
	return xasprintf("%s/containers/%s", container->agent->config->run, container->id);
}

bool container_is_alive(const struct container *container)
{
	return container->sock >= 0 || container->cleanup;
}

bool container_has_ended(const struct container *container)
{
	return !container_is_alive(container) || container->has_ended;
}

static void tell(struct container *container, enum container_event event)
{
	fd_close(&container->joined_fd);
	if (event != CONTAINER_STARTED)
		networks_ended(container);
	if (container->on_event)
		container->on_event(container, event, container->data);
}

static void let_go_of_shim(struct container *container)
{
	watch_stop(&container->watch);
	fd_close(&container->sock);
	fd_close(&container->input);
	timer_stop(&container->kill_timer);
}

static void set_ended(struct container *container, int code, int signal, bool oom)
{
	container->state = CONTAINER_EXITED;
	container->exit_code = code;
	container->exit_signal = signal;
	container->oom = oom;
	container->finished_ns = time_now_ns();
	container->has_ended = true;
	container->pid = 0;
}

/* First: the owner may start it again, or remove it. */
static void tell_killed(struct container *container)
{
	tell_waiters(container, false);
	tell(container, CONTAINER_ENDED);
}

static void cleaned_up(struct job *job, int status, void *data)
{
	struct container *container = data;

	(void)job;
	if (status)
		log_warn("container %s: its cgroup or state could not be removed", container->name);
	container->cleanup = NULL;
	tell_killed(container);
}

void container_clean_up(struct container *container)
{
	FREE_CLEANUP char *root = xasprintf("%s/runtime", container->agent->config->run);
	struct job_spec spec = {
		.argv = (char *[]){ "berth", "runtime", "--root", root, "delete", "--force",
				    container->id, NULL },
		.deadline_ms = 20000,
		.on_end = cleaned_up,
		.data = container,
	};
	struct err err = ERR_INIT;

	log_warn("container %s: its shim was killed", container->name);
	set_ended(container, SHIM_KILLED_CODE, SIGKILL, false);
	container->cleanup = job_start(&container->agent->loop, &spec, &err);
	if (container->cleanup)
		return;
	log_error("container %s: %s", container->name, err.text);
	tell_killed(container);
}

static void shim_has_left(struct container *container)
{
	let_go_of_shim(container);
	if (!container->has_ended)
		container_clean_up(container);
	else
		tell(container, container->state == CONTAINER_DEAD ? CONTAINER_START_FAILED :
								      CONTAINER_ENDED);
}

/* Its owner is told when the shim has let go of what it was made of, all others now: who asks later waits for another end. */
static void say_bye(struct container *container)
{
	const struct shim_request bye = { .type = SHIM_BYE };
	int rc = shim_send(container->sock, &bye);

	if (rc < 0)
		log_warn("container %s: its shim does not listen: %s", container->name,
			 strerror(-rc));
	networks_ended(container);
	tell_waiters(container, false);
}

/* The runtime is a program of its own: its exit code is docker's, and the reason is in its text only. */
static bool tells_of_device(const struct shim_event *event)
{
	return event->code == EXIT_RUNTIME &&
	       (strstr(event->text, strerror(ENOSPC)) || strstr(event->text, strerror(EDQUOT)) ||
		strstr(event->text, strerror(EADDRINUSE)));
}

/* Where published ports are the forwarder's, nobody answers there any more. */
static void start_anew(struct container *container)
{
	if (container_has_ended(container) || container->is_stopping)
		return;
	log_warn("container %s: the forwarder of its published ports was killed: started anew", container->name);
	container_stop(container, -1);
}

void container_take_event(struct container *container, const struct shim_event *event)
{
	switch (event->type) {
	case SHIM_STARTING:
		break;
	case SHIM_STARTED:
		container->pid = event->pid;
		fd_close(&container->input);
		container->input = event->input;
		container->start_ticks = event->start_ticks;
		container->state = CONTAINER_RUNNING;
		container->started_ns = time_now_ns();
		container_find_paused(container); /* the word of one that was found may come late */
		tell(container, CONTAINER_STARTED);
		plugs_look(container); /* something may have been plugged in meanwhile */
		break;
	case SHIM_EXITED:
		set_ended(container, event->code, event->signal, event->oom);
		say_bye(container);
		break;
	case SHIM_FAILED:
		set_ended(container, event->code, 0, false);
		container->was_by_device = tells_of_device(event);
		container->state = CONTAINER_DEAD;
		snprintf(container->error, sizeof(container->error), "%s", event->text);
		utf8_make_printable(container->error); /* its end may be cut, and it goes into JSON */
		say_bye(container);
		break;
	case SHIM_LOST:
		start_anew(container);
		break;
	case SHIM_REFUSED:
		log_warn("container %s: %s", container->name, event->text);
		break;
	}
}

static void read_shim(struct watch *watch, uint32_t events)
{
	struct container *container = watch->data;
	struct shim_event event;
	int rc = shim_receive(container->sock, &event);

	(void)events;
	if (rc > 0)
		container_take_event(container, &event);
	else if (rc != -EAGAIN)
		shim_has_left(container);
}

void container_follow(struct container *container, int sock)
{
	container->sock = sock;
	container->has_ended = false;
	watch_start(&container->agent->loop, &container->watch, sock, EPOLLIN, read_shim,
		    container);
}

static int spawn_shim(struct container *container, int sock, struct err *err)
{
	FREE_CLEANUP char *dir = container_dir(container);
	FREE_CLEANUP char *root = xasprintf("%s/runtime", container->agent->config->run);
	const struct app_process *process = &container->settings->process;
	char log_size[16], *argv[12] = { "berth", "shim", "--root", root, "--log-size", log_size };
	size_t count = 6;
	struct job_spec spec = {
		.argv = argv,
		.fds = { { .from = sock, .to = SHIM_FIRST_CLIENT_FD } },
		.fd_count = 1,
		.cwd = dir,
	};
	pid_t pid;

	if (process->tty)
		argv[count++] = "--tty";
	if (process->open_stdin)
		argv[count++] = "--stdin";
	argv[count++] = container->id;
	argv[count] = dir;
	snprintf(log_size, sizeof(log_size), "%d", CONTAINER_LOG_SIZE);
	/* Its end is seen on the socket; the loop reaps it. */
	pid = helper_spawn(&spec, true, err);
	return pid < 0 ? pid : 0;
}

static int prepare_and_spawn(struct container *container, struct err *err)
{
	int pair[2], rc = networks_prepare(container, err);

	if (rc < 0)
		container->endpoint = (struct endpoint){ 0 }; /* or what it needs is asked for with others' rules */
	else
		rc = bundle_write(container, err);
	if (rc < 0)
		return err_context(err, "start %s", container->name);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_sys(err, "start %s: socket to its shim", container->name);
	rc = spawn_shim(container, pair[1], err);
	close(pair[1]);
	if (rc < 0) {
		close(pair[0]);
		return err_context(err, "start %s", container->name);
	}
	container->exit_code = container->exit_signal = 0;
	container->oom = container->is_stopping = container->keeps_old = false;
	container_follow(container, pair[0]);
	return 0;
}

int container_start(struct container *container, struct err *err)
{
	int rc;

	if (container_is_alive(container))
		return err_set(err, -EALREADY, "container %s is running already", container->name);
	container->error[0] = '\0';
	container->was_by_device = false;
	rc = prepare_and_spawn(container, err);
	if (rc < 0) {
		/* As where the runtime finds that it can't be. */
		container->exit_code = EXIT_RUNTIME;
		snprintf(container->error, sizeof(container->error), "%s", err->text);
	}
	return rc;
}

int container_signal(struct container *container, int signal, struct err *err)
{
	const struct shim_request request = { .type = SHIM_SIGNAL, .signal = signal };
	int rc;

	if (container->sock < 0)
		return err_set(err, -ESRCH, "container %s is not running", container->name);
	rc = shim_send(container->sock, &request);
	if (rc < 0)
		return err_code(err, rc, "container %s: its shim does not listen",
			       container->name);
	return 0;
}

static void stop_took_too_long(struct timer *timer)
{
	struct container *container = timer->data;

	log_info("container %s does not stop on signal %d: killed", container->name,
		 container->stop_signal);
	container_signal(container, SIGKILL, NULL);
	container_thaw(container);
}

int64_t container_stop_timeout_ms(const struct container *container)
{
	int64_t given = container->settings->process.stop_timeout_ms;

	return given < 0 ? CONTAINER_STOP_MS : given;
}

void container_stop(struct container *container, int64_t timeout_ms)
{
	struct err err = ERR_INIT;

	if (container->sock < 0)
		return;
	container->is_stopping = true;
	if (container->has_ended)
		return;
	if (container_signal(container, timeout_ms ? container->stop_signal : SIGKILL, &err) < 0)
		log_warn("%s", err.text);
	container_thaw(container);
	if (!timeout_ms)
		return;
	timer_start(&container->agent->loop, &container->kill_timer,
		    timeout_ms < 0 ? container_stop_timeout_ms(container) : timeout_ms,
		    stop_took_too_long, container);
}

void container_remove(struct container *container)
{
	bundle_remove(container);
	sweeper_start(container->agent);
	container_free(container);
}

int container_find(struct agent *agent, const char *what, struct container **out, struct err *err)
{
	struct container *by_prefix = NULL;
	size_t size = strlen(what);
	int matches = 0;

	list_for_each(node, &agent->containers) {
		struct container *container = list_entry(node, struct container, node);

		if (!strcmp(container->id, what) || !strcmp(container->name, what)) {
			*out = container;
			return 0;
		}
		if (size && !strncmp(container->id, what, size)) {
			by_prefix = container;
			matches++;
		}
	}
	if (matches > 1)
		return err_set(err, -EEXIST, "several containers have an ID that begins with %s",
			       what);
	if (!by_prefix)
		return err_set(err, -ENOENT, "No such container: %s", what);
	*out = by_prefix;
	return 0;
}
