#include "store/extract_index.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* `path` has PATH_MAX bytes; too long a path is one that could not have been made. */
static const char *join(char *path, const struct dir *parent, const char *name)
{
	snprintf(path, PATH_MAX, "%s%s%s", parent->path, *parent->path ? "/" : "", name);
	return path;
}

void extract_index_file(struct extract *x, const struct dir *parent, const struct stat *st,
			uint64_t hash, uint32_t attributes)
{
	struct index_entry entry;
	char path[PATH_MAX];

	if (!x->index)
		return;
	index_entry_of(&entry, join(path, parent, x->name), st);
	entry.hash = hash;
	entry.attributes = attributes;
	index_write(x->index, &entry);
}

static uint32_t attributes_of(const struct extract *x, int fd)
{
	return archive_entry_xattr_count(x->entry) ? index_attributes(fd) : 0;
}

int extract_index_open_file(struct extract *x, const struct dir *parent, int fd, uint64_t hash,
			    struct err *err)
{
	struct stat st;

	if (!x->index)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at %s", x->path);
	extract_index_file(x, parent, &st, hash, attributes_of(x, fd));
	return 0;
}

int extract_index_dir(struct extract *x, const struct dir *dir, struct err *err)
{
	struct index_entry entry;
	struct stat st;

	if (!x->index)
		return 0;
	if (fstat(dir->fd, &st) < 0)
		return err_sys(err, "look at %s/", x->path);
	index_entry_of(&entry, dir->path, &st);
	/* What it gets when it is left (dirs.h). */
	entry.mtime = dir->mtime;
	if (!archive_entry_mtime_is_set(x->entry))
		entry.mtime.tv_nsec = INDEX_NO_TIME;
	entry.attributes = attributes_of(x, dir->fd);
	index_write(x->index, &entry);
	return 0;
}

int extract_index_node(struct extract *x, const struct dir *parent, struct err *err)
{
	const char *target = archive_entry_symlink(x->entry);
	struct index_entry entry;
	char path[PATH_MAX];
	struct stat st;

	if (!x->index)
		return 0;
	if (fstatat(parent->fd, x->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "look at %s", x->path);
	index_entry_of(&entry, join(path, parent, x->name), &st);
	if (entry.kind == INDEX_SYMLINK && target)
		entry.hash = xxh64_of(target, strlen(target));
	index_write(x->index, &entry);
	return 0;
}

void extract_index_name(struct extract *x, enum index_kind kind, const struct dir *parent,
			const char *name, const char *target)
{
	struct index_entry entry = { .kind = kind, .target = target };
	char path[PATH_MAX];

	if (!x->index)
		return;
	entry.path = join(path, parent, name);
	index_write(x->index, &entry);
}

void extract_index_opaque(struct extract *x, const struct dir *dir)
{
	const struct index_entry entry = { .kind = INDEX_OPAQUE, .path = dir->path };

	if (x->index)
		index_write(x->index, &entry);
}
