/*
 * app_process - the keys of an app's section about what is executed in the container, as whom, with
 * which limits of its own, and how it is asked to end. What isn't given is the image's, or Docker's
 * default.
 */
#ifndef CONFIG_APP_PROCESS_H
#define CONFIG_APP_PROCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* ulimit = nofile=1024:2048 */
struct app_ulimit {
	const char *name;   /* "nofile": one of ulimit(5)'s, static */
	int64_t soft, hard; /* -1: unlimited */
};

struct app_process {
	char *user;	   /* as image configs have it: "app", "1000:1000"; NULL: the image's */
	char *workdir;	   /* clean; NULL: the image's */
	char **entrypoint; /* NULL: the image's; else the image's Cmd is dropped, too */
	/* NULL-terminated, never NULL. */
	char **groups; /* group_add: names or numbers */
	char **labels; /* NAME=VALUE */
	struct app_ulimit *ulimits;
	size_t ulimit_count;
	bool init;
	bool open_stdin; /* a pipe, or the terminal; else /dev/null */
	bool tty;
	bool has_oom_score_adj;
	int oom_score_adj;
	int stop_signal;	 /* 0: the image's */
	int64_t stop_timeout_ms; /* -1: the default */
};

void app_process_init(struct app_process *process);
void app_process_release(struct app_process *process);

/* The keys that are given, into the JSON form (config/app_config.h). */
void app_process_put(json_t *object, const struct app_process *process);

/* The value of a label of the app's, or NULL. */
const char *app_process_label(const struct app_process *process, const char *name);

#endif
