/* descriptor - what manifest.c and index.c share: a document's head and its descriptors. */
#ifndef CONFIG_DESCRIPTOR_H
#define CONFIG_DESCRIPTOR_H

#include <jansson.h>

#include "config/manifest.h"
#include "lib/err.h"

/* Parses the document and refuses what is no manifest of schema 2; a new reference in *out. */
int document_parse(json_t **out, const void *data, size_t size, struct err *err);

/* Is it an image's or an index, by its media type and its members? */
int document_kind(const json_t *document, enum manifest_kind *kind, struct err *err);

/* The kind that a media type names; -EINVAL when it is neither. */
int media_type_kind(const char *media_type, enum manifest_kind *kind);

/*
 * Reads one descriptor; `max` is the limit of its size. On success *out owns memory: release it
 * with descriptor_release(). On error it owns nothing.
 */
int descriptor_parse(struct descriptor *out, const json_t *json, int64_t max, struct err *err);
void descriptor_release(struct descriptor *descriptor);

#endif
