#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/spec_parts.h"
#include "lib/fd.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))
#define TMPFS "nosuid,noexec,nodev"
#define FILES 3 /* resolv.conf, hosts, hostname */

/* What is mounted at one place. */
struct mount {
	const char *path;
	const char *type;
	const char *source;
	char *options; /* with commas between them; owned */
};

/* moby oci/defaults.go */
static const struct {
	const char *path, *type, *source, *options;
} defaults[] = {
	{ "/proc", "proc", "proc", "nosuid,noexec,nodev" },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts",
	  "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5" },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,ro" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777" },
};

/* With read_only = yes, as podman's --read-only-tmpfs; what the image has there is kept. */
static const struct {
	const char *path, *options;
} scratch[] = {
	{ "/run", TMPFS ",mode=755,size=64m,tmpcopyup" },
	{ "/tmp", "nosuid,nodev,mode=1777,size=64m,tmpcopyup" },
	{ "/var/tmp", "nosuid,nodev,mode=1777,size=64m,tmpcopyup" },
};

struct mounts {
	struct mount *items;
	size_t count;
};

static void mounts_release(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++)
		free(mounts->items[i].options);
	free(mounts->items);
}

static void add(struct mounts *mounts, const char *path, const char *type, const char *source,
		char *options)
{
	mounts->items[mounts->count++] = (struct mount){ path, type, source, options };
}

/* Does one of them stand at this path, or above it? */
static bool is_covered(const struct mounts *mounts, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++) {
		size_t size = strlen(mounts->items[i].path);

		if (!strncmp(path, mounts->items[i].path, size) &&
		    (!path[size] || path[size] == '/'))
			return true;
	}
	return false;
}

static bool is_taken(const struct mounts *mounts, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++)
		if (!strcmp(mounts->items[i].path, path))
			return true;
	return false;
}

/* With a user namespace the IDs of the files are the container's, not the device's. */
static void add_bind(struct mounts *mounts, const struct spec_mount *mount,
		     const struct spec_input *input)
{
	add(mounts, mount->path, "bind", mount->source,
	    xasprintf("rbind,rprivate,%s%s", mount->read_only ? "ro" : "rw",
		      input->id_count ? ",idmap" : ""));
}

/* A file of the host under its name in the container, unless something else is mounted there. */
static void add_file(struct mounts *mounts, const char *source, const char *path)
{
	if (source && !is_taken(mounts, path))
		add(mounts, path, "bind", source, xstrdup("rbind,rprivate,rw"));
}

static void add_tmpfs(struct mounts *mounts, const struct app_storage *storage)
{
	for (size_t i = 0; i < storage->tmpfs_count; i++) {
		const struct app_tmpfs *tmpfs = &storage->tmpfs[i];

		add(mounts, tmpfs->path, "tmpfs", "tmpfs",
		    xasprintf(TMPFS ",mode=1777%s%s", *tmpfs->options ? "," : "", tmpfs->options));
	}
}

static int count_parts(const char *path)
{
	int count = 0;

	for (; *path; path++)
		count += *path == '/' && path[1];
	return count;
}

static int compare_depth(const void *a, const void *b)
{
	const struct mount *left = a, *right = b;
	int difference = count_parts(left->path) - count_parts(right->path);

	return difference ? difference : strcmp(left->path, right->path);
}

/* All that isn't a default mount; outer ones come first, or they would hide the inner ones. */
static void collect(struct mounts *mounts, const struct app_config *app,
		    const struct spec_input *input)
{
	size_t most = app->bind_count + input->volume_count + app->storage.tmpfs_count + FILES +
		      ARRAY_SIZE(scratch) + input->device_count;

	mounts->items = xcalloc(most, sizeof(*mounts->items));
	for (size_t i = 0; i < app->bind_count; i++)
		add_bind(mounts,
			 &(struct spec_mount){ app->binds[i].source, app->binds[i].path,
					       app->binds[i].read_only },
			 input);
	for (size_t i = 0; i < input->volume_count; i++)
		add_bind(mounts, &input->volumes[i], input);
	add_tmpfs(mounts, &app->storage);
	for (size_t i = 0; i < input->device_count && input->id_count; i++)
		add(mounts, input->devices[i].path, "bind", input->devices[i].source,
		    xstrdup("rbind,rprivate,rw"));
	for (size_t i = 0; i < ARRAY_SIZE(scratch); i++)
		if (app->storage.read_only && !is_covered(mounts, scratch[i].path))
			add(mounts, scratch[i].path, "tmpfs", "tmpfs",
			    xstrdup(scratch[i].options));
	add_file(mounts, input->resolv_conf, "/etc/resolv.conf");
	add_file(mounts, input->hosts, "/etc/hosts");
	add_file(mounts, input->hostname_file, "/etc/hostname");
	qsort(mounts->items, mounts->count, sizeof(*mounts->items), compare_depth);
}

static int check(const struct mounts *mounts, struct err *err)
{
	for (size_t i = 0; i < mounts->count; i++)
		if (mounts->items[i].path[0] != '/' || !mounts->items[i].path[1])
			return err_set(err, -EINVAL,
				       "the image has a VOLUME \"%s\", where nothing can be "
				       "mounted", mounts->items[i].path);
	return 0;
}

static void append(json_t *array, const struct mount *mount)
{
	json_t *object = json_object(), *list = json_array();
	FREE_CLEANUP char *options = xstrdup(mount->options);
	char *save = NULL;

	for (char *option = strtok_r(options, ",", &save); option;
	     option = strtok_r(NULL, ",", &save))
		spec_append(list, json_string(option));
	spec_put(object, "destination", json_string(mount->path));
	spec_put(object, "type", json_string(mount->type));
	spec_put(object, "source", json_string(mount->source));
	spec_put(object, "options", list);
	spec_append(array, object);
}

/* Privileged: what is read-only for others can be written to. */
static char *default_options(const char *options, bool privileged)
{
	size_t size = strlen(options);

	if (privileged && size > 3 && !strcmp(options + size - 3, ",ro"))
		return xasprintf("%.*s,rw", (int)(size - 3), options);
	return xstrdup(options);
}

static void append_default(json_t *array, size_t i, const struct app_config *app)
{
	struct mount mount = { defaults[i].path, defaults[i].type, defaults[i].source, NULL };
	bool is_shm = !strcmp(mount.path, "/dev/shm");
	FREE_CLEANUP char *options = NULL;

	if (app->confine.host_ipc && is_shm) {
		mount.type = "bind";
		mount.source = mount.path;
		options = xstrdup("rbind,rprivate,rw");
	} else if (is_shm) {
		int64_t bytes = app->storage.shm_bytes ? app->storage.shm_bytes : APP_SHM_SIZE;

		options = xasprintf("%s,size=%lld", defaults[i].options, (long long)bytes);
	} else {
		options = default_options(defaults[i].options, app->confine.privileged);
	}
	mount.options = options;
	append(array, &mount);
}

/*
 * A default mount at or below one of the app's own is left out: it would lie hidden under it.
 * (Docker does so for /dev alone.)
 */
json_t *spec_mounts(const struct app_config *app, const struct spec_input *input, struct err *err)
{
	__attribute__((cleanup(mounts_release))) struct mounts own = { 0 };
	json_t *array;

	collect(&own, app, input);
	if (check(&own, err) < 0)
		return NULL;
	array = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (!is_covered(&own, defaults[i].path))
			append_default(array, i, app);
	for (size_t i = 0; i < own.count; i++)
		append(array, &own.items[i]);
	return array;
}
