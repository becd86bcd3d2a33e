/*
 * The layers of a container with a user namespace: shown with their owners shifted, so that what
 * is root's in the image is the container's root's. Overlayfs takes them from mounts with a place
 * of their own only, and keeps them without it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/helper/shim_parts.h"
#include "agent/run/mount_tree.h"
#include "lib/fd.h"

#define PLACE "layers"

bool shim_shift_read(struct id_map *map, const char *text)
{
	char end;

	return sscanf(text, "%u %u %u%c", &map->container, &map->host, &map->size, &end) == 3 &&
	       map->size && !map->container && map->host <= ID_NONE - map->size;
}

static int shift_layer(const char *layer, int userns, const char *name, struct err *err)
{
	FD_CLEANUP int tree = mount_tree_open(layer, false, err);
	FD_CLEANUP int target = -1;

	if (tree < 0)
		return tree;
	if (mount_tree_shift(tree, userns, false, layer, err) < 0)
		return err_context(err, "userns = auto");
	if (mkdir(name, 0700) < 0)
		return err_sys(err, "make %s", name);
	target = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return err_sys(err, "open %s", name);
	return mount_tree_attach(tree, target, err);
}

int shim_shift_layers(const char **lower, size_t count, char names[][SHIM_SHIFTED_MAX],
		      const struct id_map *map, struct err *err)
{
	struct id_map one = *map;
	const struct id_maps maps = { &one, 1 };
	FD_CLEANUP int userns = userns_open(&maps, &maps, err);

	if (userns < 0)
		return userns;
	if (mkdir(PLACE, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make a place for the layers");
	if (mount("berth", PLACE, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=700,size=64k") < 0)
		return err_sys(err, "mount a place for the layers");
	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], SHIM_SHIFTED_MAX, PLACE "/%zu", i);
		if (shift_layer(lower[i], userns, names[i], err) < 0)
			return err->code;
		lower[i] = names[i];
	}
	return 0;
}

void shim_shift_end(void)
{
	umount2(PLACE, UMOUNT_NOFOLLOW | MNT_DETACH);
	rmdir(PLACE);
}

/* The upper directory is what the container sees as "/". */
int shim_shift_upper(const char *upper, const char *lower, const struct id_map *map,
		     struct err *err)
{
	struct stat st, below;

	if (stat(upper, &st) < 0)
		return err_sys(err, "upper directory %s", upper);
	if (st.st_uid - map->host < map->size && st.st_gid - map->host < map->size)
		return 0;
	if (stat(lower, &below) < 0 || chown(upper, below.st_uid, below.st_gid) < 0)
		return err_sys(err, "give %s to the container's root", upper);
	return 0;
}
