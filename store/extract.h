/*
 * extract - unpacks the tar of a layer into a directory, in overlayfs' form.
 *
 * - Nothing outside the directory is touched, whatever names and links the archive has (dirs.h).
 * - Owners, modes with set-id bits, times in ns, extended attributes and devices are as in the
 *   archive; of extended attributes those that EXTRACT_XATTRS in extract_meta.c names. Must run as root.
 * - ".wh.NAME" becomes a char device 0/0, ".wh..wh..opq" the attribute trusted.overlay.opaque on its
 *   directory (OCI image-spec layer.md, "Whiteouts"; kernel Documentation/filesystems/overlayfs.rst).
 *   As the spec has it, a whiteout hides what lower layers have, never what its own layer has.
 * - Of several entries with one name the last one counts.
 * - Holes of sparse files stay holes.
 *
 * Durability is the caller's: nothing is synced here.
 */
#ifndef STORE_EXTRACT_H
#define STORE_EXTRACT_H

#include <stdint.h>

#include "store/dirs.h"
#include "store/held.h"
#include "store/index.h"
#include "store/stream.h"

#define EXTRACT_ENTRIES_MAX 1000000
#define EXTRACT_FILE_MAX (INT64_C(1) << 40) /* bytes of one file, holes counted */

struct extract_result {
	int64_t bytes; /* file content, without holes */
	int64_t files; /* entries of the archive */
};

/* Where files may be that need not be written (base.h), and what keeps note of them (held.h). */
struct extract_reuse {
	struct base *base;
	struct held *held;
};

/*
 * Reads the archive to its end; what the stream holds after that is the caller's. `root_fd` is
 * borrowed. `reuse` may be NULL: everything is written. If not, relink_layer() has to make the tree whole.
 * `index` (may be NULL) has been begun and gets an entry for each that was made. On error the
 * directory holds a part of the tree: throw it away.
 */
int extract(struct stream *from, int root_fd, const struct extract_reuse *reuse,
	    struct index_writer *index, struct extract_result *result, struct err *err);

#endif
