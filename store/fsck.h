/*
 * fsck - looks through a whole store for damage and for what nothing needs. Reads only.
 *
 *	fsck_root() for each version that something of the agent's needs; then fsck()
 *
 * Tags are found in the store itself. Everything is told, in sorted order; what can't be read too.
 */
#ifndef STORE_FSCK_H
#define STORE_FSCK_H

#include "store/layer_check.h"

struct fsck_finding {
	enum damage_kind kind;
	const char *file; /* below the store: "layers/<hex>", "images/<hex>.json" */
	const struct digest *layer; /* NULL: it is about no layer */
	const char *path; /* below the layer's root, or "" */
	const char *text;
	const char *users; /* "sensor, gw.local/app:1"; "": nobody */
};

struct fsck {
	const struct store *store;
	enum check_depth depth;
	bool is_live; /* the agent has it open: what is in staging/ may be in use */
	void (*on_finding)(void *data, const struct fsck_finding *finding);
	void (*on_layer)(void *data, const struct digest *layer, size_t number, size_t count); /* before each */
	void *data;

	/* private */
	struct fsck_version {
		struct digest config;
		char *user;
		char *container; /* its writable layer, or NULL */
	} *versions;
	size_t version_count;
	struct fsck_layer *layers;
	size_t layer_count;
};

/* Somebody needs that image, and perhaps the writable layer of a container. */
void fsck_root(struct fsck *fsck, const struct digest *config, const char *user, const char *container);

/* What isn't in the store but the agent's: told like the rest. */
void fsck_tell_file(struct fsck *fsck, enum damage_kind kind, const char *file, const char *users,
		    const char *text);

/* Releases what fsck_root() has gathered. Negative: the look had to be given up. */
int fsck(struct fsck *fsck, struct err *err);

#endif
