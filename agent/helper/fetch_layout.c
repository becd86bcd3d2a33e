#include "agent/helper/fetch_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/helper/sandbox.h"
#include "config/layout_index.h"
#include "lib/fd.h"
#include "net/failure.h"

#define PIECE_SIZE (32 * 1024)

/* O_NONBLOCK: a FIFO under a blob's name would keep us waiting. */
#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A place that is read from: a file of the directory, or a part of the archive. */
struct part {
	int fd;
	bool is_own; /* to be closed */
	int64_t offset, size;
};

static int unreadable(const struct layout *layout, const char *name, int code, struct err *err)
{
	const char *hint = code == -EACCES ? " (it has to be readable for every user)" : "";

	return err_set(err, FAILURE_RETRY, "%s/%s: %s%s", layout->reference->repository, name, strerror(-code),
		       hint);
}

/* --- opening --- */

static bool is_image(const struct stat *status, const struct reference *reference)
{
	return S_ISREG(status->st_mode) || (S_ISDIR(status->st_mode) && reference->source != REFERENCE_ARCHIVE);
}

/*
 * This is root still, and a medium may have a device there, or a link to one. To open it can be a deed: it arms a watchdog,
 * or resets what is at the serial port. So what it is is looked at before.
 */
static int open_image(const struct reference *reference, struct stat *status)
{
	const char *path = reference->repository;
	int fd FD_CLEANUP = -1;

	if (stat(path, status) < 0)
		return -errno;
	if (!is_image(status, reference))
		return -EINVAL;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, status) < 0)
		return -errno;
	return is_image(status, reference) ? fd_steal(&fd) : -EINVAL;
}

int layout_open(struct layout *layout, const struct reference *reference, struct err *err)
{
	const char *path = reference->repository;
	struct stat status;

	*layout = (struct layout){ .reference = reference };
	layout->fd = open_image(reference, &status);
	switch (layout->fd) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENXIO:
	case -ENODEV:
		return err_set(err, FAILURE_RETRY, "waits for %s, which is not there (plug in the medium, or mount it)",
			       path);
	case -EINVAL:
		return err_set(err, FAILURE_RETRY, "%s is no %s", path,
			       reference->source == REFERENCE_ARCHIVE ? "file" : "directory");
	}
	if (layout->fd < 0)
		return err_set(err, FAILURE_RETRY, "open %s: %s", path, strerror(-layout->fd));
	layout->is_archive = S_ISREG(status.st_mode);
	return 0;
}

int layout_enter(struct layout *layout, struct err *err)
{
	int rc = sandbox_layout(&layout->fd, !layout->is_archive, err);

	return rc < 0 || !layout->is_archive ? rc : layout_read_archive(layout, err);
}

void layout_close(struct layout *layout)
{
	fd_close(&layout->fd);
	free(layout->files);
	layout->files = NULL;
}

/* --- finding --- */

static int open_blob_file(const struct layout *layout, const char *hex)
{
	int blobs FD_CLEANUP = openat(layout->fd, "blobs", DIR_FLAGS);
	int sha256 FD_CLEANUP = blobs < 0 ? -1 : openat(blobs, "sha256", DIR_FLAGS);

	return sha256 < 0 ? -1 : openat(sha256, hex, FILE_FLAGS);
}

static int find_in_directory(const struct layout *layout, const char *hex, const char *name, struct part *part,
			     struct err *err)
{
	struct stat status;

	part->fd = *hex ? open_blob_file(layout, hex) : openat(layout->fd, name, FILE_FLAGS);
	if (part->fd < 0 && errno == ELOOP)
		return err_set(err, FAILURE_SERVER, "%s/%s: there is a symbolic link, which is not followed",
			       layout->reference->repository, name);
	if (part->fd < 0)
		return unreadable(layout, name, -errno, err);
	part->is_own = true;
	if (fstat(part->fd, &status) < 0 || !S_ISREG(status.st_mode))
		return err_set(err, FAILURE_SERVER, "%s/%s is no regular file", layout->reference->repository, name);
	part->size = status.st_size;
	return 0;
}

/* hex: of a blob's digest, "" for index.json. */
static int find(const struct layout *layout, const char *hex, struct part *part, struct err *err)
{
	char name[96] = "index.json";

	*part = (struct part){ .fd = -1 };
	if (*hex)
		snprintf(name, sizeof(name), "blobs/sha256/%s", hex);
	if (!layout->is_archive)
		return find_in_directory(layout, hex, name, part, err);
	/* From behind: as with tar, a later file of the same name replaces the one before. */
	for (size_t i = layout->file_count; i-- > 0;) {
		const struct layout_file *file = &layout->files[i];

		if (strcmp(file->hex, hex))
			continue;
		*part = (struct part){ .fd = layout->fd, .offset = file->offset, .size = file->size };
		return 0;
	}
	return unreadable(layout, name, -ENOENT, err);
}

static void part_close(struct part *part)
{
	if (part->is_own)
		fd_close(&part->fd);
}

/* --- reading --- */

static int read_part(const struct layout *layout, struct part *part, blob_sink *sink, void *arg, struct err *err)
{
	char piece[PIECE_SIZE];
	int64_t done = 0;

	while (done < part->size) {
		int64_t left = part->size - done;
		ssize_t got = pread(part->fd, piece, left < PIECE_SIZE ? (size_t)left : PIECE_SIZE,
				    part->offset + done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(err, FAILURE_RETRY, "read %s: %s", layout->reference->repository,
				       got < 0 ? strerror(errno) : "it became shorter");
		int rc = sink(piece, (size_t)got, arg);

		if (rc < 0)
			return rc;
		done += got;
	}
	return 0;
}

static int append_to_buf(const char *data, size_t size, void *arg)
{
	buf_append(arg, data, size);
	return 0;
}

static int read_document(struct layout *layout, const char *hex, struct buf *text, struct err *err)
{
	struct part part;
	int rc = find(layout, hex, &part, err);

	if (!rc && part.size > (int64_t)MANIFEST_SIZE_MAX)
		rc = err_set(err, FAILURE_LIMIT, "a document of the layout has %" PRId64 " bytes, at most %u are read",
			     part.size, MANIFEST_SIZE_MAX);
	if (!rc)
		rc = read_part(layout, &part, append_to_buf, text, err);
	part_close(&part);
	return rc;
}

int layout_head(struct layout *layout, struct digest *digest, int64_t *size, struct err *err)
{
	struct buf text BUF_CLEANUP = BUF_INIT;
	int rc = read_document(layout, "", &text, err);

	if (!rc)
		rc = layout_index_find(text.data ? text.data : "", text.size, layout->reference->tag, digest, size,
				       err);
	/* It may just be written: that it can't be parsed is no last word. */
	return rc == -EINVAL ? FAILURE_RETRY : rc;
}

int layout_get_document(struct layout *layout, const struct digest *digest, struct buf *text, struct err *err)
{
	struct digest found;
	int rc = read_document(layout, digest_hex(digest), text, err);

	if (rc < 0)
		return rc;
	digest_of(&found, text->data ? text->data : "", text->size);
	if (!digest_equal(&found, digest))
		return err_set(err, FAILURE_DIGEST, "the layout's blob %s has digest %s", digest->text, found.text);
	return 0;
}

int layout_get_blob(struct layout *layout, const struct descriptor *descriptor, blob_sink *sink, void *arg,
		    struct err *err)
{
	struct part part;
	int rc = find(layout, digest_hex(&descriptor->digest), &part, err);

	if (!rc && part.size != descriptor->size)
		rc = err_set(err, FAILURE_RETRY, "the layout's blob %s has %" PRId64 " bytes instead of %" PRId64,
			     descriptor->digest.text, part.size, descriptor->size);
	if (!rc)
		rc = read_part(layout, &part, sink, arg, err);
	part_close(&part);
	return rc;
}
