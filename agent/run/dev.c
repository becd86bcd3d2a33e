#include "agent/run/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/run/mount.h"
#include "agent/run/path.h"
#include "lib/fd.h"

static const struct bundle_device defaults[] = {
	{ .path = (char[]){ "/dev/null" }, .type = 'c', .major = 1, .minor = 3, .mode = 0666 },
	{ .path = (char[]){ "/dev/zero" }, .type = 'c', .major = 1, .minor = 5, .mode = 0666 },
	{ .path = (char[]){ "/dev/full" }, .type = 'c', .major = 1, .minor = 7, .mode = 0666 },
	{ .path = (char[]){ "/dev/random" }, .type = 'c', .major = 1, .minor = 8, .mode = 0666 },
	{ .path = (char[]){ "/dev/urandom" }, .type = 'c', .major = 1, .minor = 9, .mode = 0666 },
	{ .path = (char[]){ "/dev/tty" }, .type = 'c', .major = 5, .minor = 0, .mode = 0666 },
};

static const struct device_rule default_rules[] = {
	{ true, 'c', -1, -1, "m" },   { true, 'b', -1, -1, "m" },   { true, 'c', 1, 3, "rwm" },
	{ true, 'c', 1, 5, "rwm" },   { true, 'c', 1, 7, "rwm" },   { true, 'c', 1, 8, "rwm" },
	{ true, 'c', 1, 9, "rwm" },   { true, 'c', 5, 0, "rwm" },   { true, 'c', 5, 2, "rwm" },
	{ true, 'c', 136, -1, "rwm" },
};

static const struct {
	const char *target;
	const char *path;
} links[] = {
	{ "/proc/self/fd", "/dev/fd" },	      { "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" }, { "/proc/self/fd/2", "/dev/stderr" },
	{ "/proc/kcore", "/dev/core" },	      { "pts/ptmx", "/dev/ptmx" },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

void dev_allow_defaults(struct cgroup_limits *limits)
{
	size_t count = limits->device_count;

	limits->devices = xrealloc(limits->devices,
				   (1 + count + COUNT(default_rules)) * sizeof(*limits->devices));
	limits->implied_devices = !count;
	if (!count)
		limits->devices[count++] = (struct device_rule){ false, 'a', -1, -1, "rwm" };
	memcpy(limits->devices + count, default_rules, sizeof(default_rules));
	limits->device_count = count + COUNT(default_rules);
}

bool dev_is_default(const struct device_rule *rule)
{
	for (size_t i = 0; i < COUNT(default_rules); i++) {
		const struct device_rule *own = &default_rules[i];

		if (own->type == rule->type && own->major == rule->major &&
		    (own->minor == rule->minor || own->minor < 0))
			return true;
	}
	return false;
}

static mode_t type_bits(char type)
{
	return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR;
}

/* Images may bring the node along: it is as good when it is the same. */
static int check_existing(const struct bundle_device *device, int dir, const char *name,
			  struct err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "stat");
	if ((st.st_mode & S_IFMT) != type_bits(device->type) ||
	    (device->type != 'p' && st.st_rdev != makedev(device->major, device->minor)))
		return err_set(err, -EEXIST, "something else is in its place in the image");
	return 0;
}

/*
 * In a user namespace there is no mknod(): the host's node is shown, when it is the same. Owner and
 * mode are the host's, too.
 */
static int bind_node(const struct bundle_device *device, int root, struct err *err)
{
	FD_CLEANUP int node = open(device->path, O_PATH | O_CLOEXEC);
	FD_CLEANUP int target = -1;
	char source[PATH_OF_FD_MAX];
	struct stat st;

	if (node < 0 || fstat(node, &st) < 0)
		return err_sys(err, "on the host (a user namespace can't make device nodes)");
	if ((st.st_mode & S_IFMT) != type_bits(device->type) ||
	    st.st_rdev != makedev(device->major, device->minor))
		return err_set(err, -ENODEV, "on the host is not device %u:%u (a user namespace "
					     "can't make device nodes)",
			       device->major, device->minor);
	target = path_open(root, device->path, PATH_MAKE_FILE, err);
	return target < 0 ? target : mount_bind(path_of_fd(source, node), target, 0, err);
}

static int make_node(const struct bundle_device *device, int root, struct err *err)
{
	const char *name;
	FD_CLEANUP int dir = path_open_parent(root, device->path, &name, err);

	if (dir < 0)
		return dir;
	if (mknodat(dir, name, type_bits(device->type) | device->mode,
		    makedev(device->major, device->minor)) < 0) {
		if (errno == EEXIST)
			return check_existing(device, dir, name, err);
		return err_sys(err, "make the device node");
	}
	if ((device->uid || device->gid) &&
	    fchownat(dir, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "change its owner");
	return 0;
}

static int make_nodes(const struct bundle_device *devices, size_t count, bool in_userns, int root,
		      struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		bool is_bound = in_userns && devices[i].type != 'p';
		int rc = 0;

		/* Named among all of a privileged container's, but it is its own devpts' one. */
		if (strcmp(devices[i].path, "/dev/ptmx"))
			rc = is_bound ? bind_node(&devices[i], root, err) :
					make_node(&devices[i], root, err);
		if (rc < 0)
			return err_context(err, "device %s", devices[i].path);
	}
	return 0;
}

static int make_links(int root, struct err *err)
{
	for (size_t i = 0; i < COUNT(links); i++) {
		const char *name;
		FD_CLEANUP int dir = path_open_parent(root, links[i].path, &name, err);

		if (dir < 0)
			return dir;
		if (symlinkat(links[i].target, dir, name) < 0 && errno != EEXIST)
			return err_sys(err, "make the link %s", links[i].path);
	}
	return 0;
}

static bool is_dev_of_host(const struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->mount_count; i++)
		if (bundle->mounts[i].options.flags & MS_BIND &&
		    !strcmp(bundle->mounts[i].destination, "/dev"))
			return true;
	return false;
}

int dev_make(const struct bundle *bundle, int root, struct err *err)
{
	bool in_userns = ns_is_own(&bundle->namespaces, NS_USER);
	mode_t old = umask(0);
	/* First: what is said of a default device there, its mode and owner, counts. */
	int rc = make_nodes(bundle->devices, bundle->device_count, in_userns, root, err);

	if (!rc && !is_dev_of_host(bundle))
		rc = make_nodes(defaults, COUNT(defaults), in_userns, root, err) ?:
		     make_links(root, err);
	umask(old);
	return rc;
}
