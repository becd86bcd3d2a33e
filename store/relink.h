/*
 * relink - links the files that extraction held back (held.h) to those of the layers they are in.
 *
 *	relink_layer(&from, layer_dir, &files, &err)	for a layer nobody writes to any more
 *
 * Extraction can't do it itself: whoever takes it over could write through such a link into a layer that is
 * in use. This reads its list and nothing else of foreign bytes; both ends of a link are walked
 * without following symlinks and never leave their layer. A record whose name is no placeholder (any more) is skipped.
 *
 * The list and the placeholders are gone when it has succeeded. Nothing is synced here.
 */
#ifndef STORE_RELINK_H
#define STORE_RELINK_H

#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "lib/err.h"
#include "store/base.h"

/* Where the numbers of the list lead to. */
struct relink_base {
	int layers; /* the store's directory of that name */
	const struct digest *diff_ids;
	size_t count;
};

/*
 * layer_dir: what has fs/ and may have held/ (if not, there is nothing to do). *files: names linked. On error the tree has
 * placeholders and is of no use. -EINVAL: a bad list; -ENOENT: it names what isn't there.
 */
int relink_layer(const struct relink_base *base, int layer_dir, int64_t *files, struct err *err);

#endif
