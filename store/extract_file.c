#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "store/extract_index.h"
#include "store/extract_meta.h"
#include "store/extract_parts.h"
#include "store/subpath.h"

#define NEW_FILE (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

#define SEND_STEP (1 << 20) /* bytes of a file */
#define SEND_LEAST (64 << 10)

/* A file on its way: compared with one that is there as long as they are equal, written from then on. */
struct content {
	int fd;	  /* -1: nothing had to be written yet */
	int base; /* -1: there is none to compare with */
	unsigned int number;
	int64_t at; /* where the next piece goes */
	int64_t bytes; /* seen so far, without holes */
	int64_t sent; /* up to here it is on its way to flash */
	struct xxh64 hash; /* for the index */
	bool has_holes;
};

/* --- writing --- */

static int create(struct extract *x, struct dir *parent, struct content *content, struct err *err)
{
	mode_t mode = archive_entry_perm(x->entry) & 0777;

	content->fd = openat(parent->fd, x->name, NEW_FILE, mode);
	if (content->fd < 0 && errno == EEXIST) {
		int rc = extract_clear_name(x, parent, err);

		if (rc < 0)
			return rc;
		content->fd = openat(parent->fd, x->name, NEW_FILE, mode);
	}
	return content->fd < 0 ? err_sys(err, "make the file %s", x->path) : 0;
}

/* It differs from here on: what was equal is taken over. */
static int stop_comparing(struct extract *x, struct dir *parent, struct content *content,
			  struct err *err)
{
	int rc = create(x, parent, content, err);

	if (rc < 0)
		return rc;
	if (base_copy(x->reuse->base, content->base, content->at, content->fd) < 0)
		return err_sys(err, "write %s", x->path);
	return 0;
}

/*
 * Flash begins to write while the rest is unpacked, instead of all at the final sync: then both
 * take place at the same time. Small files are left to the kernel, a call for each costs more than it gains.
 */
static void send_off(struct content *content, int64_t end, int64_t step)
{
	if (content->fd < 0 || end - content->sent < step)
		return;
	sync_file_range(content->fd, content->sent, end - content->sent, SYNC_FILE_RANGE_WRITE);
	content->sent = end;
}

/* Holes are skipped over. */
static int write_piece(struct extract *x, struct content *content, const void *data, size_t count,
		       int64_t offset, struct err *err)
{
	int rc;

	if (offset != content->at && lseek(content->fd, offset, SEEK_SET) < 0)
		return err_sys(err, "write %s", x->path);
	rc = fd_write_full(content->fd, data, count);
	if (rc < 0) {
		errno = -rc;
		return err_sys(err, "write %s", x->path);
	}
	send_off(content, offset + (int64_t)count, SEND_STEP);
	return 0;
}

/* --- comparing --- */

static int find_base(struct extract *x, const struct dir *parent, unsigned int *number)
{
	if (!x->reuse)
		return -1;
	return base_find(x->reuse->base, parent->path, x->name, x->entry, number);
}

static bool is_equal(struct extract *x, const struct content *content, const void *data,
		     size_t count, int64_t offset)
{
	return base_is_equal(x->reuse->base, content->base, content->at, offset, data, count);
}

static int take_piece(struct extract *x, struct dir *parent, struct content *content,
		      const void *data, size_t count, int64_t offset, struct err *err)
{
	int rc = 0;

	if (offset < 0 || offset > EXTRACT_FILE_MAX - (int64_t)count)
		return err_set(err, -EFBIG, "%s is larger than 1 TiB", x->path);
	if (content->fd < 0 && !is_equal(x, content, data, count, offset))
		rc = stop_comparing(x, parent, content, err);
	if (!rc && content->fd >= 0)
		rc = write_piece(x, content, data, count, offset, err);
	xxh64_update(&content->hash, data, count);
	content->has_holes |= offset != content->at;
	content->at = offset + (int64_t)count;
	content->bytes += (int64_t)count;
	x->result->bytes += (int64_t)count;
	return rc;
}

/* The size is set at the end, for a hole that comes last. */
static int take_content(struct extract *x, struct dir *parent, struct content *content,
			struct err *err)
{
	int64_t size = archive_entry_size(x->entry), offset;
	const void *data;
	size_t count;
	int rc;

	while ((rc = tar_data(&x->tar, &data, &count, &offset, err)) > 0) {
		rc = take_piece(x, parent, content, data, count, offset, err);
		if (rc < 0)
			return rc;
	}
	if (rc < 0 || content->at == size)
		return rc;
	content->has_holes = true;
	if (size < 0 || size > EXTRACT_FILE_MAX)
		return err_set(err, -EFBIG, "%s is larger than 1 TiB", x->path);
	if (content->fd < 0 && is_equal(x, content, NULL, 0, size))
		return 0;
	rc = content->fd < 0 ? stop_comparing(x, parent, content, err) : 0;
	if (!rc && ftruncate(content->fd, size) < 0)
		rc = err_sys(err, "write %s", x->path);
	return rc;
}

/* -EMLINK: it has to be written all the same. */
static int hold(struct extract *x, struct dir *parent, const struct content *content,
		struct err *err)
{
	struct held *held = x->reuse->held;
	struct stat st;
	int rc;

	if (fstat(content->base, &st) < 0 || !held_may_link(held, &st))
		return -EMLINK;
	rc = held_add(held, parent, x->name, content->number, content->bytes, err);
	if (rc != -EEXIST)
		return rc;
	rc = extract_clear_name(x, parent, err);
	return rc ? rc : held_add(held, parent, x->name, content->number, content->bytes, err);
}

/* All of it is in another layer. */
static int take_equal(struct extract *x, struct dir *parent, struct content *content,
		      struct err *err)
{
	int rc = hold(x, parent, content, err);

	if (rc != -EMLINK)
		return rc;
	content->at = archive_entry_size(x->entry);
	rc = stop_comparing(x, parent, content, err);
	if (!rc && ftruncate(content->fd, content->at) < 0)
		rc = err_sys(err, "write %s", x->path);
	return rc;
}

/* No hash for a file with holes: a hostile terabyte of zeros would take minutes. */
static int tell_index(struct extract *x, struct dir *parent, const struct content *content,
		      struct err *err)
{
	int fd = content->fd < 0 ? content->base : content->fd;

	return extract_index_open_file(x, parent, fd,
				       content->has_holes ? 0 : xxh64_value(&content->hash), err);
}

int extract_file(struct extract *x, struct dir *parent, struct err *err)
{
	struct content content = { .fd = -1 };
	int rc = 0;

	xxh64_init(&content.hash);
	dir_touch(parent);
	content.base = find_base(x, parent, &content.number);
	if (content.base < 0)
		rc = create(x, parent, &content, err);
	if (!rc)
		rc = take_content(x, parent, &content, err);
	if (!rc && content.fd < 0)
		rc = take_equal(x, parent, &content, err);
	if (!rc && content.fd >= 0)
		rc = extract_set_owner_mode(content.fd, x->entry, true, parent->set_gid, err) ?:
		     extract_set_xattrs(content.fd, x->entry, err) ?:
		     extract_set_time(content.fd, x->entry, err);
	if (!rc)
		rc = tell_index(x, parent, &content, err);
	send_off(&content, content.at, SEND_LEAST);
	base_close_file(&content.base);
	fd_close(&content.fd);
	return rc;
}

/* --- hard links --- */

/* Does the name stand for the same file already? Then removing it first would lose the file. */
static bool is_same_file(int dir_a, const char *a, int dir_b, const char *b)
{
	struct stat st_a, st_b;

	return fstatat(dir_a, a, &st_a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(dir_b, b, &st_b, AT_SYMLINK_NOFOLLOW) == 0 && st_a.st_dev == st_b.st_dev &&
	       st_a.st_ino == st_b.st_ino;
}

static int link_to(struct extract *x, int target_dir, const char *target, struct dir *parent,
		   struct err *err)
{
	int rc;

	dir_touch(parent);
	if (linkat(target_dir, target, parent->fd, x->name, 0) == 0)
		return 0;
	if (errno == EEXIST) {
		if (is_same_file(target_dir, target, parent->fd, x->name))
			return 0;
		rc = extract_clear_name(x, parent, err);
		if (rc < 0)
			return rc;
		if (linkat(target_dir, target, parent->fd, x->name, 0) == 0)
			return 0;
	}
	return err_sys(err, "link %s to %s", x->path, archive_entry_hardlink(x->entry));
}

/* dir->path has no symlinks, so this is what the name stands for. */
static int join(char out[static PATH_MAX], const struct dir *dir, const char *name)
{
	const char *slash = *dir->path ? "/" : "";

	return snprintf(out, PATH_MAX, "%s%s%s", dir->path, slash, name) < PATH_MAX ? 0 : -1;
}

/* One more name of a file that is held back. */
static int link_held(struct extract *x, const char *target, enum held_kind kind, struct dir *parent,
		     struct err *err)
{
	const struct extract_reuse *reuse = x->reuse;
	char real[PATH_MAX];
	int rc;

	dir_touch(parent);
	if (join(real, parent, x->name) == 0 && !strcmp(real, target))
		return 0; /* the same name */
	rc = held_add_alias(reuse->held, reuse->base, target, kind, parent, x->name, err);
	if (rc != -EEXIST)
		return rc;
	rc = extract_clear_name(x, parent, err);
	if (rc < 0)
		return rc;
	return held_add_alias(reuse->held, reuse->base, target, kind, parent, x->name, err);
}

static bool is_held(const struct extract *x, int dir, const char *name, enum held_kind *kind)
{
	struct stat st;

	return x->reuse && x->reuse->held->files &&
	       fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held_is(x->reuse->held, &st, kind);
}

/* The link carries no attributes of its own: they are the file's. */
int extract_hardlink(struct extract *x, struct err *err)
{
	FD_CLEANUP int target_dir = -1;
	char target[PATH_MAX], real[PATH_MAX];
	const char *name, *text = archive_entry_hardlink(x->entry);
	enum held_kind kind;
	struct dir *dir;
	size_t size;
	int rc = subpath_clean(target, text);

	if (rc < 0 || !*target)
		return err_set(err, -EINVAL, "%s is a link to %s, which is outside of the layer",
			       x->path, text);
	name = subpath_split(target, &size);
	rc = dirs_get(&x->dirs, target, size, false, &dir, err);
	if (rc < 0)
		return err_context(err, "link %s to %s", x->path, target);
	if (join(real, dir, name) < 0)
		return err_set(err, -ENAMETOOLONG, "%.80s...: the path is too long", target);
	target_dir = fcntl(dir->fd, F_DUPFD_CLOEXEC, 0); /* may leave the cache with the next one */
	if (target_dir < 0)
		return err_sys(err, "link %s", x->path);
	rc = dirs_get(&x->dirs, x->path, x->parent_size, true, &dir, err);
	if (rc < 0)
		return rc;
	if (is_held(x, target_dir, name, &kind))
		rc = link_held(x, real, kind, dir, err);
	else
		rc = link_to(x, target_dir, name, dir, err);
	if (!rc)
		extract_index_name(x, INDEX_LINK, dir, x->name, real);
	return rc;
}
