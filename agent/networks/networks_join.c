/* network = container:APP. The one that joins follows the other: it waits for it, and is started anew with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/app/app.h"
#include "agent/container/container.h"
#include "agent/networks/networks_parts.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/sys.h"

struct container *networks_joined(const struct container *container)
{
	const struct app_network *settings = &container->settings->network;
	const struct app *app = settings->kind == NETWORK_CONTAINER ? app_find(container->agent, settings->name) :
								      NULL;

	return app ? app->container : NULL;
}

static bool is_up(const struct container *container)
{
	return container && container->pid &&
	       (container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED);
}

static bool is_in_config(struct agent *agent, const char *name)
{
	const struct app *app = app_find(agent, name);

	return app && !app->is_leaving;
}

int networks_check_joined(struct agent *agent, const struct app_config *settings, struct err *err)
{
	const struct app *app = app_find(agent, settings->network.name);

	if (app && is_up(app->container))
		return 0;
	return err_set(err, NETWORKS_LACK, "network = container:%s: that app does not run", settings->network.name);
}

static bool must_wait(const struct app *app, char text[static ERR_TEXT_MAX])
{
	const struct app_network *settings = &app->container->settings->network;

	/* One that is not in agent.ini any more is not waited for: the start fails. */
	if (settings->kind != NETWORK_CONTAINER || !is_in_config(app->agent, settings->name) || is_up(networks_joined(app->container)))
		return false;
	snprintf(text, ERR_TEXT_MAX, "waits for app %s, whose network it joins", settings->name);
	return true;
}

bool networks_are_waited_for(const struct app *app)
{
	char text[ERR_TEXT_MAX];

	return app->container && must_wait(app, text) && !strcmp(app->error, text);
}

bool networks_is_ready(struct app *app)
{
	char text[ERR_TEXT_MAX];

	if (!must_wait(app, text))
		return true;
	if (strcmp(app->error, text))
		log_info("app %s: %s", app->config->name, text);
	memcpy(app->error, text, sizeof(text));
	return false;
}

/*
 * Named by a descriptor of the agent's: /proc/PID could be another process's by the time the runtime opens it.
 * What was opened is this container's if its process is there afterwards.
 */
int networks_open_joined(struct container *container, char **path, struct err *err)
{
	const struct container *joined = networks_joined(container);
	const char *name = container->settings->network.name;
	uint64_t start_ticks = 0;
	char file[64];

	if (!is_in_config(container->agent, name))
		return err_set(err, -ENOENT, "network = container:%s: there is no [app %s] in agent.ini any more", name, name);
	if (!is_up(joined))
		return err_set(err, -EAGAIN, "network = container:%s: that app does not run", name);
	snprintf(file, sizeof(file), "/proc/%d/ns/net", (int)joined->pid);
	fd_close(&container->joined_fd);
	container->joined_fd = open(file, O_RDONLY | O_CLOEXEC);
	if (container->joined_fd < 0 || sys_process_start(joined->pid, &start_ticks) < 0 ||
	    start_ticks != joined->start_ticks)
		return err_set(err, -EAGAIN, "network = container:%s: that app has just ended", name);
	*path = xasprintf("/proc/%d/fd/%d", (int)getpid(), container->joined_fd);
	return 0;
}

/* Of one that has ended nothing is said: its end is told, too. */
static bool are_apart(const struct container *a, const struct container *b)
{
	struct stat of_a, of_b;
	char file[64];

	snprintf(file, sizeof(file), "/proc/%d/ns/net", (int)a->pid);
	if (stat(file, &of_a) < 0)
		return false;
	snprintf(file, sizeof(file), "/proc/%d/ns/net", (int)b->pid);
	return stat(file, &of_b) == 0 && (of_a.st_ino != of_b.st_ino || of_a.st_dev != of_b.st_dev);
}

static void start_anew(struct container *container)
{
	if (container->is_stopping)
		return;
	log_info("container %s: follows app %s, whose network it joins", container->name,
		 container->settings->network.name);
	container_stop(container, -1);
}

/* One that has begun to start with a network that is gone by now is seen when it has started. */
static void follow(struct app *app)
{
	struct container *container = app->container;
	struct container *joined = container ? networks_joined(container) : NULL;

	if (!joined || !is_up(joined))
		return;
	if (!container_is_alive(container) && !app_has_finished(app))
		app_step(app);
	else if (is_up(container) && are_apart(container, joined))
		start_anew(container);
}

static bool joins(const struct app *app, const struct app *other)
{
	return app != other && app->container && app->container->settings->network.kind == NETWORK_CONTAINER &&
	       !strcmp(app->container->settings->network.name, other->config->name);
}

void networks_app_started(struct app *app)
{
	list_for_each_safe(node, &app->agent->apps) {
		struct app *other = list_entry(node, struct app, node);

		if (joins(other, app))
			follow(other);
	}
	follow(app);
}

void networks_app_ended(struct app *app)
{
	list_for_each_safe(node, &app->agent->apps) {
		struct app *other = list_entry(node, struct app, node);

		if (joins(other, app) && container_is_alive(other->container))
			start_anew(other->container);
	}
}
