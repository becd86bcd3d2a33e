/* extract_parts - what the files of extract share: the archive that is being unpacked. */
#ifndef STORE_EXTRACT_PARTS_H
#define STORE_EXTRACT_PARTS_H

#include <limits.h>

#include "store/extract.h"
#include "store/tar.h"

struct extract {
	struct tar tar;
	struct dirs dirs;
	struct index_writer *index; /* may be NULL */
	struct extract_result *result;
	const struct extract_reuse *reuse; /* or NULL */

	/* of the entry at hand */
	struct archive_entry *entry;
	char path[PATH_MAX]; /* clean */
	const char *name;    /* the last part of it */
	size_t parent_size;
};

/* Removes what an earlier entry has put at x->name. */
int extract_clear_name(struct extract *x, struct dir *parent, struct err *err);

/* The entry at hand is a regular file, or another name of one. */
int extract_file(struct extract *x, struct dir *parent, struct err *err);
int extract_hardlink(struct extract *x, struct err *err);

#endif
