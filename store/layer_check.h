/*
 * layer_check - is a layer what it was when it was unpacked?
 *
 * Compares its files with its index (index.h). Reads only, and changes no access time. What is found is
 * told one by one; that anything was found is no error. Blocks for as long as it reads: for helpers.
 */
#ifndef STORE_LAYER_CHECK_H
#define STORE_LAYER_CHECK_H

#include <stdbool.h>

#include "store/layer.h"

enum check_depth {
	CHECK_PRESENCE, /* meta, fs/, index and its checksum: 10 ms at most for 22 000 entries */
	CHECK_STAT,	/* and of each file: type, size, mode, owner, time */
	CHECK_CONTENT,	/* and its bytes and attributes; and files that don't belong there */
	CHECK_DEPTHS
};

extern const char *const check_depth_names[CHECK_DEPTHS];

enum damage_kind {
	DAMAGE_MISSING,
	DAMAGE_TRUNCATED,  /* shorter than it was */
	DAMAGE_ALTERED,	   /* other bytes, another length or another kind of file */
	DAMAGE_METADATA,   /* other owner, mode, time or attributes */
	DAMAGE_UNREADABLE, /* the file system says so */
	DAMAGE_FOREIGN,	   /* it never was part of it */
	DAMAGE_RECORD,	   /* the layer's meta or index, or another of the store's own files */
	DAMAGE_UNCHECKED,  /* not a damage: there is no index, so only that it is there is known */
	DAMAGE_ORPHAN,	   /* nothing needs it */
	DAMAGE_KINDS
};

extern const char *const damage_kind_names[DAMAGE_KINDS];

struct layer_check {
	enum check_depth depth;
	/* `path`: below the layer's root; "": all of it. False: enough, end the check. */
	bool (*on_damage)(void *data, enum damage_kind kind, const char *path, const char *text);
	void *data;
};

/* 0: it was looked at; negative: it could not be. What is wrong with the layer is on_damage()'s. */
int layer_check(const struct layer_check *check, const struct store *store,
		const struct digest *diff_id, struct err *err);

#endif
