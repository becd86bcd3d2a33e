/*
 * record - small durable texts, one per app: apps/<name>. What is in them is the agent's business;
 * here they are bytes that survive power cuts.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "store/store.h"

#define RECORD_MAX (256 * 1024) /* bytes */

/* Appends the record to `out`. -ENOENT (no reason is set: it is a normal answer) when there is none. */
int record_load(const struct store *store, const char *name, struct buf *out, struct err *err);

/* Byte for byte; writes nothing when the record says so already. */
int record_save(struct store *store, const char *name, const void *data, size_t size,
		struct err *err);

/*
 * For store_open(): a former agent may have been killed before a record that counts was on the disk, and the next one is written
 * over the one that is.
 */
int record_settle(struct store *store);

/* Removing one that isn't there is success. */
int record_remove(struct store *store, const char *name, struct err *err);

/* The names, NULL-terminated; free_strings(). */
int record_list(const struct store *store, char ***names, struct err *err);

#endif
