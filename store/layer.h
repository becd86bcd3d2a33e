/*
 * layer - one layer of an image, unpacked: layers/<diff id>/fs is what overlayfs gets as a lower
 * directory, with whiteouts in its form (char device 0/0, trusted.overlay.opaque). Beside it, index
 * says what its files are (index.h).
 *
 * A layer exists when its directory has a valid `meta`. It is made by stage_commit_layer(), never
 * changed after that, and removed by gc().
 */
#ifndef STORE_LAYER_H
#define STORE_LAYER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "store/store.h"

#define LAYER_META_MAX 4096 /* bytes */
#define LAYER_SHARED_MAX 8

/*
 * layers/<diff id>/meta, a JSON object: {"diff_id":"sha256:...","size":n,"files":n,"index":"16 hex digits",
 * "shared":{"sha256:...":bytes}}. A layer that was unpacked before there were indexes has no "index".
 */
struct layer_meta {
	struct digest diff_id;
	int64_t size_bytes; /* content of its regular files */
	int64_t files;	    /* entries of any kind: the inodes it needs, at most */
	bool has_index;
	uint64_t index;	    /* its checksum (index.h) */
	struct layer_shared {
		struct digest diff_id;
		int64_t bytes;
	} shared[LAYER_SHARED_MAX]; /* of size_bytes: in files that it was linked to in other layers */
	size_t shared_count;
};

/* It is there, and not known to be damaged (suspect.h). */
bool store_has_layer(const struct store *store, const struct digest *diff_id);

/*
 * Absolute path of the layer's tree, into `path` of PATH_MAX bytes. It isn't looked whether it exists, but -EBADMSG when
 * something else is there: mount(2) would follow the symbolic link that an unpack which was taken over
 * had put in its place, and show a container the device's own files.
 */
int store_layer_path(const struct store *store, const struct digest *diff_id,
		     char path[static PATH_MAX], struct err *err);

/* -ENOENT: there is no such layer; -EBADMSG: its meta is damaged. */
int layer_read_meta(const struct store *store, const struct digest *diff_id,
		    struct layer_meta *meta, struct err *err);

/* All that store_has_layer(). free() *out. */
int layer_list(const struct store *store, struct digest **out, size_t *count, struct err *err);

/*
 * A damaged layer that was replaced: layers/<diff id>.old1, .old2, ... Nothing finds it there but containers
 * that had it mounted before. layer_retire_old() throws all of them away (sweep.h): when no such
 * container is left. The number of them or a negative code.
 */
#define LAYER_OLD_SIZE (DIGEST_HEX_SIZE + 16)
void layer_old_name(const struct store *store, const char *hex, char name[static LAYER_OLD_SIZE]);
bool layer_is_old_name(const char *name);
int layer_retire_old(struct store *store);

/* Parser of bytes that flash may have damaged. -EINVAL with the reason. */
int layer_meta_parse(struct layer_meta *meta, const void *data, size_t size, struct err *err);
/* The 16 digits of an index's checksum. -EINVAL. */
int layer_meta_set_index(struct layer_meta *meta, const char *text);
/* The member "shared", as it is in the meta; size_bytes has to be set. */
int layer_meta_get_shared(struct layer_meta *meta, const json_t *json, struct err *err);
/* More than LAYER_SHARED_MAX are left out: they count as the layer's own. */
void layer_meta_add_shared(struct layer_meta *meta, const struct digest *diff_id, int64_t bytes);
void layer_meta_format(const struct layer_meta *meta, struct buf *out);

#endif
