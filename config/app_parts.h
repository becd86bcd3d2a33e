/*
 * app_parts - what the app_*.c share: the setters of keys that stand in other files than the table
 * of app_keys.c, and what writes the JSON form.
 */
#ifndef CONFIG_APP_PARTS_H
#define CONFIG_APP_PARTS_H

#include "config/app_config.h"

/* --- setters, each for a struct app_config --- */

/* app_process.c */
int set_user(void *object, const char *value, struct err *err);
int set_workdir(void *object, const char *value, struct err *err);
int set_entrypoint(void *object, const char *value, struct err *err);
int add_group(void *object, const char *value, struct err *err);
int add_label(void *object, const char *value, struct err *err);
int add_ulimit(void *object, const char *value, struct err *err);
int set_init(void *object, const char *value, struct err *err);
int set_stdin(void *object, const char *value, struct err *err);
int set_tty(void *object, const char *value, struct err *err);
int set_oom_score(void *object, const char *value, struct err *err);
int set_stop_signal(void *object, const char *value, struct err *err);
int set_stop_timeout(void *object, const char *value, struct err *err);

/* app_confine.c */
int set_privileged(void *object, const char *value, struct err *err);
int set_no_privileges(void *object, const char *value, struct err *err);
int set_userns(void *object, const char *value, struct err *err);
int set_pid(void *object, const char *value, struct err *err);
int set_ipc(void *object, const char *value, struct err *err);
int add_capability(void *object, const char *value, struct err *err);
int drop_capability(void *object, const char *value, struct err *err);
int set_seccomp(void *object, const char *value, struct err *err);
int add_sysctl(void *object, const char *value, struct err *err);

/* app_storage.c */
int set_read_only(void *object, const char *value, struct err *err);
int add_tmpfs(void *object, const char *value, struct err *err);
int set_shm_size(void *object, const char *value, struct err *err);
int set_writable(void *object, const char *value, struct err *err);
int set_writable_size(void *object, const char *value, struct err *err);

/* app_limits.c */
int set_memory(void *object, const char *value, struct err *err);
int set_memory_swap(void *object, const char *value, struct err *err);
int set_memory_reservation(void *object, const char *value, struct err *err);
int set_cpus(void *object, const char *value, struct err *err);
int set_cpu_shares(void *object, const char *value, struct err *err);
int set_cpuset(void *object, const char *value, struct err *err);
int set_blkio_weight(void *object, const char *value, struct err *err);
int set_pids(void *object, const char *value, struct err *err);

/* --- what they share --- */

/* "yes" or "no". */
int app_set_flag(bool *flag, const char *value, struct err *err);

/* Appends a copy to a list of at most APP_LIST_MAX; NULL is an empty one, as for all below. */
int app_add_text(char ***list, const char *text, struct err *err);

/* Has the list a "NAME=..." with the name of `text`? */
bool app_has_name(char *const *list, const char *text);

/* -E2BIG, with the reason, once a list has APP_LIST_MAX. */
int app_check_count(size_t count, struct err *err);

/* Nothing may be mounted there: it is the root, or taken by a volume, bind or tmpfs. */
int app_check_mount_path(const struct app_config *app, const char *path, struct err *err);

/* --- JSON: values are texts; what isn't given is not written --- */

void app_put_text(json_t *object, const char *key, char *text); /* takes it; NULL: nothing */
void app_put_number(json_t *object, const char *key, int64_t number, const char *unit);
void app_put_duration(json_t *object, const char *key, int64_t ms); /* negative: nothing */
/* Nothing for an empty list. */
void app_put_texts(json_t *object, const char *key, char *const *texts);
void app_put_yes(json_t *object, const char *key, bool is_given);

/* Adds one more text to the list at `key`. */
void app_put_item(json_t *object, const char *key, char *text); /* takes it */

/* app_limits.c */
void app_limits_put(json_t *object, const struct app_config *app);

#endif
