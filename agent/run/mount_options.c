#include "agent/run/mount_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "lib/sys.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256 /* 5.10; musl 1.2.3 lacks the name */
#endif

static const struct {
	const char *name;
	unsigned long set;
	unsigned long clear;
} flags[] = {
	{ "defaults", 0, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "atime", 0, MS_NOATIME },
	{ "bind", MS_BIND, 0 },
	{ "dev", 0, MS_NODEV },
	{ "diratime", 0, MS_NODIRATIME },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "iversion", MS_I_VERSION, 0 },
	{ "lazytime", MS_LAZYTIME, 0 },
	{ "loud", 0, MS_SILENT },
	{ "mand", MS_MANDLOCK, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "nodev", MS_NODEV, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "noexec", MS_NOEXEC, 0 },
	{ "noiversion", 0, MS_I_VERSION },
	{ "nolazytime", 0, MS_LAZYTIME },
	{ "nomand", 0, MS_MANDLOCK },
	{ "norelatime", 0, MS_RELATIME },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "nosuid", MS_NOSUID, 0 },
	{ "nosymfollow", MS_NOSYMFOLLOW, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "remount", MS_REMOUNT, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "silent", MS_SILENT, 0 },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "symfollow", 0, MS_NOSYMFOLLOW },
	{ "sync", MS_SYNCHRONOUS, 0 },
};

static const struct {
	const char *name;
	unsigned long flags;
} propagations[] = {
	{ "private", MS_PRIVATE },	   { "rprivate", MS_PRIVATE | MS_REC },
	{ "shared", MS_SHARED },	   { "rshared", MS_SHARED | MS_REC },
	{ "slave", MS_SLAVE },		   { "rslave", MS_SLAVE | MS_REC },
	{ "unbindable", MS_UNBINDABLE },   { "runbindable", MS_UNBINDABLE | MS_REC },
};

/* Those that begin with 'r': one kind of atime replaces another. */
static const struct {
	const char *name;
	uint64_t set;
	uint64_t clear;
} recursive[] = {
	{ "ratime", 0, ATTR_ATIME },
	{ "rdev", 0, ATTR_NODEV },
	{ "rdiratime", 0, ATTR_NODIRATIME },
	{ "rexec", 0, ATTR_NOEXEC },
	{ "rnoatime", ATTR_NOATIME, ATTR_ATIME },
	{ "rnodev", ATTR_NODEV, 0 },
	{ "rnodiratime", ATTR_NODIRATIME, 0 },
	{ "rnoexec", ATTR_NOEXEC, 0 },
	{ "rnorelatime", ATTR_STRICTATIME, ATTR_ATIME },
	{ "rnostrictatime", 0, ATTR_ATIME },
	{ "rnosuid", ATTR_NOSUID, 0 },
	{ "rnosymfollow", ATTR_NOSYMFOLLOW, 0 },
	{ "rrelatime", 0, ATTR_ATIME },
	{ "rro", ATTR_RDONLY, 0 },
	{ "rrw", 0, ATTR_RDONLY },
	{ "rstrictatime", ATTR_STRICTATIME, ATTR_ATIME },
	{ "rsuid", 0, ATTR_NOSUID },
	{ "rsymfollow", 0, ATTR_NOSYMFOLLOW },
};

static const char *const others[] = { "idmap", "ridmap", "tmpcopyup" };

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

unsigned long mount_propagation(const char *name)
{
	for (size_t i = 0; i < sizeof(propagations) / sizeof(*propagations); i++)
		if (!strcmp(name, propagations[i].name))
			return propagations[i].flags;
	return 0;
}

const char *mount_option_name(int number)
{
	if (number < 0)
		return NULL;
	if (number < COUNT(flags))
		return flags[number].name;
	number -= COUNT(flags);
	if (number < COUNT(propagations))
		return propagations[number].name;
	number -= COUNT(propagations);
	if (number < COUNT(recursive))
		return recursive[number].name;
	number -= COUNT(recursive);
	return number < COUNT(others) ? others[number] : NULL;
}

static int apply_flag(struct mount_options *parsed, const char *option)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (strcmp(option, flags[i].name))
			continue;
		parsed->flags = (parsed->flags | flags[i].set) & ~flags[i].clear;
		parsed->cleared = (parsed->cleared | flags[i].clear) & ~flags[i].set;
		return 1;
	}
	return 0;
}

static int apply_recursive(struct mount_options *parsed, const char *option)
{
	for (int i = 0; i < COUNT(recursive); i++) {
		if (strcmp(option, recursive[i].name))
			continue;
		parsed->set_all = (parsed->set_all & ~recursive[i].clear) | recursive[i].set;
		parsed->clear_all |= recursive[i].clear;
		parsed->clear_all &= ~recursive[i].set | ATTR_ATIME;
		return 1;
	}
	return 0;
}

static int apply_other(struct mount_options *parsed, const char *option)
{
	if (!strcmp(option, "tmpcopyup"))
		parsed->copy_up = true;
	else if (!strcmp(option, "idmap"))
		parsed->idmap = MOUNT_IDMAP_ONE;
	else if (!strcmp(option, "ridmap"))
		parsed->idmap = MOUNT_IDMAP_ALL;
	else
		return 0;
	return 1;
}

static void parse_option(struct mount_options *parsed, struct buf *data, const char *option)
{
	unsigned long propagation = mount_propagation(option);

	if (propagation)
		parsed->propagation = propagation;
	else if (!apply_flag(parsed, option) && !apply_recursive(parsed, option) &&
		 !apply_other(parsed, option))
		buf_append_format(data, "%s%s", data->size ? "," : "", option);
}

int mount_options_parse(struct mount_options *parsed, char *const *options, struct err *err)
{
	BUF_CLEANUP struct buf data = BUF_INIT;

	*parsed = (struct mount_options){ 0 };
	for (; options && *options; options++)
		parse_option(parsed, &data, *options);
	/* The kernel ignores data of a bind mount: better to say so than to drop a restriction. */
	if (data.size && parsed->flags & MS_BIND)
		return err_set(err, -EINVAL, "\"%s\" has no effect on a bind mount",
			       buf_text(&data));
	if (data.size)
		parsed->data = buf_steal(&data);
	return 0;
}

void mount_options_release(struct mount_options *options)
{
	free(options->data);
	options->data = NULL;
}
