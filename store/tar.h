/*
 * tar - reads the entries of a tar stream: ustar, pax, GNU and old ones, by libarchive.
 *
 *	tar_open(&tar, stream); while ((rc = tar_next(&tar, &entry, &err)) > 0) { tar_data()... }
 *	tar_close(&tar)
 *
 * The archive ends at its two zero blocks, as with GNU tar; what follows is left in the stream.
 */
#ifndef STORE_TAR_H
#define STORE_TAR_H

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/stream.h"

struct tar {
	struct archive *archive;
	struct stream *from;
	const unsigned char *first; /* the piece that tar_open() looked at */
	ssize_t first_size;
	bool begun;
	struct err failure; /* of `from` */
};

/* The stream is borrowed and read from the first tar_next() on. */
void tar_open(struct tar *tar, struct stream *from);
void tar_close(struct tar *tar);

/*
 * 1: *entry is the next one, valid until the next call; 0: the archive has ended; negative: the
 * stream's error, or -EINVAL when this is no tar or a damaged one.
 */
int tar_next(struct tar *tar, struct archive_entry **entry, struct err *err);

/*
 * The next piece of the entry's content and its place in the file (there may be holes before it).
 * 1: there is one; 0: that was all; negative as above.
 */
int tar_data(struct tar *tar, const void **data, size_t *size, int64_t *offset, struct err *err);

#endif
