#include "store/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/fd.h"
#include "store/extract_index.h"
#include "store/extract_meta.h"
#include "store/extract_parts.h"
#include "store/subpath.h"

#define WHITEOUT ".wh."
#define WHITEOUT_META ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* --- what stands in the way --- */

int extract_clear_name(struct extract *x, struct dir *parent, struct err *err)
{
	struct stat st;
	int rc;

	if (fstatat(parent->fd, x->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "look at %s", x->path);
	if (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode)) {
		rc = dirs_forget(&x->dirs, parent, err);
		if (rc < 0)
			return rc;
	}
	extract_index_name(x, INDEX_GONE, parent, x->name, NULL);
	rc = fd_remove_tree(parent->fd, x->name);
	if (rc < 0) {
		errno = -rc;
		return err_sys(err, "replace %s", x->path);
	}
	return 0;
}

/* --- whiteouts --- */

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && !st->st_rdev;
}

static int make_opaque(struct extract *x, const struct dir *dir, struct err *err)
{
	if (fsetxattr(dir->fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
		return err_sys(err, "hide what is below %s/ in lower layers (trusted.overlay.opaque)",
			       x->path);
	extract_index_opaque(x, dir);
	return 0;
}

/* x->path is the directory that the .wh..wh..opq is in. */
static int opaque(struct extract *x, struct err *err)
{
	struct dir *dir;
	int rc;

	x->path[x->parent_size] = '\0';
	rc = dirs_get(&x->dirs, x->path, x->parent_size, true, &dir, err);
	return rc < 0 ? rc : make_opaque(x, dir, err);
}

/*
 * A directory of the same name in this layer has to hide the lower one, which a char device can't
 * do then; anything else hides it anyway.
 */
static int whiteout_existing(struct extract *x, struct dir *parent, struct err *err)
{
	struct dir *dir;
	struct stat st;
	int rc;

	if (fstatat(parent->fd, x->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "look at %s", x->path);
	if (!S_ISDIR(st.st_mode))
		return 0;
	rc = dirs_child(&x->dirs, parent, x->name, &dir, err);
	return rc < 0 ? rc : make_opaque(x, dir, err);
}

static int whiteout(struct extract *x, struct dir *parent, struct err *err)
{
	x->name += strlen(WHITEOUT);
	if (!*x->name || !strcmp(x->name, ".") || !strcmp(x->name, ".."))
		return err_set(err, -EINVAL, "%s: a whiteout of nothing", x->path);
	dir_touch(parent);
	if (mknodat(parent->fd, x->name, S_IFCHR, 0) == 0) {
		extract_index_name(x, INDEX_WHITEOUT, parent, x->name, NULL);
		return 0;
	}
	if (errno == EEXIST)
		return whiteout_existing(x, parent, err);
	return err_sys(err, "make the whiteout %s (a char device 0/0)", x->path);
}

/* --- the kinds of entries --- */

/* Sets *opaque when the directory takes the place of a whiteout, *fresh when it is new. */
static int make_dir(struct extract *x, struct dir *parent, bool *fresh, bool *is_opaque,
		    struct err *err)
{
	mode_t mode = archive_entry_perm(x->entry) & 01777;
	struct stat st;
	int rc;

	*fresh = mkdirat(parent->fd, x->name, mode) == 0;
	if (*fresh)
		return 0;
	if (errno != EEXIST || fstatat(parent->fd, x->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "make the directory %s/", x->path);
	if (S_ISDIR(st.st_mode))
		return 0;
	*is_opaque = is_whiteout(&st);
	rc = extract_clear_name(x, parent, err);
	if (rc < 0)
		return rc;
	*fresh = true;
	if (mkdirat(parent->fd, x->name, mode) < 0)
		return err_sys(err, "make the directory %s/", x->path);
	return 0;
}

static int extract_dir(struct extract *x, struct dir *parent, struct err *err)
{
	bool fresh = false, is_opaque = false;
	struct dir *dir = parent;
	int rc = 0;

	if (*x->path) {
		dir_touch(parent);
		rc = make_dir(x, parent, &fresh, &is_opaque, err) ?:
		     dirs_child(&x->dirs, parent, x->name, &dir, err);
	}
	if (!rc && is_opaque)
		rc = make_opaque(x, dir, err);
	if (!rc)
		rc = extract_set_owner_mode(dir->fd, x->entry, fresh, parent->set_gid, err);
	if (!rc)
		rc = extract_set_xattrs(dir->fd, x->entry, err);
	if (rc < 0)
		return rc;
	dir->set_gid = archive_entry_perm(x->entry) & S_ISGID;
	dir_touch(dir);
	return extract_kept_mtime(dir->fd, x->entry, &dir->mtime, err) ?: extract_index_dir(x, dir, err);
}

/* -1 and errno, as the system calls. */
static int make_node(const struct extract *x, const struct dir *parent)
{
	mode_t type = archive_entry_filetype(x->entry), mode = archive_entry_perm(x->entry);
	dev_t device = 0;

	if (type == AE_IFLNK)
		return symlinkat(archive_entry_symlink(x->entry) ?: "", parent->fd, x->name);
	if (type == AE_IFCHR || type == AE_IFBLK)
		device = makedev(archive_entry_rdevmajor(x->entry),
				 archive_entry_rdevminor(x->entry));
	return mknodat(parent->fd, x->name, type | mode, device);
}

static int extract_node(struct extract *x, struct dir *parent, struct err *err)
{
	dir_touch(parent);
	if (make_node(x, parent) < 0) {
		int rc = errno == EEXIST ? extract_clear_name(x, parent, err) :
					   err_sys(err, "make %s", x->path);

		if (rc < 0)
			return rc;
		if (make_node(x, parent) < 0)
			return err_sys(err, "make %s", x->path);
	}
	return extract_set_meta_at(parent, x->name, x->entry, err) ?:
	       extract_index_node(x, parent, err);
}

/* --- one entry, all entries --- */

static int extract_kind(struct extract *x, struct err *err)
{
	struct dir *parent;
	int rc;

	rc = dirs_get(&x->dirs, x->path, x->parent_size, true, &parent, err);
	if (rc < 0)
		return rc;
	if (begins(x->name, WHITEOUT))
		return whiteout(x, parent, err);
	if (archive_entry_hardlink(x->entry))
		return extract_hardlink(x, err);
	switch (archive_entry_filetype(x->entry)) {
	case AE_IFDIR:
		return extract_dir(x, parent, err);
	case AE_IFREG:
		return extract_file(x, parent, err);
	case AE_IFLNK:
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
		return extract_node(x, parent, err);
	default:
		return err_set(err, -EINVAL, "%s is of an unknown kind", x->path);
	}
}

static int extract_entry(struct extract *x, struct err *err)
{
	const char *name = archive_entry_pathname(x->entry);
	int rc = name ? subpath_clean(x->path, name) : -EINVAL;

	if (rc == -ENAMETOOLONG)
		return err_set(err, rc, "%.80s...: a path of more than %d bytes", name, PATH_MAX);
	if (rc < 0)
		return err_set(err, -EINVAL, "the entry \"%s\" is outside of the layer",
			       name ? name : "");
	if (++x->result->files > EXTRACT_ENTRIES_MAX)
		return err_set(err, -EFBIG, "more than %d entries", EXTRACT_ENTRIES_MAX);
	x->name = subpath_split(x->path, &x->parent_size);
	if (!*x->path && archive_entry_filetype(x->entry) != AE_IFDIR)
		return err_set(err, -EINVAL, "the root is not a directory");
	if (!strcmp(x->name, WHITEOUT_OPAQUE))
		return opaque(x, err);
	/* Other names of this kind are aufs' own bookkeeping, which docker skips as well. */
	if (begins(x->name, WHITEOUT_META) || begins(x->path, WHITEOUT_META))
		return 0;
	return extract_kind(x, err);
}

static int extract_all(struct extract *x, struct err *err)
{
	int rc;

	while ((rc = tar_next(&x->tar, &x->entry, err)) > 0) {
		rc = extract_entry(x, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int extract(struct stream *from, int root_fd, const struct extract_reuse *reuse,
	    struct index_writer *index, struct extract_result *result, struct err *err)
{
	struct extract x = { .reuse = reuse, .index = index, .result = result };
	int root = fcntl(root_fd, F_DUPFD_CLOEXEC, 0), rc, closing;
	mode_t mask = umask(0);

	*result = (struct extract_result){ 0 };
	rc = root < 0 ? err_sys(err, "open the layer's directory") : dirs_open(&x.dirs, root, err);
	if (!rc) {
		tar_open(&x.tar, from);
		rc = extract_all(&x, err);
		tar_close(&x.tar);
		closing = dirs_close(&x.dirs, rc ? NULL : err);
		rc = rc ? rc : closing;
	}
	umask(mask);
	return rc;
}
