/*
 * extract_index - what extract tells the layer's index (index.h) about each entry it made. For
 * store/extract*.c only. Paths are those in the tree: without symlinks.
 */
#ifndef STORE_EXTRACT_INDEX_H
#define STORE_EXTRACT_INDEX_H

#include "store/extract_parts.h"

/* The file that `st` describes and that has this content is, or will be, x->name in `parent`. */
void extract_index_file(struct extract *x, const struct dir *parent, const struct stat *st,
			uint64_t hash, uint32_t attributes);
/* The file is open and complete. */
int extract_index_open_file(struct extract *x, const struct dir *parent, int fd, uint64_t hash,
			    struct err *err);
/* dir->mtime is set. */
int extract_index_dir(struct extract *x, const struct dir *dir, struct err *err);
/* A symlink, device or FIFO. */
int extract_index_node(struct extract *x, const struct dir *parent, struct err *err);
/* LINK of `target`, which is below the layer's root; GONE, WHITEOUT: without one. */
void extract_index_name(struct extract *x, enum index_kind kind, const struct dir *parent,
			const char *name, const char *target);
void extract_index_opaque(struct extract *x, const struct dir *dir);

#endif
