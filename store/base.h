/*
 * base - layers that are there already, in which extraction looks for what an archive brings once more.
 *
 * A regular file that has the same path, metadata and bytes in one of them is linked later (held.h)
 * instead of being written again: flash is written for what changed only.
 *
 *	base_open(&base, dirfd, count)		the trees are "0", "1", ... in the directory
 *	base_find(&base, dir, name, entry, &n)	for each file; then base_is_equal() as its bytes come
 *	base_release(&base)
 *
 * Which layer a path is looked for in depends on the path alone: the topmost one (the highest number)
 * that has a regular file there. Paths are walked without following symlinks.
 *
 * The layers are only read. They are foreign content, made from archives like the one at hand.
 */
#ifndef STORE_BASE_H
#define STORE_BASE_H

#include <archive_entry.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define BASE_LAYERS_MAX 127 /* as many as an image may have */
#define BASE_OPEN_MAX 16    /* of them, that have the directory at hand; lower ones are not looked at */

struct base {
	int dirfd; /* borrowed */
	size_t count;
	bool is_left_out[BASE_LAYERS_MAX]; /* for the user to set: the new image has this layer anyway */

	/* the directory at hand, from the topmost layer that has it down */
	char path[PATH_MAX];
	bool has_path;
	struct base_dir {
		int fd;
		unsigned int number;
	} dirs[BASE_OPEN_MAX];
	size_t dir_count;
	unsigned char *buffer;
};

void base_open(struct base *base, int dirfd, size_t count);
void base_release(struct base *base);

/* The number of the layer that has a regular file at dir/name (a path without symlinks), or -1. */
int base_locate(struct base *base, const char *dir, const char *name, struct stat *st);

/* That file, open for reading, when it has the metadata that extract() would give the entry; or -1. */
int base_find(struct base *base, const char *dir, const char *name, struct archive_entry *entry,
	      unsigned int *number);

/*
 * Does the file have a hole from `from` to `offset` (none is asked for when they are equal), and then
 * these bytes?
 */
bool base_is_equal(struct base *base, int fd, int64_t from, int64_t offset, const void *data,
		   size_t size);

/* Copies the first `size` bytes to the start of another file, holes as holes. -1 and errno. */
int base_copy(struct base *base, int fd, int64_t size, int to);

/* Closes the file. Large ones are not left in the page cache, which is short on small boards. */
void base_close_file(int *fd);

#endif
