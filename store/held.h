/*
 * held - the files of a layer that are not written, because they are to be linked to those of another
 * layer (base.h) once nobody writes to this layer any more (relink.h).
 *
 *	held_init(&held, layer_dir)
 *	held_add(), held_add_alias() for each
 *	held_finish(&held)			before relink may look at it; held_release() always
 *
 * In the tree each has a placeholder: one more name of an empty file, which costs no inode. So all that
 * later entries of the archive do to the name, to a directory above it or with links to it works as
 * with any file. Which file it stands for is a record in a list. Beside the layer's fs/:
 *
 *	held/list	the records: path NUL from NUL number NUL
 *	held/f0, f1..	the placeholders of files: the next when one has as many names as it can
 *	held/a0, a1..	those of hard links to such files
 *
 * A name may have more than one record, and it may be no placeholder any more: of the placeholder at
 * a name the last record tells. So the list is read backwards.
 */
#ifndef STORE_HELD_H
#define STORE_HELD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "store/base.h"
#include "store/dirs.h"
#include "store/inode_set.h"

#define HELD_DIR "held"
#define HELD_LIST "list"
#define HELD_PLACEHOLDERS_MAX 32 /* of a kind: twice what EXTRACT_ENTRIES_MAX names need on ext4 */
#define HELD_LINKS_MAX 30000 /* names of a file of a base layer: ext4 ends at 65000 */
#define HELD_SEARCH_MAX (INT64_C(4) << 30) /* bytes of lists that are searched for one layer */

#define HELD_NAME_SIZE 8
#define HELD_LETTERS "fa" /* by kind */

enum held_kind {
	HELD_FILE,
	HELD_ALIAS,
};

/* The name of a placeholder, relative to HELD_DIR. */
void held_placeholder_name(char name[static HELD_NAME_SIZE], enum held_kind kind, size_t number);

/* One record: the file at `from` in layer `number` shall be linked to `path`. Both are clean. */
struct held_record {
	const char *path;
	const char *from;
	unsigned int number;
};

/*
 * Parses the last record of the list, which is foreign bytes to relink. Returns how many bytes are before it,
 * or -EINVAL. The strings point into the data.
 */
int64_t held_parse_last(struct held_record *record, const char *data, size_t size);

struct held {
	int layer_dir; /* borrowed */
	int dir, list; /* -1 until the first file */
	struct buf unwritten;
	struct {
		ino_t inodes[HELD_PLACEHOLDERS_MAX];
		size_t count;
	} kinds[2];
	dev_t device;
	struct inode_set linked; /* of the other layers */
	int64_t searched_bytes;
	int64_t files;
	int64_t bytes[BASE_LAYERS_MAX]; /* their content, by layer of the base; each file once */
};

void held_init(struct held *held, int layer_dir);
void held_release(struct held *held);

/* Writes the rest of the list. */
int held_finish(struct held *held, struct err *err);

/*
 * May this file of a base layer be linked? Not twice: two files of this archive would become one, where
 * the other layer has them as hard links of each other. And not when it has very many names already.
 */
bool held_may_link(struct held *held, const struct stat *st);

/*
 * The file name in parent is the one of the same path in base layer `number`. Returns 0; -EEXIST when
 * something has that name; -EMLINK: no more placeholders, the file has to be written.
 */
int held_add(struct held *held, const struct dir *parent, const char *name, unsigned int number,
	     int64_t size, struct err *err);

/* Is it a placeholder? */
bool held_is(const struct held *held, const struct stat *st, enum held_kind *kind);

/*
 * The same for a further name of what the placeholder at `target` (a path without symlinks) stands for. `base` must be
 * the one that held_add() got its numbers from. -EEXIST as above.
 */
int held_add_alias(struct held *held, struct base *base, const char *target, enum held_kind kind,
		   const struct dir *parent, const char *name, struct err *err);

#endif
