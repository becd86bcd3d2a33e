#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/helper/fetch_layout.h"
#include "lib/buf.h"
#include "net/failure.h"

/*
 * tar's own: libarchive is given one at a time and reads no further than the headers, so what was
 * given out when it has a header is where the content begins.
 */
#define BLOCK_SIZE 512
#define ENTRIES_MAX 65536

struct reader {
	int fd;
	int64_t at;
	char block[BLOCK_SIZE];
};

static la_ssize_t read_block(struct archive *archive, void *data, const void **piece)
{
	struct reader *reader = data;
	ssize_t got;

	do
		got = pread(reader->fd, reader->block, BLOCK_SIZE, reader->at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		archive_set_error(archive, errno, "%s", strerror(errno));
	else
		reader->at += got;
	*piece = reader->block;
	return got;
}

static la_int64_t skip(struct archive *archive, void *data, la_int64_t count)
{
	struct reader *reader = data;

	(void)archive;
	if (count < 0 || __builtin_add_overflow(reader->at, count, &reader->at))
		return ARCHIVE_FATAL;
	return count;
}

/* 1: it is one that images are read from. */
static int is_wanted(struct archive_entry *entry, char hex[static 65])
{
	static const char blobs[] = "blobs/sha256/";
	const char *name = archive_entry_pathname(entry);
	struct digest digest;

	if (!name || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) ||
	    archive_entry_sparse_count(entry) > 0)
		return 0;
	if (!strncmp(name, "./", 2))
		name += 2;
	*hex = '\0';
	if (!strcmp(name, "index.json"))
		return 1;
	if (strncmp(name, blobs, strlen(blobs)) || digest_from_hex(&digest, name + strlen(blobs)) < 0)
		return 0;
	strcpy(hex, digest_hex(&digest));
	return 1;
}

static int note(struct layout *layout, const struct reader *reader, struct archive_entry *entry, struct err *err)
{
	struct layout_file file = { .offset = reader->at, .size = archive_entry_size(entry) };

	if (!is_wanted(entry, file.hex))
		return 0;
	if (file.size < 0 || layout->file_count == LAYOUT_FILES_MAX)
		return err_set(err, FAILURE_LIMIT, "the archive has more than %d blobs: make one with fewer images",
			       LAYOUT_FILES_MAX);
	if (!(layout->file_count & (layout->file_count - 1)))
		layout->files = xrealloc(layout->files,
					 (2 * layout->file_count + 1) * sizeof(*layout->files));
	layout->files[layout->file_count++] = file;
	return 0;
}

static int read_entries(struct layout *layout, struct archive *archive, struct reader *reader, struct err *err)
{
	struct archive_entry *entry;
	int rc = archive_read_open2(archive, reader, NULL, read_block, skip, NULL);

	for (int i = 0; rc == ARCHIVE_OK && i < ENTRIES_MAX; i++) {
		rc = archive_read_next_header(archive, &entry);
		if (rc == ARCHIVE_EOF)
			return 0;
		if (rc == ARCHIVE_WARN) /* about owners, names in other character sets */
			rc = ARCHIVE_OK;
		if (rc == ARCHIVE_OK && note(layout, reader, entry, err) < 0)
			return FAILURE_LIMIT;
	}
	if (rc == ARCHIVE_OK)
		return err_set(err, FAILURE_LIMIT, "the archive has more than %d entries", ENTRIES_MAX);
	return err_set(err, FAILURE_RETRY, "%s is no whole tar archive (it can't be compressed): %s",
		       layout->reference->repository, archive_error_string(archive));
}

int layout_read_archive(struct layout *layout, struct err *err)
{
	struct reader reader = { .fd = layout->fd };
	struct archive *archive = archive_read_new();
	int rc;

	if (!archive)
		die_no_memory();
	archive_read_support_format_tar(archive);
	rc = read_entries(layout, archive, &reader, err);
	archive_read_free(archive);
	return rc;
}
