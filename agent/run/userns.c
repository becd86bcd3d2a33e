#include "agent/run/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/run/bundle_read.h"
#include "agent/run/ns.h"
#include "lib/fd.h"

#define MAP_TEXT_MAX 16384

static int read_map(const json_t *object, void *item, struct err *err)
{
	struct id_map *map = item;
	int64_t container = 0, host = 0, size = 0;

	if (read_range(object, "containerID", 0, ID_NONE - 1, &container, err) < 0 ||
	    read_range(object, "hostID", 0, ID_NONE - 1, &host, err) < 0 ||
	    read_range(object, "size", 1, ID_NONE, &size, err) < 0)
		return -EINVAL;
	if (!size || container + size > ID_NONE || host + size > ID_NONE)
		return err_set(err, -EINVAL, "\"size\" is missing, or more than there are IDs");
	*map = (struct id_map){ (uint32_t)container, (uint32_t)host, (uint32_t)size };
	return 0;
}

int id_maps_read(struct id_maps *maps, const json_t *object, const char *name, struct err *err)
{
	int rc = read_list(object, name, sizeof(*maps->maps), (void **)&maps->maps, &maps->count,
			   read_map, err);

	if (rc >= 0 && maps->count > ID_MAPS_MAX)
		return err_set(err, -E2BIG, "%s: more than %d", name, ID_MAPS_MAX);
	return rc < 0 ? rc : 0;
}

void id_maps_release(struct id_maps *maps)
{
	free(maps->maps);
	*maps = (struct id_maps){ 0 };
}

uint32_t id_maps_to_host(const struct id_maps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct id_map *map = &maps->maps[i];

		if (id >= map->container && id - map->container < map->size)
			return map->host + (id - map->container);
	}
	return ID_NONE;
}

/* The kernel takes a map in one write only. */
static int write_map(pid_t pid, const char *file, const struct id_maps *maps, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char path[32];
	int rc;

	for (size_t i = 0; i < maps->count; i++)
		buf_append_format(&text, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
				  maps->maps[i].container, maps->maps[i].host, maps->maps[i].size);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	rc = fd_write_file(AT_FDCWD, path, buf_text(&text));
	if (rc < 0)
		return err_set(err, rc,
			       "set the user namespace's %s: %s (do its ranges overlap, or does the "
			       "runtime itself not have them?)", file, strerror(-rc));
	return 0;
}

int userns_map(pid_t pid, const struct id_maps *uids, const struct id_maps *gids, struct err *err)
{
	int rc = write_map(pid, "gid_map", gids, err);

	return rc ?: write_map(pid, "uid_map", uids, err);
}

static int open_of(pid_t pid, struct err *err)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open %s", path) : fd;
}

int userns_open(const struct id_maps *uids, const struct id_maps *gids, struct err *err)
{
	FD_CLEANUP int fd = -1;
	pid_t pid = clone_process(CLONE_NEWUSER);
	int rc;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (pid < 0)
		return err_sys(err, "make a user namespace for a mount (CONFIG_USER_NS)");
	rc = userns_map(pid, uids, gids, err);
	if (!rc)
		rc = fd = open_of(pid, err);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return rc < 0 ? rc : fd_steal(&fd);
}

int userns_become_root(struct err *err)
{
	/* Refused where the namespace's maker has set "deny": then there are none to get rid of. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return err_sys(err, "drop supplementary groups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, "become root of the user namespace (do linux.uidMappings and "
				    "gidMappings have 0?)");
	return 0;
}

void userns_own_pipes(const struct userns_root *root)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
			(void)!fchown(fd, root->uid, root->gid);
}

static uint32_t first_of_map(pid_t pid, const char *file)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	unsigned int inside, outside;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if (fd_read_file(AT_FDCWD, path, &text, MAP_TEXT_MAX) < 0 ||
	    sscanf(buf_text(&text), "%u %u", &inside, &outside) != 2 || inside)
		return 0;
	return outside;
}

struct userns_root userns_root_of(pid_t pid)
{
	return (struct userns_root){ first_of_map(pid, "uid_map"), first_of_map(pid, "gid_map") };
}
