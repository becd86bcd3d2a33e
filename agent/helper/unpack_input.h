/*
 * unpack_input - what decode and unpack are told: `berth decode DIGEST`, `berth unpack DIGEST
 * STAGE_FD`, and both the same JSON object on descriptor 6:
 *
 *	{"platform":{"os","architecture","variant"},"have":["sha256:<diff ID>",...],
 *	 "base":["sha256:<diff ID>",...], "lane":{"number":0,"count":1},	(lane.h)
 *	 "limits":{"window_log":23,"free_bytes":n,"free_inodes":n}}
 */
#ifndef AGENT_HELPER_UNPACK_INPUT_H
#define AGENT_HELPER_UNPACK_INPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/helper/lane.h"
#include "config/digest.h"
#include "config/platform.h"
#include "lib/err.h"
#include "store/space.h"

#define UNPACK_SETTINGS_FD 6
#define UNPACK_SETTINGS_MAX (4 << 20) /* bytes */

struct unpack_input {
	struct digest digest; /* what was asked for: a manifest or an index */
	int stage_fd; /* -1: none was given */
	struct platform platform;
	char **have; /* diff IDs in the store; NULL-terminated, may be NULL */
	struct digest *base; /* those of the current version, lowest first (store/base.h) */
	size_t base_count;
	int window_log;
	struct space floor; /* what the stage's file system has to have free; 0: nothing */
	struct lane lane;
};

/* Reads and closes the settings' descriptor. -EINVAL with the reason. Release it in any case. */
int unpack_input_read(struct unpack_input *input, int argc, char **argv, int fd, struct err *err);
void unpack_input_release(struct unpack_input *input);

/* The member "base". Also of relink's settings. free() *base in any case. */
int unpack_input_read_base(struct digest **base, size_t *count, const json_t *json, struct err *err);

bool unpack_input_has(const struct unpack_input *input, const struct digest *diff_id);

#endif
