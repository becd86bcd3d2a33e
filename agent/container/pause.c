#include "agent/container/pause.h"

#include <errno.h>
#include <stdio.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/run/cgroup.h"
#include "lib/log.h"

static void answer(struct container *container, const struct err *err)
{
	void (*done)(const struct err *err, void *data) = container->pausing.done;

	container->pausing.done = NULL;
	if (done)
		done(err, container->pausing.data);
}

/* False when it has ended meanwhile. */
static bool enter(struct container *container, bool paused)
{
	if (container->state != CONTAINER_RUNNING && container->state != CONTAINER_PAUSED)
		return false;
	container->state = paused ? CONTAINER_PAUSED : CONTAINER_RUNNING;
	log_info("container %s: %s", container->name, paused ? "paused" : "goes on");
	if (container->on_event)
		container->on_event(container, paused ? CONTAINER_FROZEN : CONTAINER_THAWED,
				    container->data);
	return true;
}

static void ended(const struct err *err, void *data)
{
	struct container *container = data;
	struct err reason = *err;

	if (err->code && !container->is_stopping) /* or it may have ended before the command began */
		log_warn("container %s: %s", container->name, err->text);
	if (!err->code && !enter(container, container->pausing.wanted))
		err_set(&reason, -EBUSY, "container %s has ended", container->name);
	answer(container, &reason);
	if (container->pausing.is_thaw_due)
		container_thaw(container);
}

static int begin(struct container *container, bool paused, struct err *err)
{
	container->pausing.wanted = paused;
	container->pausing.is_thaw_due = false;
	return runtime_job_start(&container->pausing.job, container, paused ? "pause" : "resume", NULL,
				 ended, container, err);
}

static int check_state(const struct container *container, bool paused, struct err *err)
{
	enum container_state from = paused ? CONTAINER_RUNNING : CONTAINER_PAUSED;

	if (runtime_job_is_running(&container->pausing.job))
		return err_set(err, -EBUSY, "container %s is being paused or unpaused already",
			       container->name);
	if (container->state == from && !container->has_ended && !container->is_stopping)
		return 0;
	if (paused && container->state == CONTAINER_PAUSED)
		return err_set(err, -EBUSY, "container %s is paused already", container->name);
	return err_set(err, -EBUSY, "container %s is not %s", container->name,
		       paused ? "running" : "paused");
}

int container_pause(struct container *container, bool paused,
		    void (*done)(const struct err *err, void *data), void *data, struct err *err)
{
	int rc = check_state(container, paused, err);

	if (rc == 0)
		rc = begin(container, paused, err);
	if (rc < 0)
		return rc;
	container->pausing.done = done;
	container->pausing.data = data;
	return 0;
}

void container_thaw(struct container *container)
{
	struct err err = ERR_INIT;

	if (runtime_job_is_running(&container->pausing.job))
		container->pausing.is_thaw_due = container->pausing.wanted;
	else if (container->state == CONTAINER_PAUSED && begin(container, false, &err) < 0)
		log_warn("container %s stays paused: %s", container->name, err.text);
}

void container_find_paused(struct container *container)
{
	struct cgroup cgroup;
	char path[CGROUP_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", container->agent->config->cgroup_parent, container->id);
	if (container->state == CONTAINER_RUNNING && cgroup_init(&cgroup, path, NULL) == 0 &&
	    cgroup_is_frozen(&cgroup))
		container->state = CONTAINER_PAUSED;
}

void container_pause_release(struct container *container)
{
	struct err err = ERR_INIT;

	runtime_job_stop(&container->pausing.job);
	err_set(&err, -ENOENT, "container %s was removed meanwhile", container->name);
	answer(container, &err);
}
