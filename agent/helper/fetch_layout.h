/*
 * fetch_layout - images in files: an OCI layout (image-spec image-layout.md), or a tar archive of one.
 *
 *	layout_open(&layout, path, err)		before the sandbox: the only thing that is opened by a path
 *	layout_enter(&layout, err)		the sandbox; of an archive, the list of what is where in it
 *	layout_head(&layout, tag, ...)		reads index.json and no more
 *	layout_get_document(), layout_get_blob()
 *	layout_close(&layout)
 *
 * Whoever wrote the files may be hostile, and they may vanish at any time (a USB stick). In a directory only
 * index.json and blobs/sha256/<hex> are opened, never through a symbolic link, and only regular
 * files are read. An archive is not unpacked: its headers are read once, then each blob where it lies.
 *
 * Errors are those of net/failure.h. What isn't there (yet), or is shorter than it should be, is
 * FAILURE_RETRY: the stick may come, the copy may be under way.
 */
#ifndef AGENT_HELPER_FETCH_LAYOUT_H
#define AGENT_HELPER_FETCH_LAYOUT_H

#include <stdbool.h>

#include "config/digest.h"
#include "config/manifest.h"
#include "config/reference.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "net/registry.h" /* blob_sink */

/* Files of an archive. An image has up to 130 blobs; a layout may hold many images. */
#define LAYOUT_FILES_MAX 8192

struct layout_file {
	char hex[65]; /* of its digest; "" for index.json */
	int64_t offset, size;
};

struct layout {
	const struct reference *reference; /* borrowed */
	int fd;				   /* the directory or the archive */
	bool is_archive;
	struct layout_file *files; /* of an archive */
	size_t file_count;
};

/* Close it in any case. */
int layout_open(struct layout *layout, const struct reference *reference, struct err *err);
int layout_enter(struct layout *layout, struct err *err);
void layout_close(struct layout *layout);

/* What the reference's tag stands for. */
int layout_head(struct layout *layout, struct digest *digest, int64_t *size, struct err *err);

/* A manifest or index, whole and with its digest checked. */
int layout_get_document(struct layout *layout, const struct digest *digest, struct buf *text, struct err *err);

/* Hands the blob to the sink in pieces; the digest is left to whoever gets them. */
int layout_get_blob(struct layout *layout, const struct descriptor *descriptor, blob_sink *sink, void *arg,
		    struct err *err);

/* fetch_layout_tar.c: fills `files` with what the archive holds. For fetch_layout.c and tests. */
int layout_read_archive(struct layout *layout, struct err *err);

#endif
