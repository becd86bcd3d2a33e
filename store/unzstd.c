#include "store/unzstd.h"

#include <errno.h>
#define ZSTD_STATIC_LINKING_ONLY /* for ZSTD_d_forceIgnoreChecksum */
#include <zstd.h>
#include <zstd_errors.h>

#include "lib/buf.h"

int unzstd_init(struct unzstd *unzstd, int window_log, struct err *err)
{
	(void)err;
	*unzstd = (struct unzstd){ .context = ZSTD_createDCtx(), .window_log = window_log };
	if (!unzstd->context)
		die_no_memory();
	ZSTD_DCtx_setParameter(unzstd->context, ZSTD_d_windowLogMax, window_log);
	/* Every byte is under the diff ID's SHA-256 already: 10 % fewer instructions on ARM. */
	ZSTD_DCtx_setParameter(unzstd->context, ZSTD_d_forceIgnoreChecksum, ZSTD_d_ignoreChecksum);
	return 0;
}

void unzstd_release(struct unzstd *unzstd)
{
	ZSTD_freeDCtx(unzstd->context);
}

static int report(const struct unzstd *unzstd, size_t code, struct err *err)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
		return err_set(err, -EFBIG,
			       "zstd: it needs a window of more than %d MiB of memory; push it "
			       "compressed without --long and --ultra, up to level 19",
			       1 << (unzstd->window_log - 20));
	if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
		return err_set(err, -ENOMEM, "zstd: no memory");
	return err_set(err, -EINVAL, "zstd: %s", ZSTD_getErrorName(code));
}

long unzstd_run(struct unzstd *unzstd, const unsigned char **in, size_t *in_size,
		unsigned char *out, size_t out_size, struct err *err)
{
	ZSTD_inBuffer from = { .src = *in, .size = *in_size };
	ZSTD_outBuffer to = { .dst = out, .size = out_size };
	size_t rc = ZSTD_decompressStream(unzstd->context, &to, &from);

	if (ZSTD_isError(rc))
		return report(unzstd, rc, err);
	*in += from.pos;
	*in_size -= from.pos;
	/* When nothing moved, rc speaks of the next frame. */
	if (from.pos || to.pos)
		unzstd->frame_open = rc != 0;
	return (long)to.pos;
}

bool unzstd_is_between_frames(const struct unzstd *unzstd)
{
	return !unzstd->frame_open;
}
