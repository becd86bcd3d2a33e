/*
 * app_confine - the keys of an app's section about what the container may do: capabilities,
 * privileges, namespaces that it shares with the device, kernel settings of those it has.
 */
#ifndef CONFIG_APP_CONFINE_H
#define CONFIG_APP_CONFINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define APP_IDS 65536 /* users, and groups, that an app with userns = auto has */
#define APP_ALL_CAPABILITIES UINT64_MAX /* ALL; what no kernel knows is among them */

#define APP_SECCOMP_DEFAULT "default"	/* as when it isn't given, but the kernel has to have it */
#define APP_SECCOMP_NONE "unconfined"

struct app_confine {
	bool privileged;
	bool new_privileges;	    /* no_new_privileges = no */
	bool own_ids;		    /* userns = auto */
	bool host_pid, host_ipc;
	uint64_t cap_add, cap_drop; /* a bit for each capability */
	char **sysctls;		    /* NAME=VALUE; NULL-terminated, or NULL */
	char *seccomp;		    /* APP_SECCOMP_..., or a file's path; NULL: not given */
};

void app_confine_release(struct app_confine *confine);

/* The keys that are given, into the JSON form (config/app_config.h). */
void app_confine_put(json_t *object, const struct app_confine *confine);

/* The file of seccomp = FILE, or NULL. */
const char *app_confine_seccomp_file(const struct app_confine *confine);

/* What the container's first process gets: Docker's default ones, with cap_add and cap_drop. */
uint64_t app_confine_capabilities(const struct app_confine *confine);

#endif
