/* index_parts - the format of index.h as its writer and its reader share it. */
#ifndef STORE_INDEX_PARTS_H
#define STORE_INDEX_PARTS_H

#include <stdbool.h>

#include "store/index.h"

#define INDEX_MAGIC "berth index 1\n"
#define INDEX_KIND_MASK 0x07
#define INDEX_SAME_OWNER 0x08
#define INDEX_SAME_TIME 0x10
#define INDEX_NO_TIME_FLAG 0x20
#define INDEX_ATTRIBUTES 0x40
#define INDEX_END 0xff

static inline bool index_has_owner(enum index_kind kind)
{
	return kind == INDEX_FILE || kind == INDEX_DIR || kind == INDEX_SYMLINK ||
	       kind == INDEX_NODE;
}

#endif
