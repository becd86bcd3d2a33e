/* What stands in for gunzip.c in a berth without CONFIG_GZIP: gunzip_init() fails, the rest is never reached. */
#include <errno.h>

#include "store/gunzip.h"

int gunzip_init(struct gunzip *gunzip, struct err *err)
{
	*gunzip = (struct gunzip){ .part = GUNZIP_FIXED };
	return err_set(err, -EINVAL,
		       "gzip: this berth was built without it (CONFIG_GZIP); push the image with zstd");
}

void gunzip_release(struct gunzip *gunzip)
{
	(void)gunzip;
}

long gunzip_run(struct gunzip *gunzip, const unsigned char **in, size_t *in_size,
		unsigned char *out, size_t out_size, struct err *err)
{
	(void)gunzip, (void)in, (void)in_size, (void)out, (void)out_size;
	return err_set(err, -EINVAL, "gzip: this berth was built without it");
}

bool gunzip_is_between_members(const struct gunzip *gunzip)
{
	(void)gunzip;
	return true;
}
