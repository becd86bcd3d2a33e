#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/app_parts.h"
#include "config/path.h"
#include "config/units.h"
#include "config/words.h"
#include "lib/fd.h"
#include "lib/json.h"

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char *const restarts[] = {
	[RESTART_ALWAYS] = "always", [RESTART_ON_FAILURE] = "on-failure", [RESTART_NO] = "no", NULL
};
static const char *const updates[] = {
	[UPDATE_AUTO] = "auto", [UPDATE_DOWNLOAD] = "download", [UPDATE_MANUAL] = "manual", NULL
};

const char *restart_kind_text(enum restart_kind kind)
{
	return restarts[kind];
}

const char *update_kind_text(enum update_kind kind)
{
	return updates[kind];
}

int app_name_check(const char *name, size_t max, struct err *err)
{
	size_t size = strlen(name);

	if (size == 0 || size > max)
		return err_set(err, -EINVAL, "a name has 1 to %zu characters", max);
	if (!strchr(LETTERS_DIGITS, *name) || strspn(name, LETTERS_DIGITS "_.-") != size)
		return err_set(err, -EINVAL,
			       "a name has letters and digits, and behind the first of them _ . -");
	return 0;
}

static int set_image(void *object, const char *value, struct err *err)
{
	struct app_config *app = object;
	struct reference ref;

	if (reference_parse(&ref, value, err) < 0)
		return -EINVAL;
	app->ref = ref;
	key_replace_text(&app->image, value);
	return 0;
}

static int set_command(void *object, const char *value, struct err *err)
{
	struct app_config *app = object;
	char **words;

	if (words_split(value, &words, err) < 0)
		return -EINVAL;
	free_strings(app->command);
	app->command = words;
	return 0;
}

int app_set_flag(bool *flag, const char *value, struct err *err)
{
	static const char *const words[] = { "no", "yes", NULL };
	int found = key_choose(words, value, err);

	if (found >= 0)
		*flag = found;
	return found < 0 ? found : 0;
}

int app_check_count(size_t count, struct err *err)
{
	if (count < APP_LIST_MAX)
		return 0;
	return err_set(err, -E2BIG, "given more than %d times", APP_LIST_MAX);
}

int app_add_text(char ***list, const char *text, struct err *err)
{
	size_t count = count_strings(*list);

	if (app_check_count(count, err) < 0)
		return -E2BIG;
	*list = xrealloc(*list, (count + 2) * sizeof(**list));
	(*list)[count] = xstrdup(text);
	(*list)[count + 1] = NULL;
	return 0;
}

bool app_has_name(char *const *list, const char *text)
{
	size_t size = strcspn(text, "=");

	for (; list && *list; list++)
		if (!strncmp(*list, text, size) && (*list)[size] == '=')
			return true;
	return false;
}

static int add_env(void *object, const char *value, struct err *err)
{
	size_t name = strcspn(value, "=");

	if (name == 0 || !value[name] || strcspn(value, " \t") < name)
		return err_set(err, -EINVAL, "not a variable; use NAME=value");
	return app_add_text(&((struct app_config *)object)->env, value, err);
}

int app_check_mount_path(const struct app_config *app, const char *path, struct err *err)
{
	if (!strcmp(path, "/"))
		return err_set(err, -EINVAL, "nothing can be mounted over the container's /");
	if (app_config_mounts(app, path))
		return err_set(err, -EINVAL, "another volume, bind or tmpfs is mounted there");
	return 0;
}

/* "SOURCE:/path[:ro|rw]"; the source is checked by the caller. On error nothing is owned. */
static int parse_mount(const struct app_config *app, struct app_mount *mount, const char *value,
		       struct err *err)
{
	FREE_CLEANUP char *copy = xstrdup(value);
	char *path = strchr(copy, ':'), *mode;

	if (!path)
		return err_set(err, -EINVAL, "no path in the container; use SOURCE:/PATH or "
					     "SOURCE:/PATH:ro");
	*path++ = 0;
	mode = strchr(path, ':');
	if (mode)
		*mode++ = 0;
	if (mode && strcmp(mode, "ro") && strcmp(mode, "rw"))
		return err_set(err, -EINVAL, "behind the second : only ro or rw may stand");
	*mount = (struct app_mount){ .read_only = mode && !strcmp(mode, "ro") };
	if (path_clean(path, &mount->path, err) < 0)
		return -EINVAL;
	if (app_check_mount_path(app, mount->path, err) < 0) {
		free(mount->path);
		return -EINVAL;
	}
	mount->source = xstrdup(copy);
	return 0;
}

static int add_mount(struct app_mount **mounts, size_t *count, struct app_mount mount,
		     struct err *err)
{
	if (app_check_count(*count, err) < 0) {
		free(mount.source);
		free(mount.path);
		return -E2BIG;
	}
	*mounts = xrealloc(*mounts, (*count + 1) * sizeof(**mounts));
	(*mounts)[(*count)++] = mount;
	return 0;
}

static int add_volume(void *object, const char *value, struct err *err)
{
	struct app_config *app = object;
	struct app_mount mount;

	if (parse_mount(app, &mount, value, err) < 0)
		return -EINVAL;
	if (app_name_check(mount.source, APP_VOLUME_NAME_MAX, err) < 0) {
		bool is_path = *mount.source == '/';

		free(mount.source);
		free(mount.path);
		return is_path ? err_set(err, -EINVAL, "use bind for a path of the host") :
				 err_context(err, "the volume's name");
	}
	return add_mount(&app->volumes, &app->volume_count, mount, err);
}

static int add_bind(void *object, const char *value, struct err *err)
{
	struct app_config *app = object;
	struct app_mount mount;

	if (parse_mount(app, &mount, value, err) < 0)
		return -EINVAL;
	if (key_set_path(&mount.source, mount.source, err) < 0) {
		free(mount.source);
		free(mount.path);
		return err_context(err, "the host's path");
	}
	return add_mount(&app->binds, &app->bind_count, mount, err);
}

static int add_device(void *object, const char *value, struct err *err)
{
	struct app_config *app = object;
	struct app_device device;
	int rc = app_device_parse(&device, value, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < app->device_count; i++)
		if (!strcmp(app->devices[i].path, device.path))
			rc = err_set(err, -EINVAL, "another device has this path in the container");
	rc = rc ?: app_check_count(app->device_count, err);
	if (rc < 0) {
		app_device_release(&device);
		return rc;
	}
	app->devices = xrealloc(app->devices, (app->device_count + 1) * sizeof(*app->devices));
	app->devices[app->device_count++] = device;
	return 0;
}

static int set_restart(void *object, const char *value, struct err *err)
{
	struct restart_policy *restart = &((struct app_config *)object)->restart;
	FREE_CLEANUP char *copy = xstrdup(value);
	char *max = strchr(copy, ':');
	int64_t number = 0;
	int kind;

	if (max)
		*max++ = 0;
	if (!strcmp(copy, "unless-stopped"))
		return err_set(err, -EINVAL, "use always: what berth stop has stopped is not started by it, as with Docker's "
					     "unless-stopped");
	kind = key_choose(restarts, copy, err);
	if (kind < 0)
		return kind;
	if (max && kind != RESTART_ON_FAILURE)
		return err_set(err, -EINVAL, "only on-failure takes a number");
	if (max && number_parse(max, 1, 1000000, &number, err) < 0)
		return -EINVAL;
	*restart = (struct restart_policy){ (enum restart_kind)kind, (int)number };
	return 0;
}

static int set_health(void *object, const char *value, struct err *err)
{
	struct health health;
	int rc = health_parse(&health, value, err);

	if (rc < 0)
		return rc;
	health_release(&((struct app_config *)object)->health);
	((struct app_config *)object)->health = health;
	return 0;
}

/* A duration of at least a second: what is due all the time would keep the processor busy. */
static int set_seconds(int64_t *ms, const char *value, struct err *err)
{
	int64_t found;

	if (duration_parse_ms(value, &found, err) < 0)
		return -EINVAL;
	if (found < 1000)
		return err_set(err, -EINVAL, "too short; use at least 1s");
	*ms = found;
	return 0;
}

static int set_health_interval(void *object, const char *value, struct err *err)
{
	return set_seconds(&((struct app_config *)object)->health_given.interval_ms, value, err);
}

static int set_health_timeout(void *object, const char *value, struct err *err)
{
	return set_seconds(&((struct app_config *)object)->health_given.timeout_ms, value, err);
}

static int set_health_start(void *object, const char *value, struct err *err)
{
	return duration_parse_ms(value, &((struct app_config *)object)->health_given.start_ms, err);
}

static int set_health_retries(void *object, const char *value, struct err *err)
{
	int64_t number;

	if (number_parse(value, 1, 1000000, &number, err) < 0)
		return -EINVAL;
	((struct app_config *)object)->health_given.retries = (int)number;
	return 0;
}

static int set_probation(void *object, const char *value, struct err *err)
{
	return duration_parse_ms(value, &((struct app_config *)object)->probation_ms, err);
}

static int set_update(void *object, const char *value, struct err *err)
{
	int found = key_choose(updates, value, err);

	if (found >= 0)
		((struct app_config *)object)->update = (enum update_kind)found;
	return found < 0 ? found : 0;
}

static const struct key keys[] = {
	{ "image", set_image, false },
	{ "command", set_command, false },
	{ "env", add_env, true },
	{ "volume", add_volume, true },
	{ "bind", add_bind, true },
	{ "device", add_device, true },
	{ "network", app_network_set, false },
	{ "publish", app_network_add_publish, true },
	{ "hostname", app_network_set_hostname, false },
	{ "dns", app_network_add_dns, true },
	{ "dns_search", app_network_add_dns_search, true },
	{ "dns_option", app_network_add_dns_option, true },
	{ "extra_host", app_network_add_extra_host, true },
	{ "memory", set_memory, false },
	{ "cpus", set_cpus, false },
	{ "pids", set_pids, false },
	{ "restart", set_restart, false },
	{ "health", set_health, false },
	{ "health_interval", set_health_interval, false },
	{ "health_timeout", set_health_timeout, false },
	{ "health_retries", set_health_retries, false },
	{ "health_start", set_health_start, false },
	{ "probation", set_probation, false },
	{ "update", set_update, false },
	{ "group", NULL, false },
	{ "depends", NULL, true },
	{ "user", set_user, false },
	{ "workdir", set_workdir, false },
	{ "entrypoint", set_entrypoint, false },
	{ "group_add", add_group, true },
	{ "label", add_label, true },
	{ "ulimit", add_ulimit, true },
	{ "init", set_init, false },
	{ "stdin", set_stdin, false },
	{ "tty", set_tty, false },
	{ "oom_score_adj", set_oom_score, false },
	{ "stop_signal", set_stop_signal, false },
	{ "stop_timeout", set_stop_timeout, false },
	{ "privileged", set_privileged, false },
	{ "no_new_privileges", set_no_privileges, false },
	{ "userns", set_userns, false },
	{ "pid", set_pid, false },
	{ "ipc", set_ipc, false },
	{ "cap_add", add_capability, true },
	{ "cap_drop", drop_capability, true },
	{ "sysctl", add_sysctl, true },
	{ "seccomp", set_seccomp, false },
	{ "read_only", set_read_only, false },
	{ "tmpfs", add_tmpfs, true },
	{ "shm_size", set_shm_size, false },
	{ "writable", set_writable, false },
	{ "writable_size", set_writable_size, false },
	{ "memory_swap", set_memory_swap, false },
	{ "memory_reservation", set_memory_reservation, false },
	{ "cpu_shares", set_cpu_shares, false },
	{ "cpuset", set_cpuset, false },
	{ "blkio_weight", set_blkio_weight, false },
};

_Static_assert(sizeof(keys) / sizeof(*keys) <= KEYS_MAX, "those seen are bits of a word");

const struct key_table *app_config_keys(void)
{
	static const struct key_table table = { keys, sizeof(keys) / sizeof(*keys), NULL };

	return &table;
}
