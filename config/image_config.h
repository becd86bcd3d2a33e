/*
 * image_config - what an image says about itself (OCI image-spec config.md, and Docker's
 * HEALTHCHECK, which is in OCI configs too when docker built them).
 *
 * Parser of foreign bytes; the digest was checked before. Everything in the struct belongs to it.
 */
#ifndef CONFIG_IMAGE_CONFIG_H
#define CONFIG_IMAGE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "config/manifest.h"
#include "config/platform.h"
#include "lib/err.h"

#define IMAGE_CONFIG_SIZE_MAX (4u << 20) /* bytes */
#define IMAGE_CONFIG_STRINGS_MAX 4096	 /* in any one list: Env, Cmd, Labels ... */

enum healthcheck_kind {
	HEALTHCHECK_ABSENT,
	HEALTHCHECK_NONE,  /* Test is ["NONE"]: switched off on purpose */
	HEALTHCHECK_CMD,   /* test is an argv */
	HEALTHCHECK_SHELL, /* test[0] is a line for the image's shell */
};

/* Durations are 0 where the image gives none. */
struct healthcheck {
	enum healthcheck_kind kind;
	char **test; /* NULL-terminated, without the leading CMD; for SHELL ready to exec: shell and the line */
	int64_t interval_ms;
	int64_t timeout_ms;
	int64_t start_ms;
	int retries;
};

struct image_config {
	struct platform platform;
	char *created; /* RFC 3339 as found, "" when absent */
	char *author;
	struct digest *diff_ids; /* of the layers, bottom first */
	size_t diff_id_count;
	/* NULL-terminated vectors, never NULL. */
	char **env; /* NAME=value */
	char **entrypoint;
	char **cmd;
	char **shell; /* default /bin/sh -c */
	char **exposed_ports; /* "80/tcp", sorted */
	char **volumes;	      /* absolute paths, sorted */
	char **labels;	      /* name, value, name, value ...: sorted by name */
	/* "" when absent. */
	char *user;
	char *working_dir;
	char *stop_signal;
	struct healthcheck healthcheck;
};

int image_config_parse(struct image_config **out, const void *data, size_t size, struct err *err);
void image_config_free(struct image_config *config);

/*
 * Do manifest and config belong together and to this machine? As many diff IDs as layers, and an
 * architecture the machine runs; the reason names both sides.
 */
int image_config_check(const struct image_config *config, const struct manifest *manifest,
		       const struct platform *machine, struct err *err);

/* The value of a label, or NULL. */
const char *image_config_label(const struct image_config *config, const char *name);

/*
 * The signal that asks the container to end: StopSignal as name ("SIGINT", "INT", "RTMIN+3") or
 * number; SIGTERM when the image names none or one that isn't known.
 */
int image_config_stop_signal(const struct image_config *config);

/* A signal by name or number as docker takes it; -EINVAL when there is none such. */
int signal_parse(const char *text);

#endif
