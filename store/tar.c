#include "store/tar.h"

#include <errno.h>

#define CHARSET_WARNING EILSEQ /* libarchive's ARCHIVE_ERRNO_FILE_FORMAT, which it does not export */

/* libarchive's callback: it keeps only a number, so the reason stays in tar->failure. */
static la_ssize_t read_piece(struct archive *archive, void *data, const void **piece)
{
	struct tar *tar = data;
	const unsigned char *bytes = tar->first;
	ssize_t got = tar->first_size;

	tar->first_size = 0;
	if (!got)
		got = stream_next(tar->from, &bytes, &tar->failure);
	if (got < 0)
		archive_set_error(archive, (int)-got, "read error");
	*piece = bytes;
	return got < 0 ? ARCHIVE_FATAL : got;
}

void tar_open(struct tar *tar, struct stream *from)
{
	*tar = (struct tar){ .from = from, .archive = archive_read_new() };
	if (!tar->archive)
		die_no_memory();
	archive_read_support_format_tar(tar->archive);
}

void tar_close(struct tar *tar)
{
	archive_read_free(tar->archive);
	tar->archive = NULL;
}

static int failed(const struct tar *tar, struct err *err)
{
	const char *text = archive_error_string(tar->archive);

	if (tar->failure.code)
		return err_set(err, tar->failure.code, "%s", tar->failure.text);
	if (archive_errno(tar->archive) == ENOMEM)
		return err_set(err, -E2BIG, "tar: its headers need more memory than is given for unpacking");
	return err_set(err, -EINVAL, "tar: %s", text ? text : "damaged archive");
}

/* An archive of no bytes at all is an empty one to Docker, but no tar to libarchive. 1: go on. */
static int begin(struct tar *tar, struct err *err)
{
	tar->begun = true;
	tar->first_size = stream_next(tar->from, &tar->first, &tar->failure);
	if (tar->first_size <= 0)
		return tar->first_size ? failed(tar, err) : 0;
	if (archive_read_open(tar->archive, tar, NULL, read_piece, NULL) != ARCHIVE_OK)
		return failed(tar, err);
	return 1;
}

/*
 * libarchive warns when a pax name can't be expressed in the locale's character set (and then gives
 * the bytes as they are, which is what we want), but also when it drops attributes it can't parse.
 */
static bool is_harmless_warning(const struct tar *tar)
{
	return archive_errno(tar->archive) == CHARSET_WARNING;
}

int tar_next(struct tar *tar, struct archive_entry **entry, struct err *err)
{
	int rc;

	if (!tar->begun) {
		rc = begin(tar, err);
		if (rc <= 0)
			return rc;
	}
	rc = archive_read_next_header(tar->archive, entry);
	if (rc == ARCHIVE_OK || (rc == ARCHIVE_WARN && is_harmless_warning(tar)))
		return 1;
	return rc == ARCHIVE_EOF ? 0 : failed(tar, err);
}

int tar_data(struct tar *tar, const void **data, size_t *size, int64_t *offset, struct err *err)
{
	la_int64_t place;
	int rc = archive_read_data_block(tar->archive, data, size, &place);

	*offset = place;
	if (rc == ARCHIVE_OK)
		return 1;
	return rc == ARCHIVE_EOF ? 0 : failed(tar, err);
}
