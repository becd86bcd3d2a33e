/*
 * tag - which image a reference names on this device: tags/<sha256 of the canonical reference>.
 *
 * A tag keeps its image, the way docker's do: gc() never removes an image that has one. Any
 * canonical reference can be a tag, those with a digest too.
 */
#ifndef STORE_TAG_H
#define STORE_TAG_H

#include <stddef.h>

#include "config/digest.h"
#include "config/reference.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/sha256.h"
#include "store/store.h"

#define TAG_FILE_MAX 4096 /* bytes */

/* The file is a JSON object with these members. */
struct tag {
	char reference[REFERENCE_TEXT_SIZE]; /* canonical, as reference_format() writes it */
	struct digest image;	/* what the registry answered for the reference: manifest or index */
	struct digest manifest; /* of this platform */
	struct digest config;	/* the image ID */
};

/* Sets or moves a tag; writes nothing when it is so already. */
int image_tag(struct store *store, const struct tag *tag, struct err *err);

/* What image_tag() would write, for stage_commit_image(): file.data is `text`'s, file.name is `name`. */
#define TAG_FILE_NAME_SIZE (SHA256_HEX + 1)
struct fd_content tag_file(const struct store *store, const struct tag *tag, struct buf *text,
			   char name[static TAG_FILE_NAME_SIZE]);

/* Removes one. -ENOENT: there is no such tag. */
int image_untag(struct store *store, const char *reference, struct err *err);

/* -ENOENT: there is no such tag; -EBADMSG: its file is damaged. */
int tag_load(const struct store *store, const char *reference, struct tag *tag, struct err *err);

/* The same by the name of its file in tags/. */
int tag_load_file(const struct store *store, const char *name, struct tag *tag, struct err *err);

/* For one that is damaged, whatever it was about. */
int tag_remove_file(struct store *store, const char *name, struct err *err);

/* All of them, sorted by reference; damaged ones are logged and left out, unreadable ones an error. free() *out. */
int tag_list(const struct store *store, struct tag **out, size_t *count, struct err *err);

/* Parser of bytes that flash may have damaged. -EINVAL with the reason. */
int tag_parse(struct tag *tag, const void *data, size_t size, struct err *err);
void tag_format(const struct tag *tag, struct buf *out);

#endif
