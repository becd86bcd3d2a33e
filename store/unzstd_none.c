/* What stands in for unzstd.c in a berth without CONFIG_ZSTD: unzstd_init() fails, the rest is never reached. */
#include <errno.h>

#include "store/unzstd.h"

int unzstd_init(struct unzstd *unzstd, int window_log, struct err *err)
{
	*unzstd = (struct unzstd){ .window_log = window_log };
	return err_set(err, -EINVAL,
		       "zstd: this berth was built without it (CONFIG_ZSTD); push the image with gzip");
}

void unzstd_release(struct unzstd *unzstd)
{
	(void)unzstd;
}

long unzstd_run(struct unzstd *unzstd, const unsigned char **in, size_t *in_size,
		unsigned char *out, size_t out_size, struct err *err)
{
	(void)unzstd, (void)in, (void)in_size, (void)out, (void)out_size;
	return err_set(err, -EINVAL, "zstd: this berth was built without it");
}

bool unzstd_is_between_frames(const struct unzstd *unzstd)
{
	(void)unzstd;
	return true;
}
