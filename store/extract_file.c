#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "store/extract_meta.h"
#include "store/extract_parts.h"
#include "store/subpath.h"

#define NEW_FILE (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

/* Holes are skipped over; the size is set at the end, for a hole that comes last. */
static int write_content(struct extract *x, int fd, struct err *err)
{
	int64_t at = 0, offset, size = archive_entry_size(x->entry);
	const void *data;
	size_t count;
	int rc;

	while ((rc = tar_data(&x->tar, &data, &count, &offset, err)) > 0) {
		if (offset < 0 || offset > EXTRACT_FILE_MAX - (int64_t)count)
			return err_set(err, -EFBIG, "%s is larger than 1 TiB", x->path);
		if (offset != at && lseek(fd, offset, SEEK_SET) < 0)
			return err_sys(err, "write %s", x->path);
		rc = fd_write_full(fd, data, count);
		if (rc < 0) {
			errno = -rc;
			return err_sys(err, "write %s", x->path);
		}
		at = offset + (int64_t)count;
		x->result->bytes += (int64_t)count;
	}
	if (rc < 0 || at == size)
		return rc;
	if (size < 0 || size > EXTRACT_FILE_MAX)
		return err_set(err, -EFBIG, "%s is larger than 1 TiB", x->path);
	return ftruncate(fd, size) < 0 ? err_sys(err, "write %s", x->path) : 0;
}

int extract_file(struct extract *x, struct dir *parent, struct err *err)
{
	FD_CLEANUP int fd = -1;
	mode_t mode = archive_entry_perm(x->entry) & 0777;

	dir_touch(parent);
	fd = openat(parent->fd, x->name, NEW_FILE, mode);
	if (fd < 0 && errno == EEXIST) {
		int rc = extract_clear_name(x, parent, err);

		if (rc < 0)
			return rc;
		fd = openat(parent->fd, x->name, NEW_FILE, mode);
	}
	if (fd < 0)
		return err_sys(err, "make the file %s", x->path);
	return write_content(x, fd, err) ?:
	       extract_set_owner_mode(fd, x->entry, true, parent->set_gid, err) ?:
	       extract_set_xattrs(fd, x->entry, err) ?: extract_set_time(fd, x->entry, err);
}

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

/* The link carries no attributes of its own: they are the file's. */
int extract_hardlink(struct extract *x, struct err *err)
{
	FD_CLEANUP int target_dir = -1;
	char target[PATH_MAX];
	const char *name, *text = archive_entry_hardlink(x->entry);
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
	target_dir = fcntl(dir->fd, F_DUPFD_CLOEXEC, 0); /* may leave the cache with the next one */
	if (target_dir < 0)
		return err_sys(err, "link %s", x->path);
	rc = dirs_get(&x->dirs, x->path, x->parent_size, true, &dir, err);
	return rc < 0 ? rc : link_to(x, target_dir, name, dir, err);
}
