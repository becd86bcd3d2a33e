/*
 * app_config - the settings of one app: an `[app NAME]` section of agent.ini, with the defaults
 * filled in, and their JSON form. A generation keeps the JSON in the app's record, so that
 * a roll-back brings back the settings as well as the image.
 */
#ifndef CONFIG_APP_CONFIG_H
#define CONFIG_APP_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/app_confine.h"
#include "config/app_device.h"
#include "config/app_network.h"
#include "config/app_process.h"
#include "config/app_storage.h"
#include "config/digest.h"
#include "config/health.h"
#include "config/image_config.h"
#include "config/keys.h"
#include "config/reference.h"
#include "lib/err.h"

#define APP_NAME_MAX 63	     /* it names the container, too: letters, digits and inner _ . - */
#define APP_LIST_MAX 128     /* env, volume, bind, device: each at most so many */
#define APP_VOLUME_NAME_MAX 128
#define APP_MEMORY_MIN (512 * 1024)
#define APP_PIDS_MAX 4194304 /* the kernel's PID_MAX_LIMIT */
#define APP_PROBATION_MS 60000

enum restart_kind { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NO };
enum update_kind { UPDATE_AUTO, UPDATE_DOWNLOAD, UPDATE_MANUAL };

/* volume = NAME:/path[:ro], bind = /source:/path[:ro] */
struct app_mount {
	char *source; /* a volume's name, or an absolute path of the host */
	char *path;   /* in the container, as path_clean() has it */
	bool read_only;
};

struct restart_policy {
	enum restart_kind kind;
	int max; /* on-failure: at most so many times, 0: no end */
};

struct app_config {
	char *name;
	char *image; /* the reference as written */
	struct reference ref;
	char **command; /* NULL-terminated; NULL: the image's Cmd */
	char **env;	/* NAME=value; never NULL */
	struct app_mount *volumes;
	size_t volume_count;
	struct app_mount *binds;
	size_t bind_count;
	struct app_device *devices;
	size_t device_count;
	struct app_network network;
	int64_t memory_bytes; /* 0: no limit; the same with the other numbers here */
	int64_t cpus_milli;
	int64_t pids;
	int64_t memory_swap_bytes; /* memory and swap together; -1: unlimited */
	int64_t memory_reservation_bytes;
	int64_t cpu_shares;
	int64_t blkio_weight;
	char *cpuset; /* "0-2,4"; NULL: all */
	struct app_process process;
	struct app_confine confine;
	struct app_storage storage;
	struct restart_policy restart;
	struct health health;
	/* What agent.ini says, -1 for nothing: app_config_health_timing() fills that in. */
	struct health_timing health_given;
	int64_t probation_ms;
	enum update_kind update;
};

/* All defaults, without an image (app->image is NULL). */
void app_config_init(struct app_config *app, const char *name);
void app_config_release(struct app_config *app);

/* On the heap: what app_config_from_json() and app_config_copy() give. */
void app_config_free(struct app_config *app);
struct app_config *app_config_copy(const struct app_config *app);

/* 0, or -EINVAL with the rule that the name of an app or volume breaks. */
int app_name_check(const char *name, size_t max, struct err *err);

/*
 * What can be said only when all keys are known: is one missing, do two of them contradict each
 * other? -EINVAL with the reason.
 */
int app_config_check(const struct app_config *app, struct err *err);

/* The keys of the section, for a struct app_config. Repeatable ones append. */
const struct key_table *app_config_keys(void);

/*
 * The JSON form has "name" and agent.ini's keys in a fixed order; the values are agent.ini's texts,
 * arrays of them for repeatable keys. Defaults are written out, so that a record means the same
 * to an agent with other defaults; but a key that berth learns later must be left out while it
 * isn't given, or each new agent would see changed settings and restart every app.
 *
 * Reading gives the same struct again. Keys it doesn't know are skipped, so that an older agent can
 * still run an app from a newer one's record; a known key with a bad value is an error.
 */
json_t *app_config_to_json(const struct app_config *app);
int app_config_from_json(struct app_config **out, const json_t *json, struct err *err);

/*
 * Names how the app is run: the digest of its JSON without `image` and `update`, which decide what
 * comes next and not how it runs. Two configs with the same digest need no restart.
 */
void app_config_digest(const struct app_config *app, struct digest *digest);

/*
 * What agent.ini doesn't say comes from the image's HEALTHCHECK when health = image, else from
 * the defaults.
 */
void app_config_health_timing(const struct app_config *app, const struct image_config *image,
			      struct health_timing *timing);

/* Does a volume, bind or tmpfs of the app stand at this path? Then the image's VOLUME needs none. */
bool app_config_mounts(const struct app_config *app, const char *path);

/* The words of agent.ini. */
const char *restart_kind_text(enum restart_kind kind);
const char *update_kind_text(enum update_kind kind);

#endif
