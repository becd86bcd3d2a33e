/*
 * spec - an app's settings and its image's config become an OCI runtime spec (runtime-spec 1.1,
 * config.md): the config.json of the bundle that the runtime gets. The defaults are Docker's.
 *
 * Pure: whatever must be looked up on the device (volume directories, device numbers, whether
 * the kernel has cgroup namespaces) the caller looks up and hands in.
 *
 * Three extensions, which other runtimes ignore (agent/run/bundle.h has the other side of them):
 * process.user is 0:0, with the user as written ("app", "1000:1000", "app:grp") in
 * process.user.username when the app or the image names one, and the names of group_add in
 * process.user.additionalGroups. Names must be looked up in the container's own /etc/passwd and
 * /etc/group, which only the runtime can do, after pivot_root. process.init asks for an init
 * (agent/run/reaper.h) in front of the program.
 */
#ifndef CONFIG_SPEC_H
#define CONFIG_SPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/app_config.h"
#include "config/image_config.h"
#include "lib/err.h"

#define SPEC_VERSION "1.1.0"

/* A bind mount of a directory or file of the host. */
struct spec_mount {
	const char *source; /* absolute */
	const char *path;   /* in the container, as path_clean() has it */
	bool read_only;
};

/* A node of the device that the container gets, and what stat() said about it. */
struct spec_device {
	const char *source; /* where it is on the device */
	const char *path;   /* in the container */
	const char *access; /* some of "rwm" */
	char type; /* 'c' or 'b' */
	uint32_t major;
	uint32_t minor;
	uint32_t mode; /* permission bits */
	uint32_t uid;
	uint32_t gid;
};

struct spec_input {
	const char *id;		   /* container id: 64 hex digits */
	const char *hostname;	   /* NULL: the first 12 digits of the id */
	const char *rootfs;	   /* NULL: "rootfs", relative to the bundle */
	const char *cgroup_parent; /* "/berth" */
	bool cgroup_namespace;	   /* the kernel has them (4.6) */
	bool terminal;

	const char *network_namespace; /* a file to join, for network = container:APP; NULL: none */
	/* What connects it, run by the runtime when the namespaces are made: "berth attach-network ..."; NULL: nothing. */
	char *const *attach;

	/*
	 * Volumes with their directories: the app's own and the image's anonymous ones. Binds come
	 * from the app.
	 */
	const struct spec_mount *volumes;
	size_t volume_count;
	/* The app's, or every one of the device when the app is privileged. */
	const struct spec_device *devices;
	size_t device_count;

	/* With userns = auto: the first of the IDs that the container's 0 and up are outside of it. */
	uint32_t first_id;
	uint32_t id_count; /* 0: no user namespace */

	/* What is in the file of seccomp = FILE; NULL: it isn't given. */
	json_t *seccomp;

	/*
	 * Files to show as /etc/resolv.conf, /etc/hosts, /etc/hostname; NULL: the image's own. The
	 * container may write to them, as Docker has it: hand in copies that are its own.
	 */
	const char *resolv_conf;
	const char *hosts;
	const char *hostname_file;
};

/* A new reference, or NULL with the reason: no command, a path that can't be used. */
json_t *spec_build(const struct app_config *app, const struct image_config *image,
		   const struct spec_input *input, struct err *err);

#endif
