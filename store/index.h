/*
 * index - what the files of a layer are: layers/<diff id>/index, written while the layer is
 * unpacked, read to find out whether they still are that (layer_check.h).
 *
 *	index_write_begin(&writer, fd); index_write(&writer, &entry) ...; index_write_end(&writer, &sum, &err)
 *	index_read_begin(&reader, data, size, &err); while ((rc = index_read(&reader, &entry, &err)) > 0) ...
 *
 * Entries are in the order of the archive, so that writing needs no more memory than one entry. A
 * later entry takes the place of an earlier one with its path; INDEX_GONE ends what was at its path
 * and below. Directories that no entry of the archive made are not in it.
 *
 * The file, version 1. Numbers are LEB128 (7 bits a byte, low ones first), hashes XXH64, little-endian:
 *
 *	"berth index 1\n"
 *	entries		tag byte: kind, INDEX_SAME_* flags
 *			bytes shared with the path before, bytes that follow, those bytes
 *			unless kind is LINK, WHITEOUT, OPAQUE or GONE:
 *			  unless SAME_OWNER: mode with its type, user, group (else those of the entry of this kind before)
 *			  unless SAME_TIME or NO_TIME: mtime, seconds as zigzag difference to the one before; ns
 *			FILE: size, and if it isn't 0: hash of the content, 8 bytes
 *			FILE, DIR with ATTRIBUTES: hash of them, 4 bytes
 *			SYMLINK: hash of its target, 8 bytes; NODE: major, minor; LINK: size of the target, target
 *	0xff, number of entries, hash of everything before it (8 bytes)
 *
 * 23 bytes an entry, measured with 22 000 of them.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/err.h"
#include "lib/xxh64.h"

#define INDEX_SIZE_MAX (64 << 20) /* bytes of the file */
#define INDEX_CHECKSUM_SIZE 8	  /* the file's last bytes */

enum index_kind {
	INDEX_GONE, /* what was at the path was removed, with all below it */
	INDEX_FILE,
	INDEX_DIR,
	INDEX_SYMLINK,
	INDEX_NODE,	/* device, FIFO */
	INDEX_LINK,	/* another name of the file at `target` */
	INDEX_WHITEOUT, /* char device 0/0 */
	INDEX_OPAQUE,	/* the directory has trusted.overlay.opaque */
	INDEX_KINDS
};

#define INDEX_NO_TIME (-1L) /* mtime.tv_nsec: not known */

struct index_entry {
	enum index_kind kind;
	const char *path; /* clean, without symlinks; "" is the root. When read: valid until the next one */
	/* FILE, DIR, SYMLINK, NODE */
	uint32_t mode, uid, gid; /* mode: with the type */
	struct timespec mtime;
	int64_t size;	     /* FILE */
	uint64_t hash;	     /* FILE: content; SYMLINK: target */
	uint32_t attributes; /* index_attributes(); 0: none */
	uint32_t major, minor;
	const char *target; /* LINK; its path as `path` */
};

/* Takes kind, mode, owner, time, size and device from what the file system says. */
void index_entry_of(struct index_entry *entry, const char *path, const struct stat *st);

/* A hash of the attributes that matter to programs: user.* and security.capability. 0: there are none. */
uint32_t index_attributes(int fd);

/* What the entry before said, which the next one may refer to. */
struct index_state {
	char path[PATH_MAX];
	size_t path_size;
	uint32_t mode[INDEX_KINDS], uid[INDEX_KINDS], gid[INDEX_KINDS];
	struct timespec mtime;
	uint64_t count;
};

/* --- writing --- */

struct index_writer {
	int fd;
	int rc; /* the first failure */
	struct xxh64 hash;
	struct index_state state;
	size_t used;
	unsigned char data[16384];
};

/* `fd` is borrowed and written to from its offset on. */
void index_write_begin(struct index_writer *writer, int fd);
/* Failures are told at the end. */
void index_write(struct index_writer *writer, const struct index_entry *entry);
/* `checksum`: the file's last 8 bytes, for the layer's meta. Not synced. */
int index_write_end(struct index_writer *writer, uint64_t *checksum, struct err *err);

/* --- reading: bytes that flash may have damaged --- */

struct index_reader {
	const unsigned char *at, *end;
	struct index_state state;
	char target[PATH_MAX];
};

/* The bytes are borrowed. -EBADMSG with the reason: no index, another version, or its checksum is wrong. */
int index_read_begin(struct index_reader *reader, const void *data, size_t size, struct err *err);
/* 1: *entry is the next one; 0: that was all; -EBADMSG. */
int index_read(struct index_reader *reader, struct index_entry *entry, struct err *err);
/* The last 8 bytes; 0 when there are fewer. */
uint64_t index_checksum(const void *data, size_t size);

#endif
