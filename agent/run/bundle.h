/*
 * bundle - an OCI runtime bundle's config.json (runtime-spec 1.1, config.md and config-linux.md)
 * as a struct: what the runtime needs, checked.
 *
 * Errors name the file and the member: 'config.json: linux.resources.memory: "limit" is not an
 * integer'. Members the spec does not know are ignored, as it demands; members it knows and this
 * runtime does not support yet are refused, never ignored.
 *
 * Extensions: process.user.username, which the spec leaves to Windows, may hold the User of an
 * image config ("app", "1000:1000", "app:grp"). It wins over uid and gid and is looked up in the
 * container's own /etc/passwd and /etc/group (agent/run/user.h). process.user.additionalGroups are
 * names of groups, looked up in the same way, besides additionalGids. process.init: true puts
 * `berth init` (agent/run/reaper.h) in front of what is executed. linux.seccomp may
 * be {"profile": "docker"} (agent/run/seccomp_profile.h).
 */
#ifndef AGENT_RUN_BUNDLE_H
#define AGENT_RUN_BUNDLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/run/caps.h"
#include "agent/run/cgroup.h"
#include "agent/run/hooks.h"
#include "agent/run/mount_options.h"
#include "agent/run/ns.h"
#include "agent/run/sched.h"
#include "agent/run/seccomp_profile.h"
#include "agent/run/userns.h"
#include "lib/err.h"

#define BUNDLE_CONFIG_MAX (1024 * 1024) /* bytes of config.json */

struct process_rlimit {
	int resource; /* RLIMIT_... */
	uint64_t soft;
	uint64_t hard;
};

struct process {
	char **args; /* at least one */
	char **env;  /* NULL: none */
	char *cwd;   /* absolute */
	bool terminal;
	unsigned short rows, columns; /* 0: not told */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* additionalGids */
	size_t group_count;
	char **group_names; /* additionalGroups; NULL: none */
	char *username; /* NULL: uid and gid count */
	int umask;	/* -1: not told */
	struct caps caps; /* none at all when config.json has none, as runc */
	char *unknown_caps; /* their names, which are left out; NULL: none */
	struct process_rlimit *rlimits;
	size_t rlimit_count;
	struct scheduling sched;
	bool no_new_privileges;
	bool init;
	bool is_exec;	     /* it is not what the container was made for */
	bool no_new_keyring; /* this one and the next: by the command line */
	int preserve_fds;    /* so many from 3 on are the application's */
	char *apparmor_profile; /* NULL: none; the same with the next */
	char *selinux_label;
	bool has_oom_score_adj;
	int oom_score_adj;
};

struct bundle_mount {
	char *destination; /* in the container, absolute */
	char *source;	   /* NULL: none */
	char *type;	   /* NULL: a bind mount */
	struct mount_options options;
	struct id_maps uid_maps, gid_maps; /* for "idmap"; none: the container's */
	bool has_tree;
	int tree; /* agent/run/mount_tree.h */
};

struct bundle_device {
	char *path;
	char type; /* 'b', 'c', 'p' */
	unsigned int major, minor;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct bundle_sysctl {
	char *name; /* as in the file: "net.ipv4.ip_forward" */
	char *value;
};

struct bundle {
	char *directory; /* absolute, without links */
	char *text;	 /* config.json as it was read */
	size_t text_size;

	struct process process;
	bool has_process;
	char *process_text; /* JSON, as process_parse() reads it; NULL: none */
	char *root_path; /* absolute */
	bool root_readonly;
	bool no_pivot; /* by the command line */
	bool has_root_tree;
	int root_tree; /* agent/run/mount_tree.h */
	unsigned long root_propagation; /* MS_ flags, 0: not told */
	char *hostname, *domainname;	/* NULL: not told */
	struct bundle_mount *mounts;
	size_t mount_count;
	struct namespaces namespaces;
	struct id_maps uid_maps, gid_maps; /* of a new user namespace */
	struct bundle_device *devices;
	size_t device_count;
	struct bundle_sysctl *sysctls;
	size_t sysctl_count;
	char **masked_paths, **readonly_paths; /* NULL: none */
	char *cgroup_path;		       /* NULL: not told */
	struct cgroup_limits limits;
	bool has_seccomp;
	struct seccomp_profile seccomp;
	char *mount_label; /* of SELinux, NULL: none */
	char *annotations; /* JSON text, NULL: none */
	struct hooks hooks;
	char *hooks_text; /* as hooks_load() reads it, NULL: none */
};

/* Reads DIRECTORY/config.json. Release it also after an error. */
int bundle_load(struct bundle *bundle, const char *directory, struct err *err);
/* The same from a text: `directory` is what relative paths count from. For exec, and for tests. */
int bundle_parse(struct bundle *bundle, const char *directory, const char *text, size_t size,
		 struct err *err);
void bundle_release(struct bundle *bundle);

/* A process object alone, as `exec --process FILE` has it. */
int process_parse(struct process *process, const json_t *object, struct err *err);
/* Warns of what has been left out. */
void process_warn(const struct process *process);
void process_release(struct process *process);

/* "RLIMIT_NOFILE". */
const char *process_rlimit_name(int resource);

/* The value of NAME in a NULL-terminated "NAME=value" list, or NULL. */
const char *process_getenv(const struct process *process, const char *name);
/* Adds "NAME=value" or replaces what has that name; takes the text. */
void process_setenv(struct process *process, char *assignment);

#endif
