#include "agent/api/container_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/network_json.h"
#include "agent/app/app.h"
#include "agent/container/bundle.h"
#include "agent/container/container.h"
#include "lib/fd.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/signame.h"
#include "lib/time.h"

static const struct app *running_app(const struct container *container)
{
	const struct app *app = app_of_container(container);

	return app && app->container == container ? app : NULL;
}

enum health_status container_health(const struct container *container)
{
	const struct app *app = running_app(container);

	if (!app || container->state != CONTAINER_RUNNING)
		return HEALTH_STATUS_NONE;
	return app->health.status;
}

void container_status_text(const struct container *container, char *text, size_t size)
{
	static const char *const health[HEALTH_STATUS_COUNT] = {
		[HEALTH_STATUS_NONE] = "",
		[HEALTH_STATUS_STARTING] = " (health: starting)",
		[HEALTH_STATUS_HEALTHY] = " (healthy)",
		[HEALTH_STATUS_UNHEALTHY] = " (unhealthy)",
	};
	char up[HUMAN_TEXT_MAX], ago[HUMAN_TEXT_MAX], end[HUMAN_TEXT_MAX + 32];
	int64_t now = time_now_ns();

	human_duration(up, now - container->started_ns);
	human_duration(ago, now - container->finished_ns);
	if (container->finished_ns)
		snprintf(end, sizeof(end), "(%d) %s ago", container->exit_code, ago);
	else
		snprintf(end, sizeof(end), "(%d)", container->exit_code); /* it could not be started */
	switch (container->state) {
	case CONTAINER_RUNNING:
		snprintf(text, size, "Up %s%s", up, health[container_health(container)]);
		return;
	case CONTAINER_PAUSED:
		snprintf(text, size, "Up %s (Paused)", up);
		return;
	case CONTAINER_RESTARTING:
		snprintf(text, size, "Restarting %s", end);
		return;
	case CONTAINER_EXITED:
		snprintf(text, size, "Exited %s", end);
		return;
	case CONTAINER_CREATED:
		snprintf(text, size, "Created");
		return;
	case CONTAINER_REMOVING:
		snprintf(text, size, "Removal In Progress");
		return;
	case CONTAINER_DEAD:
	case CONTAINER_STATE_COUNT:
		break;
	}
	snprintf(text, size, "Dead");
}

static json_t *command_json(const struct container *container)
{
	struct buf BUF_CLEANUP line = BUF_INIT;

	for (char **arg = container->args; arg && *arg; arg++)
		buf_append_format(&line, "%s%s", line.size ? " " : "", *arg);
	return answer_text(buf_text(&line));
}

static json_t *mount_json(const struct app_mount *mount, const struct container *container,
			  const char *type)
{
	bool is_volume = !strcmp(type, "volume");
	char *source FREE_CLEANUP =
		is_volume ? xasprintf("%s/volumes/%s", container->agent->store.path, mount->source) :
			    xstrdup(mount->source);

	return answer_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:b, s:s}", "Type", type, "Name",
			   answer_text(is_volume ? mount->source : ""), "Source",
			   answer_text(source), "Destination", answer_text(mount->path), "Driver",
			   is_volume ? "local" : "", "Mode", mount->read_only ? "ro" : "", "RW",
			   !mount->read_only, "Propagation", is_volume ? "" : "rprivate");
}

static json_t *mounts_json(const struct container *container)
{
	const struct app_config *settings = container->settings;
	json_t *array = answer_pack("[]");

	for (size_t i = 0; i < settings->volume_count; i++)
		json_array_append_new(array, mount_json(&settings->volumes[i], container, "volume"));
	for (size_t i = 0; i < settings->bind_count; i++)
		json_array_append_new(array, mount_json(&settings->binds[i], container, "bind"));
	return array;
}

static json_t *labels_json(const struct container *container)
{
	json_t *object = answer_pack("{}");

	for (char **label = container->labels; label[0] && label[1]; label += 2)
		json_object_set_new(object, label[0], answer_text(label[1]));
	return object;
}

json_t *container_summary_json(const struct container *container)
{
	char status[128];

	container_status_text(container, status, sizeof(status));
	return answer_pack(
		"{s:s, s:[o], s:s, s:s, s:o, s:I, s:o, s:o, s:s, s:s, s:{s:o}, s:{s:o}, s:o}", "Id",
		container->id, "Names", answer_name(container->name), "Image", container->image_name,
		"ImageID", container->config.text, "Command", command_json(container), "Created",
		(json_int_t)(container->created_ns / NS_PER_S), "Ports",
		network_ports_json(container), "Labels",
		labels_json(container), "State", container_state_names[container->state], "Status",
		status, "HostConfig", "NetworkMode", network_mode_json(container), "NetworkSettings",
		"Networks", network_endpoints_json(container), "Mounts", mounts_json(container));
}

static json_t *health_json(const struct container *container)
{
	const struct app *app = running_app(container);
	json_t *log;

	if (container_health(container) == HEALTH_STATUS_NONE)
		return NULL;
	log = app->health.output[0] ?
		      answer_pack("[{s:o, s:o, s:i, s:o}]", "Start", answer_time(0), "End",
				  answer_time(0), "ExitCode", 1, "Output", answer_text(app->health.output)) :
		      answer_pack("[]");
	return answer_pack("{s:s, s:i, s:o}", "Status", health_status_names[app->health.status],
			   "FailingStreak", app->health.failures, "Log", log);
}

static json_t *state_json(const struct container *container)
{
	enum container_state state = container->state;
	json_t *health = health_json(container);
	json_t *json = answer_pack(
		"{s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:o, s:o, s:o}", "Status",
		container_state_names[state], "Running",
		state == CONTAINER_RUNNING || state == CONTAINER_PAUSED, "Paused",
		state == CONTAINER_PAUSED, "Restarting", state == CONTAINER_RESTARTING, "OOMKilled",
		container->oom, "Dead", state == CONTAINER_DEAD, "Pid", (int)container->pid,
		"ExitCode", container->exit_code, "Error", answer_text(container->error), "StartedAt",
		answer_time(container->started_ns), "FinishedAt", answer_time(container->finished_ns));

	if (health)
		json_object_set_new(json, "Health", health);
	return json;
}

json_t *image_labels_json(const struct image_config *image)
{
	json_t *object = answer_pack("{}");

	for (char **label = image->labels; label[0]; label += 2)
		json_object_set_new(object, label[0], answer_text(label[1]));
	return object;
}

static bool is_set_again(const char *variable, char *const *by)
{
	size_t name = strcspn(variable, "=") + 1;

	for (; by && *by; by++)
		if (!strncmp(variable, *by, name))
			return true;
	return false;
}

/* The image's variables, then the app's; one that both have is the app's. */
static json_t *env_json(const struct image_config *image, const struct app_config *settings)
{
	json_t *env = answer_pack("[]");

	for (char **variable = image->env; *variable; variable++)
		if (!is_set_again(*variable, settings->env))
			json_array_append_new(env, answer_text(*variable));
	for (char **variable = settings->env; variable && *variable; variable++)
		json_array_append_new(env, answer_text(*variable));
	return env;
}

static void add_stop(json_t *json, const struct app_process *process, const char *image_signal)
{
	const char *name = process->stop_signal ? signal_name(process->stop_signal) : image_signal;

	json_object_set_new(json, "StopSignal", answer_text(name ? name : image_signal));
	if (process->stop_timeout_ms >= 0)
		json_object_set_new(json, "StopTimeout",
				    json_integer(process->stop_timeout_ms / 1000));
}

static json_t *image_settings_json(const struct app_config *settings,
				   const struct image_config *image)
{
	const struct app_process *process = &settings->process;
	char *const *entrypoint = process->entrypoint ? process->entrypoint : image->entrypoint;
	char *const *command = settings->command ? settings->command :
			       process->entrypoint ? NULL : image->cmd;
	const char *workdir = process->workdir ? process->workdir : image->working_dir;
	json_t *json = answer_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "Env", env_json(image, settings), "Cmd",
		answer_texts_or_null(command), "Entrypoint", answer_texts_or_null(entrypoint),
		"User", answer_text(process->user ? process->user : image->user), "WorkingDir",
		answer_text(workdir), "ExposedPorts", answer_set(image->exposed_ports), "Volumes",
		answer_set(image->volumes));

	add_stop(json, process, image->stop_signal);
	return json;
}

/* The image's settings with the app's over them. */
static json_t *config_json(struct container *container)
{
	const struct app_config *settings = container->settings;
	struct image_config *image = NULL;
	char hostname[HOSTNAME_SIZE];
	json_t *json;

	networks_hostname(container, hostname);
	json = answer_pack("{s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:s, s:o}", "Hostname",
				   answer_text(hostname), "AttachStdin", 0, "AttachStdout", 0,
				   "AttachStderr", 0, "Tty", settings->process.tty, "OpenStdin",
				   settings->process.open_stdin, "StdinOnce", 0,
				   "Image", container->image_name, "Labels", labels_json(container));

	/* The container runs on even when the store has lost its image: then this is what is known. */
	if (bundle_image_config(container, &image, NULL) < 0) {
		json_object_set_new(json, "Env", answer_texts(settings->env));
		json_object_set_new(json, "Cmd", answer_texts(container->args));
		return json;
	}
	json_object_update_new(json, image_settings_json(settings, image));
	image_config_free(image);
	return json;
}

json_t *container_inspect_json(struct container *container)
{
	char *const *args = container->args;
	char *dir FREE_CLEANUP = container_dir(container);
	char *log FREE_CLEANUP = xasprintf("%s/log", dir);

	return answer_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:i, s:s, s:s, s:s, s:s, s:s, s:n, s:o, s:{s:s, s:{}}, s:o, s:o, s:o, s:o}",
		"Id", container->id, "Created", answer_time(container->created_ns), "Path",
		answer_text(args && args[0] ? args[0] : ""), "Args",
		answer_texts(args && args[0] ? args + 1 : NULL), "State", state_json(container),
		"Image", container->config.text, "Name", answer_name(container->name),
		"RestartCount", container->restarts, "Driver", "overlay2", "Platform", "linux",
		"MountLabel", "", "ProcessLabel", "", "AppArmorProfile", "", "ExecIDs", "HostConfig",
		host_config_json(container), "GraphDriver", "Name", "overlay2", "Data", "Mounts",
		mounts_json(container), "Config", config_json(container), "NetworkSettings",
		network_settings_json(container), "LogPath",
		answer_text(log));
}
