/*
 * store - what berth keeps on flash: layers, images, records of apps, volumes.
 *
 *	<store>/layers/<diff id>/{fs/,meta}	layer.h
 *		images/<config digest>.json	image.h
 *		manifests/<digest>.json		image.h
 *		tags/<hash of reference>	tag.h
 *		apps/<name>			record.h
 *		containers/<id>/{upper,work}	writable.h
 *		volumes/<name>/			writable.h
 *		pulls/<digest of the image>	unfinished.h
 *		staging/			stage.h, and what was thrown away: sweep.h
 *		lock, version
 *
 * Calling sequence: store_open() at start, anything of the headers above, store_close(). One process
 * at a time: the store is locked while it is open.
 *
 * Everything is reached relative to directory descriptors, so the store may be moved or mounted
 * elsewhere. Each change is durable when its function has returned 0, and whole: a power cut at any
 * moment leaves the old or the new state. What was under way is left in staging/, which
 * store_open() throws away (sweep.h). After a function failed, ask the store what is there instead of assuming.
 *
 * Ids and digests are the names of content: 64 hex digits in file names, without "sha256:".
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/digest.h"
#include "lib/err.h"

/* The layout above. An older berth refuses a store with a higher number. */
#define STORE_VERSION 1

struct store {
	char path[PATH_MAX]; /* absolute, without symlinks */
	int dirfd;
	int lock;
	int layers, images, manifests, tags, apps, containers, volumes, pulls, staging; /* directories */
	unsigned int stages; /* opened so far: names the next one */
	int64_t written_bytes;
	struct digest *suspects; /* suspect.h */
	size_t suspect_count;
};

/*
 * Makes the directory and what is in it where missing, locks it, throws away what a power cut left
 * behind (staging/, temporary files) and logs a warning for what can't be removed, and
 * for everything that the file system can't do and containers will need. -EBUSY: another process has it open; the reason names
 * its pid. -ENOTSUP: the layout is newer than STORE_VERSION. On error nothing stays open.
 */
int store_open(struct store *store, const char *path, struct err *err);
void store_close(struct store *store);

/*
 * Opens it to be looked at: nothing is made, removed or changed. With `lock` as store_open(), without
 * it while the agent has it open. -ENOENT: there is no store.
 */
int store_look(struct store *store, const char *path, bool lock, struct err *err);

struct store_usage {
	int64_t layers;
	int64_t bytes;	    /* unpacked file content of all layers; what is linked counts once */
	int64_t free_bytes; /* of the file system, for us */
};

int store_usage(const struct store *store, struct store_usage *usage, struct err *err);

/* Bytes that were written into the store since it was opened: layers, images, records. */
int64_t store_written_bytes(const struct store *store);

#endif
