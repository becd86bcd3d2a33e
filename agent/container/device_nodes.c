#include "agent/container/device_nodes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/container/device_find.h"
#include "lib/fd.h"
#include "lib/json.h"

#define DEPTH_MAX 8 /* directories below /dev */

static void add(struct device_nodes *nodes, const struct stat *st, const char *source,
		const char *path, const char *access)
{
	nodes->items = xrealloc(nodes->items, (nodes->count + 1) * sizeof(*nodes->items));
	nodes->items[nodes->count++] = (struct spec_device){
		.source = source,
		.path = path,
		.access = access,
		.type = S_ISCHR(st->st_mode) ? 'c' : 'b',
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
	};
}

/* Takes `path`, which lives as long as the result. */
static const char *keep(struct device_nodes *nodes, char *path)
{
	size_t count = count_strings(nodes->paths);

	nodes->paths = xrealloc(nodes->paths, (count + 2) * sizeof(*nodes->paths));
	nodes->paths[count] = path;
	nodes->paths[count + 1] = NULL;
	return path;
}

static int find_given(struct device_nodes *nodes, const struct app_device *device, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	int rc = device_find(device, path, &st, err);

	if (rc == -ENOENT && device->optional) {
		*err = ERR_INIT;
		return 0;
	}
	if (rc < 0)
		return rc;
	add(nodes, &st, keep(nodes, xstrdup(path)), device->path, device->permissions);
	return 0;
}

static bool is_found(const struct device_nodes *nodes, const char *path)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (!strcmp(nodes->items[i].path, path))
			return true;
	return false;
}

/* The container has its own of these, or they are no devices. */
static bool is_own(const char *name)
{
	static const char *const own[] = { "pts",  "shm",    "fd",   "mqueue", "ptmx", "console",
					   "null", "zero",   "full", "random", "urandom", "tty",
					   "hugepages", NULL };

	for (size_t i = 0; own[i]; i++)
		if (!strcmp(name, own[i]))
			return true;
	return false;
}

/* Takes `path`. */
static int add_found(struct device_nodes *nodes, const struct stat *st, char *path,
		     struct err *err)
{
	if (is_found(nodes, path)) {
		free(path);
		return 0;
	}
	keep(nodes, path);
	add(nodes, st, path, path, "rwm");
	if (nodes->count <= DEVICE_NODES_MAX)
		return 0;
	return err_set(err, -E2BIG, "more than %d devices below /dev; name those that are needed "
				    "with device =", DEVICE_NODES_MAX);
}

static int find_below(struct device_nodes *nodes, int parent, const char *name, const char *path,
		      int depth, struct err *err);

static int take_entry(struct device_nodes *nodes, int dir, const char *name, const char *parent,
		      int depth, struct err *err)
{
	FREE_CLEANUP char *path = xasprintf("%s/%s", parent, name);
	struct stat st;

	if ((depth == 0 && is_own(name)) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* it may have been unplugged just now */
	if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
		return find_below(nodes, dir, name, path, depth + 1, err);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return add_found(nodes, &st, steal_pointer(&path), err);
	return 0;
}

static int find_below(struct device_nodes *nodes, int parent, const char *name, const char *path,
		      int depth, struct err *err)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, "list %s", path);
	while (!rc && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = take_entry(nodes, fd, entry->d_name, path, depth, err);
	closedir(dir);
	return rc;
}

int device_nodes_find(struct device_nodes *nodes, const struct app_config *settings,
		      struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < settings->device_count && !rc; i++)
		rc = find_given(nodes, &settings->devices[i], err);
	if (!rc && settings->confine.privileged)
		rc = find_below(nodes, AT_FDCWD, "/dev", "/dev", 0, err);
	return rc;
}

void device_nodes_release(struct device_nodes *nodes)
{
	free(nodes->items);
	free_strings(nodes->paths);
}
