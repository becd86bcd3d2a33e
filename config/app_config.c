#include "config/app_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/words.h"
#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"

void app_config_init(struct app_config *app, const char *name)
{
	*app = (struct app_config){
		.name = xstrdup(name),
		.env = xcalloc(1, sizeof(*app->env)),
		.health_given = { -1, -1, -1, -1 },
		.probation_ms = APP_PROBATION_MS,
	};
	app_network_init(&app->network);
	app_process_init(&app->process);
}

static void release_mounts(struct app_mount *mounts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(mounts[i].source);
		free(mounts[i].path);
	}
	free(mounts);
}

void app_config_release(struct app_config *app)
{
	free(app->name);
	free(app->image);
	free_strings(app->command);
	free_strings(app->env);
	release_mounts(app->volumes, app->volume_count);
	release_mounts(app->binds, app->bind_count);
	for (size_t i = 0; i < app->device_count; i++)
		app_device_release(&app->devices[i]);
	free(app->devices);
	app_network_release(&app->network);
	health_release(&app->health);
	free(app->cpuset);
	app_process_release(&app->process);
	app_confine_release(&app->confine);
	app_storage_release(&app->storage);
	*app = (struct app_config){ 0 };
}

void app_config_free(struct app_config *app)
{
	if (!app)
		return;
	app_config_release(app);
	free(app);
}

struct app_config *app_config_copy(const struct app_config *app)
{
	JSON_CLEANUP json_t *json = app_config_to_json(app);
	struct app_config *copy = NULL;
	struct err err = ERR_INIT;

	if (app_config_from_json(&copy, json, &err) < 0) {
		/* Whatever is in the struct came through the same functions before. */
		log_error("settings cannot be copied: %s", err.text);
		abort();
	}
	return copy;
}

static bool has_mount(const struct app_mount *mounts, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(mounts[i].path, path))
			return true;
	return false;
}

bool app_config_mounts(const struct app_config *app, const char *path)
{
	return has_mount(app->volumes, app->volume_count, path) ||
	       has_mount(app->binds, app->bind_count, path) ||
	       app_storage_tmpfs(&app->storage, path);
}

static int64_t first_given(int64_t given, int64_t from_image, int64_t otherwise)
{
	if (given >= 0)
		return given;
	return from_image > 0 ? from_image : otherwise;
}

void app_config_health_timing(const struct app_config *app, const struct image_config *image,
			      struct health_timing *timing)
{
	static const struct healthcheck none;
	const struct healthcheck *check = app->health.kind == HEALTH_IMAGE ? &image->healthcheck :
									     &none;
	const struct health_timing *given = &app->health_given;

	timing->interval_ms = first_given(given->interval_ms, check->interval_ms,
					  HEALTH_INTERVAL_MS);
	if (timing->interval_ms < HEALTH_INTERVAL_MIN_MS)
		timing->interval_ms = HEALTH_INTERVAL_MIN_MS;
	timing->timeout_ms = first_given(given->timeout_ms, check->timeout_ms, HEALTH_TIMEOUT_MS);
	timing->start_ms = first_given(given->start_ms, check->start_ms, HEALTH_START_MS);
	timing->retries = (int)first_given(given->retries, check->retries, HEALTH_RETRIES);
}

/* Kernel settings of a namespace that the container shares would be set for the whole device. */
static int check_sysctls(const struct app_config *app, struct err *err)
{
	for (char **sysctl = app->confine.sysctls; sysctl && *sysctl; sysctl++) {
		bool is_network = !strncmp(*sysctl, "net.", 4) || !strncmp(*sysctl, "net/", 4);

		if (is_network && app->network.kind == NETWORK_HOST)
			return err_set(err, -EINVAL, "sysctl = %s: with network = host it would be "
						     "the device's", *sysctl);
		if (!is_network && app->confine.host_ipc)
			return err_set(err, -EINVAL, "sysctl = %s: with ipc = host it would be the "
						     "device's", *sysctl);
	}
	return 0;
}

static int check_memory(const struct app_config *app, struct err *err)
{
	if (app->memory_swap_bytes && !app->memory_bytes)
		return err_set(err, -EINVAL, "memory_swap needs a memory =");
	if (app->memory_swap_bytes > 0 && app->memory_swap_bytes < app->memory_bytes)
		return err_set(err, -EINVAL, "memory_swap is memory and swap together, so it "
					     "can't be less than memory");
	if (app->memory_bytes && app->memory_reservation_bytes > app->memory_bytes)
		return err_set(err, -EINVAL, "memory_reservation is above memory");
	return 0;
}

static int check_storage(const struct app_storage *storage, struct err *err)
{
	if (storage->quota_bytes && (storage->writable != WRITABLE_FLASH || storage->read_only))
		return err_set(err, -EINVAL, "writable_size is for a writable layer on flash, which "
					     "this app doesn't have; remove it");
	if (storage->read_only && storage->writable == WRITABLE_TMPFS)
		return err_set(err, -EINVAL, "read_only and writable = tmpfs contradict each "
					     "other; remove one");
	return 0;
}

static int check_namespaces(const struct app_config *app, struct err *err)
{
	const struct app_confine *confine = &app->confine;

	if (confine->own_ids && confine->privileged)
		return err_set(err, -EINVAL, "privileged and userns = auto contradict each other; "
					     "remove one");
	if (confine->own_ids && (confine->host_pid || confine->host_ipc))
		return err_set(err, -EINVAL, "with userns = auto neither pid nor ipc can be the "
					     "device's");
	if (confine->host_ipc && app->storage.shm_bytes)
		return err_set(err, -EINVAL, "with ipc = host /dev/shm is the device's: remove "
					     "shm_size");
	return 0;
}

int app_config_check(const struct app_config *app, struct err *err)
{
	if (!app->image)
		return err_set(err, -EINVAL, "no image; add a line such as image = "
					     "registry.example.com/%s:stable", app->name);
	if (check_sysctls(app, err) < 0 || check_memory(app, err) < 0 ||
	    check_storage(&app->storage, err) < 0 || check_namespaces(app, err) < 0)
		return -EINVAL;
	return app_network_check(&app->network, err);
}
