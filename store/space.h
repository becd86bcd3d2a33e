/*
 * space - what is free on the store's file system, and how much of that has to stay so.
 *
 * Device software other than berth writes there too, and a file system that is full to the last
 * block stops it. So a pull never goes below a floor (min_free of agent.ini, and a share of the
 * inodes): it is refused before it begins when it can't fit, and stopped while it unpacks when it
 * turns out to be larger. Running apps are not held to it.
 */
#ifndef STORE_SPACE_H
#define STORE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "store/stream.h"

#define SPACE_UNLIMITED INT64_MAX /* inodes, on file systems that make them as needed */

struct space {
	int64_t bytes;
	int64_t inodes;
};

/* Not to go below this. `min_free`: bytes, or negative for the default. */
#define SPACE_FLOOR_MAX (INT64_C(32) << 20) /* by default: a 20th of the file system, and at most this */
#define SPACE_FLOOR_INODES_MAX 1000	    /* the same for inodes */
int space_read(int dirfd, int64_t min_free, struct space *available, struct space *floor);

/* Are at least these free above the floor? */
bool space_has(const struct space *available, const struct space *floor,
	       const struct space *wanted);

/* -ENOSPC, -EDQUOT: nothing is wrong but that it is full. */
bool space_is_full(int code);

/*
 * A layer's bytes pass through, and -ENOSPC comes in their place once the file system of `dirfd`
 * is at the floor. It is looked each 64 KiB of tar, which are 128 files at most.
 */
#define SPACE_GUARD_STEP 65536
struct space_guard {
	struct stream stream;
	struct stream *from;
	int dirfd; /* borrowed */
	struct space floor;
	int64_t until_look;
	struct err failure;
};

void space_guard_init(struct space_guard *guard, struct stream *from, int dirfd,
		      const struct space *floor);

#endif
