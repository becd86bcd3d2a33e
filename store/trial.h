/*
 * trial - tries on the store's file system what layers and containers will need of it. For store/ only.
 *
 * Knowing file systems by name isn't enough: xfs without ftype, a kernel without f2fs' xattrs, a
 * FUSE file system that can do it all. So each thing is done once in a directory in staging/. That
 * costs a dozen inodes of flash, so a good outcome is remembered in the file `tried`, with the file
 * system's type and ID and the kernel's release, and not tried again while these are the same.
 */
#ifndef STORE_TRIAL_H
#define STORE_TRIAL_H

#include "store/store.h"

/* Logs one warning, with the way out, for all that doesn't work; nothing when it all does. */
void trial_file_system(struct store *store);

#endif
