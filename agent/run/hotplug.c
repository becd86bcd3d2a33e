#include "agent/run/hotplug.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/run/cgroup.h"
#include "agent/run/dev.h"
#include "agent/run/path.h"
#include "lib/fd.h"
#include "lib/sys.h"

#define NEW_NAME ".berth-device"

/* --- rules ------------------------------------------------------------------------------------ */

/* One rule, as far as the next comma; returns behind it, or NULL. */
static const char *parse_rule(const char *text, struct device_rule *rule)
{
	unsigned int major, minor;
	char sign, type;
	int end = 0;

	*rule = (struct device_rule){ 0 };
	if (sscanf(text, "%c%c:%9u:%9u:%3[rwm]%n", &sign, &type, &major, &minor, rule->access, &end) != 5 ||
	    !strchr("+-", sign) || !strchr("bc", type) || (text[end] && text[end] != ','))
		return NULL;
	rule->allow = sign == '+';
	rule->type = type;
	rule->major = major;
	rule->minor = minor;
	return text + end + (text[end] == ',');
}

int hotplug_parse_rules(const char *text, struct device_rule *rules, size_t max, struct err *err)
{
	size_t count = 0;

	while (*text) {
		const char *next = count < max ? parse_rule(text, &rules[count]) : NULL;

		if (!next)
			return err_set(err, -EINVAL, "--rules: \"%.40s\" is no rule such as "
						     "+c:188:0:rwm, or there are more than %zu",
				       text, max);
		if (rules[count].allow || !dev_is_default(&rules[count]))
			count++;
		text = next;
	}
	return (int)count;
}

static int set_rules(const struct state *state, struct bundle *bundle, const struct hotplug *change,
		     struct err *err)
{
	struct cgroup_limits *limits = &bundle->limits;
	struct cgroup cgroup;
	size_t first;
	int rc;

	if (!change->rule_count)
		return 0;
	dev_allow_defaults(limits);
	first = limits->device_count;
	limits->device_count += change->rule_count;
	limits->devices = xrealloc(limits->devices, limits->device_count * sizeof(*limits->devices));
	memcpy(limits->devices + first, change->rules, change->rule_count * sizeof(*change->rules));
	rc = state_cgroup(state, &cgroup, err);
	return rc ?: cgroup_change_devices(&cgroup, limits->devices, limits->device_count, first, err);
}

/* --- the node --------------------------------------------------------------------------------- */

static bool is_node(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

/* 1: a device node is there; 0: nothing. */
static int look(int dir, const char *name, struct err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "stat");
	return is_node(&st) ? 1 : err_set(err, -EEXIST, "something else is there in the container");
}

/* Beside its place first, so that there is always the old node or the new one. */
static int make_node(int dir, const char *name, const struct bundle_device *node, struct err *err)
{
	mode_t type = node->type == 'b' ? S_IFBLK : S_IFCHR;

	if ((unlinkat(dir, NEW_NAME, 0) < 0 && errno != ENOENT) ||
	    mknodat(dir, NEW_NAME, type | node->mode, makedev(node->major, node->minor)) < 0)
		return err_sys(err, "make the device node");
	if (fchownat(dir, NEW_NAME, node->uid, node->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    renameat(dir, NEW_NAME, dir, name) < 0) {
		err_sys(err, "put the device node in its place");
		unlinkat(dir, NEW_NAME, 0);
		return err->code;
	}
	return 0;
}

static int remove_node(int dir, const char *name, struct err *err)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return err_sys(err, "remove the device node");
	return 0;
}

/* --- in a user namespace: mounts -------------------------------------------------------------- */

static int open_host_node(const struct hotplug *change, struct err *err)
{
	FD_CLEANUP int tree = change->source ? sys_open_tree(AT_FDCWD, change->source, TREE_CLONE) : -1;
	dev_t wanted = makedev(change->node->major, change->node->minor);
	struct stat st;

	if (!change->source)
		return err_set(err, -EINVAL, "a user namespace needs the host's node: --source");
	if (tree < 0)
		return err_sys(err, "mount the host's %s (needs Linux 5.2)", change->source);
	if (fstat(tree, &st) < 0 || !is_node(&st) || st.st_rdev != wanted)
		return err_set(err, -ENODEV, "%s on the host is another device by now",
			       change->source);
	return fd_steal(&tree);
}

static int enter_mounts(const struct state *state, struct err *err)
{
	char path[40];
	FD_CLEANUP int ns = -1;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)state->pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNS) < 0)
		return err_sys(err, "join the container's mount namespace");
	return 0;
}

/* By the directory: /proc is the container's here. */
static int unmount_node(int dir, const char *name, struct err *err)
{
	if (fchdir(dir) < 0)
		return err_sys(err, "enter the directory of the device");
	if (umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return err_sys(err, "unmount the device node");
	return remove_node(dir, name, err);
}

/* As the directory's owner: the host's root can't own files of the container's file systems. */
static int make_file(int dir, const char *name, struct err *err)
{
	struct stat st;
	int fd;

	if (fstat(dir, &st) < 0)
		return err_sys(err, "stat the directory of the device");
	setfsgid(st.st_gid);
	setfsuid(st.st_uid);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		err_sys(err, "make the file to mount on");
	setfsuid(0);
	setfsgid(0);
	return fd < 0 ? err->code : fd;
}

static int mount_node(int dir, const char *name, int tree, struct err *err)
{
	int rc = unmount_node(dir, name, err);
	FD_CLEANUP int target = rc < 0 ? rc : make_file(dir, name, err);

	if (target < 0)
		return target;
	return sys_move_mount(tree, target) < 0 ? err_sys(err, "mount the device node") : 0;
}

/* There and back: the rules are changed by the host's /proc and /sys. */
static int change_mount(const struct state *state, const struct hotplug *change, int dir, const char *name,
			int tree, struct err *err)
{
	FD_CLEANUP int host = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	FD_CLEANUP int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (host < 0 || root < 0)
		return err_sys(err, "open the host's mount namespace");
	rc = enter_mounts(state, err);
	if (rc == 0)
		rc = change->node ? mount_node(dir, name, tree, err) : unmount_node(dir, name, err);
	if (setns(host, CLONE_NEWNS) < 0 || fchdir(root) < 0 || chroot(".") < 0)
		return err_sys(err, "come back to the host's mount namespace");
	return rc;
}

/* --- both ------------------------------------------------------------------------------------- */

static int open_dir(const struct state *state, const char *path, const char **name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	FREE_CLEANUP char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
	FD_CLEANUP int pidfd = -1;
	FD_CLEANUP int root = -1;
	char root_path[40];

	if (*path != '/' || !slash[1] || !strcmp(slash, "/.") || !strcmp(slash, "/.."))
		return err_set(err, -EINVAL, "not the absolute path of a device");
	*name = slash + 1;
	snprintf(root_path, sizeof(root_path), "/proc/%d/root", (int)state->pid);
	root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, "open the container's root");
	pidfd = state_pidfd(state, err); /* it was still the container's process */
	if (pidfd < 0 && pidfd != -ENOSYS)
		return pidfd;
	return path_open(root, parent, PATH_MAKE_DIR | PATH_NO_LINKS, err);
}

static int change_node(const struct state *state, const struct hotplug *change, bool is_mounted,
		       struct err *err)
{
	FD_CLEANUP int tree = is_mounted && change->node ? open_host_node(change, err) : 0;
	FD_CLEANUP int dir = -1;
	const char *name = "";
	int rc;

	if (tree < 0)
		return tree;
	dir = open_dir(state, change->path, &name, err);
	rc = dir < 0 ? dir : look(dir, name, err);
	if (rc < 0 || (!change->node && rc == 0))
		return rc;
	if (is_mounted)
		return change_mount(state, change, dir, name, tree, err);
	return change->node ? make_node(dir, name, change->node, err) : remove_node(dir, name, err);
}

static int load(const struct state *state, struct bundle *bundle, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = fd_read_file(state->dirfd, STATE_CONFIG, &text, BUNDLE_CONFIG_MAX);

	if (rc < 0)
		return err_code(err, rc, "read the container's configuration");
	return bundle_parse(bundle, state->bundle, buf_text(&text), text.size, err);
}

int hotplug(const struct state *state, const struct hotplug *change, struct err *err)
{
	struct bundle bundle = { 0 };
	mode_t old = umask(0);
	int rc = load(state, &bundle, err);

	/* What may be used is there before the node, and what may not be used any more goes after it. */
	if (!rc && change->node)
		rc = set_rules(state, &bundle, change, err);
	if (!rc)
		rc = change_node(state, change, ns_is_own(&bundle.namespaces, NS_USER), err);
	if (!rc && !change->node)
		rc = set_rules(state, &bundle, change, err);
	umask(old);
	bundle_release(&bundle);
	return rc < 0 ? err_context(err, "device %s", change->path) : 0;
}
