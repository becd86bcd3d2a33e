/*
 * unzstd - zstd (RFC 8878) to bytes: any number of frames behind each other, skippable ones left out.
 * The same shape as gunzip; unzstd_none.c stands in for it in a berth without CONFIG_ZSTD.
 */
#ifndef STORE_UNZSTD_H
#define STORE_UNZSTD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct unzstd {
	struct ZSTD_DCtx_s *context;
	int window_log;
	bool frame_open;
};

/* Frames that need a window over 2^window_log bytes will be refused: -EFBIG from unzstd_run(). */
int unzstd_init(struct unzstd *unzstd, int window_log, struct err *err);
void unzstd_release(struct unzstd *unzstd);

/* As gunzip_run(): 0 means that it wants more input. -EINVAL: damaged. */
long unzstd_run(struct unzstd *unzstd, const unsigned char **in, size_t *in_size,
		unsigned char *out, size_t out_size, struct err *err);

/* May the input end here? */
bool unzstd_is_between_frames(const struct unzstd *unzstd);

#endif
