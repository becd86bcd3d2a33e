/*
 * image_config - what an image says about itself (OCI image-spec config.md, and Docker's
 * HEALTHCHECK, which stands in OCI configs too when docker built them).
 *
 * A parser of foreign bytes, whose digest was checked before. All memory belongs to the struct.
 */
#ifndef CONFIG_IMAGE_CONFIG_H
#define CONFIG_IMAGE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "config/manifest.h"
#include "config/platform.h"
#include "lib/err.h"

#define IMAGE_CONFIG_LIST_MAX 4096 /* entries of any one list: Env, Cmd, Labels ... */

enum healthcheck_kind {
	HEALTHCHECK_ABSENT,
	HEALTHCHECK_NONE,  /* Test is ["NONE"]: switched off on purpose */
	HEALTHCHECK_CMD,   /* Test is ["CMD", args...] */
	HEALTHCHECK_SHELL, /* Test is ["CMD-SHELL", line] */
};

/* Numbers are 0 where the image gives none. */
struct healthcheck {
	enum healthcheck_kind kind;
	char **test; /* CMD, SHELL: an argv to execute; of SHELL the shell's, the line last */
	int64_t interval_ms;
	int64_t timeout_ms;
	int64_t start_ms;
	int retries;
};

struct image_config {
	struct platform platform;
	char *created; /* RFC 3339 as found; "" when absent, like all texts below */
	char *author;
	struct digest *diff_ids; /* of the layers, bottom first */
	size_t diff_id_count;
	/* NULL-terminated vectors, never NULL. */
	char **env; /* NAME=value */
	char **entrypoint;
	char **cmd;
	char **exposed_ports; /* "80/tcp", sorted */
	char **volumes;	      /* clean absolute paths, sorted */
	char **labels;	      /* name, value, name, value ..., sorted by name */
	char *user;
	char *working_dir;
	char *stop_signal;
	struct healthcheck healthcheck;
};

/* -EINVAL: broken; -E2BIG: past a limit. On success free with image_config_free(). */
int image_config_parse(struct image_config **out, const void *data, size_t size, struct err *err);
void image_config_free(struct image_config *config);

/*
 * Do config and manifest belong together, and to this machine? As many diff IDs as layers, and
 * a platform that the machine runs; the reason names both sides.
 */
int image_config_check(const struct image_config *config, const struct manifest *manifest,
		       const struct platform *machine, struct err *err);

/* The value of a label, or NULL. */
const char *image_config_label(const struct image_config *config, const char *name);

/* The signal that asks the container to end; SIGTERM when the image names none that is known. */
int image_config_stop_signal(const struct image_config *config);

#endif
