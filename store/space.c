#include "store/space.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "lib/human.h"

/* Shares of the whole that stay free by default. */
#define FLOOR_SHARE 20

static int64_t at_most(int64_t value, int64_t most)
{
	return value < most ? value : most;
}

int space_read(int dirfd, int64_t min_free, struct space *available, struct space *floor)
{
	struct statvfs fs;

	if (fstatvfs(dirfd, &fs) < 0)
		return -errno;
	/* What is for root alone is not for pulls: it keeps a full device alive. */
	available->bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	floor->bytes = min_free >= 0 ? min_free :
				       at_most((int64_t)fs.f_blocks * (int64_t)fs.f_frsize /
						       FLOOR_SHARE,
					       SPACE_FLOOR_MAX);
	if (fs.f_files) {
		available->inodes = (int64_t)fs.f_favail;
		floor->inodes = at_most((int64_t)fs.f_files / FLOOR_SHARE, SPACE_FLOOR_INODES_MAX);
	} else { /* btrfs makes them as needed */
		available->inodes = SPACE_UNLIMITED;
		floor->inodes = 0;
	}
	return 0;
}

bool space_has(const struct space *available, const struct space *floor,
	       const struct space *wanted)
{
	return available->bytes - floor->bytes >= wanted->bytes &&
	       available->inodes - floor->inodes >= wanted->inodes;
}

bool space_is_full(int code)
{
	return code == -ENOSPC || code == -EDQUOT;
}

static int look(const struct space_guard *guard, struct err *err)
{
	static const struct space none = { 0 };
	char text[HUMAN_TEXT_MAX];
	struct space available, floor;

	/* One that can't be asked says so itself when it is full. */
	if (space_read(guard->dirfd, guard->floor.bytes, &available, &floor) < 0 ||
	    space_has(&available, &guard->floor, &none))
		return 0;
	human_size(text, (uint64_t)available.bytes, 3);
	return err_set(err, -ENOSPC, "stopped with %s and %lld inodes left", text,
		       (long long)(available.inodes == SPACE_UNLIMITED ? 0 : available.inodes));
}

static ssize_t guard_next(struct stream *stream, const unsigned char **data, struct err *err)
{
	struct space_guard *guard = (struct space_guard *)stream;
	ssize_t got;

	if (!guard->failure.code && guard->until_look <= 0) {
		guard->until_look = SPACE_GUARD_STEP;
		look(guard, &guard->failure);
	}
	if (guard->failure.code)
		return err_set(err, guard->failure.code, "%s", guard->failure.text);
	got = stream_next(guard->from, data, err);
	if (got > 0)
		guard->until_look -= got;
	return got;
}

void space_guard_init(struct space_guard *guard, struct stream *from, int dirfd,
		      const struct space *floor)
{
	*guard = (struct space_guard){
		.stream.next = guard_next,
		.from = from,
		.dirfd = dirfd,
		.floor = *floor,
	};
}
