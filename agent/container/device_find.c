#include "agent/container/device_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/app_device.h"
#include "lib/fd.h"

enum rank { RANK_SERIAL, RANK_OTHER, RANK_NONE };

#define WHOLE_DEVICES "/dev/bus/usb/"

struct search {
	const char *sysfs;
	struct usb_id id;
	bool whole; /* the USB device itself is wanted */
	enum rank rank; /* of what was found; the lowest is the best */
	unsigned long long number;
	char *name;
};

/* A file's first line is this text. */
static bool has_line(const char *dir, const char *file, const char *text)
{
	FREE_CLEANUP char *path = xasprintf("%s/%s", dir, file);
	BUF_CLEANUP struct buf line = BUF_INIT;
	size_t size = strlen(text);

	return fd_read_file(AT_FDCWD, path, &line, 4096) == 0 && line.size == size + 1 &&
	       !memcmp(line.data, text, size) && line.data[size] == '\n';
}

static bool has_file(const char *dir, const char *file)
{
	FREE_CLEANUP char *path = xasprintf("%s/%s", dir, file);

	return access(path, F_OK) == 0;
}

/* `device`, below sysfs/devices, becomes the USB device that it belongs to. */
static bool find_usb_parent(char *device, size_t root)
{
	while (strlen(device) > root) {
		if (has_file(device, "idVendor"))
			return true;
		*strrchr(device, '/') = '\0';
	}
	return false;
}

static bool is_wanted(const struct search *search, const char *usb)
{
	return has_line(usb, "idVendor", search->id.vendor) &&
	       has_line(usb, "idProduct", search->id.product) &&
	       (!search->id.serial || has_line(usb, "serial", search->id.serial));
}

static void read_name(const char *device, char name[static NAME_MAX + 1])
{
	FREE_CLEANUP char *path = xasprintf("%s/uevent", device);
	BUF_CLEANUP struct buf text = BUF_INIT;
	const char *line;

	*name = '\0';
	if (fd_read_file(AT_FDCWD, path, &text, 4096) < 0)
		return;
	line = strstr(buf_text(&text), "DEVNAME=");
	if (line)
		snprintf(name, NAME_MAX + 1, "%.*s", (int)strcspn(line + 8, "\n"), line + 8);
}

/* An entry of sysfs/dev/char or block: MAJOR:MINOR, a link to the device. */
static void look_at(struct search *search, int dir, const char *entry)
{
	size_t root = strlen(search->sysfs) + strlen("/devices");
	char link[PATH_MAX], name[NAME_MAX + 1];
	ssize_t size = readlinkat(dir, entry, link, sizeof(link) - 1);
	unsigned int major, minor;
	unsigned long long number;
	enum rank rank;

	if (size <= 0 || sscanf(entry, "%u:%u", &major, &minor) != 2)
		return;
	link[size] = '\0';
	if (strncmp(link, "../../devices/", 14))
		return;
	FREE_CLEANUP char *device = xasprintf("%s/%s", search->sysfs, link + 6);
	FREE_CLEANUP char *usb = xstrdup(device);

	if (!find_usb_parent(usb, root) || !strcmp(device, usb) != search->whole ||
	    !is_wanted(search, usb))
		return;
	rank = strstr(device, "/tty/") ? RANK_SERIAL : RANK_OTHER;
	number = (unsigned long long)major << 32 | minor;
	read_name(device, name);
	if (!*name || rank > search->rank || (rank == search->rank && number > search->number))
		return;
	search->rank = rank;
	search->number = number;
	strcpy(search->name, name);
}

static void look_through(struct search *search, const char *kind)
{
	FREE_CLEANUP char *path = xasprintf("%s/dev/%s", search->sysfs, kind);
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		look_at(search, dirfd(dir), entry->d_name);
	closedir(dir);
}

int device_find_usb(const char *sysfs, const char *source, bool whole, char name[static NAME_MAX + 1])
{
	struct search search = { .sysfs = sysfs, .whole = whole, .rank = RANK_NONE, .name = name };

	if (!app_device_usb(source, &search.id))
		return -EINVAL;
	look_through(&search, "char");
	look_through(&search, "block");
	return search.rank == RANK_NONE ? -ENOENT : 0;
}

int device_find(const struct app_device *device, char path[static PATH_MAX], struct stat *st, struct err *err)
{
	bool whole = !strncmp(device->path, WHOLE_DEVICES, strlen(WHOLE_DEVICES));
	char name[NAME_MAX + 1];

	if (device->source[0] == '/')
		snprintf(path, PATH_MAX, "%s", device->source);
	else if (device_find_usb("/sys", device->source, whole, name) < 0)
		return err_set(err, -ENOENT, "device %s: not plugged in, or its driver has not been "
					     "loaded", device->source);
	else
		snprintf(path, PATH_MAX, "/dev/%s", name);
	if (stat(path, st) < 0)
		return err_sys(err, "device %s (is it plugged in, is its driver loaded?)", path);
	if (!S_ISCHR(st->st_mode) && !S_ISBLK(st->st_mode))
		return err_set(err, -ENODEV, "device %s: not a device node; use bind = for files", path);
	return 0;
}
