/*
 * last_seen - how late it has been already, for devices whose clock starts in 1970: the newest time stamp of what the
 * store writes anyway (records, tags, images and their directories). Nothing is written for it.
 */
#ifndef STORE_LAST_SEEN_H
#define STORE_LAST_SEEN_H

#include <stdint.h>

#include "store/store.h"

#define LAST_SEEN_FILES_MAX 4096 /* of one directory; more are not looked at */

/* Unix seconds; 0 when the store is empty. */
int64_t store_last_seen(const struct store *store);

#endif
