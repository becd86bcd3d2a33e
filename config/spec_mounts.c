#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/spec_parts.h"
#include "lib/fd.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))
#define OPTIONS_MAX 6

/* moby oci/defaults.go; /dev/shm has the 64 MiB that `docker run` gives it. */
static const struct {
	const char *path;
	const char *type;
	const char *source;
	const char *options[OPTIONS_MAX + 1];
} defaults[] = {
	{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/dev/shm",
	  "tmpfs",
	  "shm",
	  { "nosuid", "noexec", "nodev", "mode=1777", "size=67108864" } },
};

static void append_mount(json_t *mounts, const char *path, const char *type, const char *source,
			 const char *const *options)
{
	json_t *mount = json_object(), *list = json_array();

	for (; *options; options++)
		spec_append(list, json_string(*options));
	spec_put(mount, "destination", json_string(path));
	spec_put(mount, "type", json_string(type));
	spec_put(mount, "source", json_string(source));
	spec_put(mount, "options", list);
	spec_append(mounts, mount);
}

static const struct spec_mount *find_mount(const struct spec_mount *mounts, size_t count,
					   const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(mounts[i].path, path))
			return &mounts[i];
	return NULL;
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
	const struct spec_mount *left = a, *right = b;
	int difference = count_parts(left->path) - count_parts(right->path);

	return difference ? difference : strcmp(left->path, right->path);
}

/* A file of the host under its name in the container, unless something else is mounted there. */
static void add_file(struct spec_mount *mounts, size_t *count, const char *source,
		     const char *path)
{
	if (source && !find_mount(mounts, *count, path))
		mounts[(*count)++] = (struct spec_mount){ source, path, false };
}

/* All that isn't a default mount; outer ones come first, or they would hide the inner ones. */
static struct spec_mount *collect(const struct app_config *app, const struct spec_input *input,
				  size_t *count)
{
	struct spec_mount *mounts = xcalloc(app->bind_count + input->volume_count + 3,
					    sizeof(*mounts));

	*count = 0;
	for (size_t i = 0; i < app->bind_count; i++)
		mounts[(*count)++] = (struct spec_mount){ app->binds[i].source, app->binds[i].path,
							  app->binds[i].read_only };
	for (size_t i = 0; i < input->volume_count; i++)
		mounts[(*count)++] = input->volumes[i];
	add_file(mounts, count, input->resolv_conf, "/etc/resolv.conf");
	add_file(mounts, count, input->hosts, "/etc/hosts");
	add_file(mounts, count, input->hostname_file, "/etc/hostname");
	qsort(mounts, *count, sizeof(*mounts), compare_depth);
	return mounts;
}

/*
 * A default mount at or below one of the app's own is left out: it would lie hidden under it.
 * (Docker does so for /dev alone.)
 */
static bool is_replaced(const char *path, const struct spec_mount *mounts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(mounts[i].path);

		if (!strncmp(path, mounts[i].path, size) && (!path[size] || path[size] == '/'))
			return true;
	}
	return false;
}

json_t *spec_mounts(const struct app_config *app, const struct spec_input *input, struct err *err)
{
	static const char *const writable[] = { "rbind", "rprivate", "rw", NULL };
	static const char *const read_only[] = { "rbind", "rprivate", "ro", NULL };
	size_t count;
	FREE_CLEANUP struct spec_mount *own = collect(app, input, &count);
	json_t *mounts;

	for (size_t i = 0; i < count; i++) {
		if (own[i].path[0] == '/' && own[i].path[1])
			continue;
		err_set(err, -EINVAL, "the image has a VOLUME \"%s\", where nothing can be mounted",
			own[i].path);
		return NULL;
	}
	mounts = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (!is_replaced(defaults[i].path, own, count))
			append_mount(mounts, defaults[i].path, defaults[i].type,
				     defaults[i].source, defaults[i].options);
	for (size_t i = 0; i < count; i++)
		append_mount(mounts, own[i].path, "bind", own[i].source,
			     own[i].read_only ? read_only : writable);
	return mounts;
}
