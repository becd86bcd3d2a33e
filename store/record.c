/*
 * A record's file has two copies of equal size, each in blocks of its own: the one before, and the one that counts. The
 * next one is written over the one before, in place: what a power cut tears is not what counts, and neither a name nor a
 * size changes, which would have to go through the file system's journal. A copy is text,
 *
 *	<64 hex digits: the SHA-256 of all that follows as far as the content's end>
 *	<its number> <size of the content>
 *	<content>
 *
 * filled up with newlines. The whole copy with the higher number counts.
 */
#include "store/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/json.h"
#include "lib/sha256.h"
#include "store/file.h"

/* A temporary file's name has to fit as well: ".NAME.new". */
#define NAME_MAX_RECORD 240
#define BLOCK 4096 /* what ext4, f2fs and their like write at once: two copies never share one */
#define HEAD_SIZE (SHA256_HEX + 1 + 20 + 1 + 10 + 1)
#define COPY_MAX (RECORD_MAX + HEAD_SIZE + BLOCK)

/* Where it lies in the file. */
struct copy {
	size_t at, size; /* of the copy, with what fills it up */
	uint64_t number; /* 0: it is not whole */
	const char *content;
	size_t content_size;
};

/* A record's file, read. `counts` is NULL when no copy is whole. */
struct copies {
	struct buf text;
	struct copy both[2];
	const struct copy *counts;
};

static int check_name(const char *name, struct err *err)
{
	if (!*name || *name == '.' || strchr(name, '/') || strlen(name) > NAME_MAX_RECORD)
		return err_set(err, -EINVAL, "\"%s\" can't be the name of a record", name);
	return 0;
}

static int fail(int rc, const char *verb, const char *name, struct err *err)
{
	return err_code(err, rc, "%s the record of %s", verb, name);
}

/* --- a copy ----------------------------------------------------------------------------------- */

static void format_copy(struct buf *out, uint64_t number, const void *data, size_t size)
{
	BUF_CLEANUP struct buf rest = BUF_INIT;
	char hex[SHA256_HEX + 1];

	buf_append_format(&rest, "%020" PRIu64 " %010zu\n", number, size);
	buf_append(&rest, data, size);
	sha256_hex(rest.data, rest.size, hex);
	buf_append_format(out, "%s\n", hex);
	buf_append(out, rest.data, rest.size);
}

static void fill_up(struct buf *out, size_t size)
{
	while (out->size < size)
		buf_append(out, "\n", 1);
}

static void read_copy(struct copy *copy, const char *text)
{
	const char *rest = text + SHA256_HEX + 1;
	char head[HEAD_SIZE + 1], hex[SHA256_HEX + 1];
	uint64_t number;
	size_t size;

	if (copy->size < HEAD_SIZE)
		return;
	memcpy(head, text, HEAD_SIZE);
	head[HEAD_SIZE] = '\0';
	if (sscanf(head + SHA256_HEX, "\n%20" SCNu64 " %10zu", &number, &size) != 2 ||
	    size > copy->size - HEAD_SIZE)
		return;
	sha256_hex(rest, HEAD_SIZE - SHA256_HEX - 1 + size, hex);
	if (memcmp(hex, head, SHA256_HEX))
		return;
	copy->number = number;
	copy->content = text + HEAD_SIZE;
	copy->content_size = size;
}

/* --- both of them ----------------------------------------------------------------------------- */

/* What berths before this one wrote: the content, and nothing else. */
static void read_plain(struct copies *copies)
{
	if (*buf_text(&copies->text) == '{') {
		copies->both[0].content = copies->text.data;
		copies->both[0].content_size = copies->text.size;
		copies->counts = &copies->both[0];
	}
}

/* What flash was writing when the power went it may not give back at all: then that copy is not whole. */
static int read_both(const struct store *store, const char *name, struct buf *text)
{
	struct stat st;
	FD_CLEANUP int fd = file_open(store->apps, name, &st);
	size_t size, half;
	char *data;

	if (fd < 0)
		return fd;
	if (st.st_size > 2 * COPY_MAX)
		return -EFBIG;
	size = (size_t)st.st_size;
	half = size / 2;
	data = memset(buf_reserve(text, size), '\n', size);
	fd_read_full(fd, data, half);
	if (lseek(fd, (off_t)half, SEEK_SET) >= 0)
		fd_read_full(fd, data + half, size - half);
	buf_added(text, size);
	return 0;
}

/* Release it with buf_release(&copies->text), also after an error. */
static int read_copies(const struct store *store, const char *name, struct copies *copies)
{
	int rc;

	*copies = (struct copies){ .text = BUF_INIT };
	rc = read_both(store, name, &copies->text);
	for (size_t i = 0; i < 2 && rc == 0; i++) {
		struct copy *copy = &copies->both[i];

		copy->size = copies->text.size / 2;
		copy->at = i * copy->size;
		read_copy(copy, buf_text(&copies->text) + copy->at);
		if (copy->number > (copies->counts ? copies->counts->number : 0))
			copies->counts = copy;
	}
	if (!copies->counts)
		read_plain(copies);
	return rc;
}

static bool is_same(const struct copies *copies, const void *data, size_t size)
{
	const struct copy *old = copies->counts;

	return old && old->content_size == size && (!size || !memcmp(old->content, data, size));
}

/* A file with the content in one copy, and the other one yet to be written. */
static int write_new(struct store *store, const char *name, uint64_t number, const void *data, size_t size)
{
	size_t room = (HEAD_SIZE + size + BLOCK - 1) / BLOCK * BLOCK;
	BUF_CLEANUP struct buf text = BUF_INIT;

	format_copy(&text, number, data, size);
	fill_up(&text, 2 * room);
	return file_write(store, store->apps, name, text.data, text.size);
}

/* One that is not on the disk for sure must not count: the next one would be written over the one that is. */
static void spoil(int fd, const struct copy *copy)
{
	(void)!pwrite(fd, "\n", 1, (off_t)copy->at);
}

static int write_over(struct store *store, const char *name, const struct copy *copy, uint64_t number,
		      const void *data, size_t size)
{
	FD_CLEANUP int fd = openat(store->apps, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct stat st;
	ssize_t count;
	int rc = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* It has a second name, in a backup say. */
	if (st.st_nlink > 1)
		return write_new(store, name, number, data, size);
	format_copy(&text, number, data, size);
	fill_up(&text, copy->size);
	do
		count = pwrite(fd, text.data, text.size, (off_t)copy->at);
	while (count < 0 && errno == EINTR);
	if (count != (ssize_t)text.size)
		rc = count < 0 ? -errno : -ENOSPC;
	else if (fdatasync(fd) < 0)
		rc = -errno;
	if (rc < 0)
		spoil(fd, copy);
	else
		store->written_bytes += (int64_t)text.size;
	return rc;
}

/* --- the interface ---------------------------------------------------------------------------- */

int record_load(const struct store *store, const char *name, struct buf *out, struct err *err)
{
	struct copies copies;
	int rc = check_name(name, err);

	if (rc < 0)
		return rc;
	rc = read_copies(store, name, &copies);
	if (rc < 0 && rc != -ENOENT)
		fail(rc, "read", name, err);
	else if (!rc && !copies.counts)
		rc = err_set(err, -EBADMSG, "the record of %s: neither of its two copies is whole", name);
	else if (!rc)
		buf_append(out, copies.counts->content, copies.counts->content_size);
	buf_release(&copies.text);
	return rc;
}

int record_save(struct store *store, const char *name, const void *data, size_t size,
		struct err *err)
{
	struct copies copies;
	const struct copy *other;
	uint64_t number;
	int rc = check_name(name, err);

	if (rc < 0)
		return rc;
	if (size > RECORD_MAX)
		return fail(-EFBIG, "write", name, err);
	read_copies(store, name, &copies); /* whatever can't be read is replaced */
	/* Behind the last number there is the first: then both copies are written anew. */
	number = copies.counts && copies.counts->number < UINT64_MAX ? copies.counts->number + 1 : 1;
	other = copies.counts == &copies.both[0] ? &copies.both[1] : &copies.both[0];
	if (is_same(&copies, data, size))
		rc = 0;
	else if (number > 1 && other->size % BLOCK == 0 && HEAD_SIZE + size <= other->size)
		rc = write_over(store, name, other, number, data, size);
	else
		rc = write_new(store, name, number, data, size);
	buf_release(&copies.text);
	return rc ? fail(rc, "write", name, err) : 0;
}

int record_settle(struct store *store)
{
	struct stat st;
	char **names;
	int rc = file_names(store->apps, &names);

	for (char **name = names; *name && rc == 0; name++) {
		FD_CLEANUP int fd = file_open(store->apps, *name, &st);

		if (fd >= 0 && fdatasync(fd) < 0)
			rc = -errno;
	}
	free_strings(names);
	return rc == 0 && fsync(store->apps) < 0 ? -errno : rc;
}

int record_remove(struct store *store, const char *name, struct err *err)
{
	int rc = check_name(name, err);

	if (rc < 0)
		return rc;
	rc = file_remove(store->apps, name);
	return rc && rc != -ENOENT ? fail(rc, "remove", name, err) : 0;
}

int record_list(const struct store *store, char ***names, struct err *err)
{
	int rc = file_names(store->apps, names);

	return rc ? err_code(err, rc, "list %s/apps", store->path) : 0;
}
