#include "store/layer_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/fd.h"
#include "store/base.h"
#include "store/file.h"
#include "store/index.h"
#include "store/index_map.h"
#include "store/subpath.h"

#define READ_SIZE 65536
#define DEPTH_MAX 200 /* of directories: one descriptor each */
#define DIR_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

const char *const check_depth_names[CHECK_DEPTHS] = {
	[CHECK_PRESENCE] = "presence", [CHECK_STAT] = "stat", [CHECK_CONTENT] = "content",
};

const char *const damage_kind_names[DAMAGE_KINDS] = {
	[DAMAGE_MISSING] = "missing",	    [DAMAGE_TRUNCATED] = "truncated",
	[DAMAGE_ALTERED] = "altered",	    [DAMAGE_METADATA] = "metadata",
	[DAMAGE_UNREADABLE] = "unreadable", [DAMAGE_FOREIGN] = "foreign",
	[DAMAGE_RECORD] = "record",	    [DAMAGE_UNCHECKED] = "unchecked",
	[DAMAGE_ORPHAN] = "orphan",
};

struct checker {
	const struct layer_check *check;
	struct index_map map;
	int root;
	char parent[PATH_MAX]; /* of the entry at hand */
	int parent_fd;	       /* -1: none is open, or it isn't there */
	uint32_t number;       /* of the entry */
	bool is_enough;
	unsigned char *data;
};

__attribute__((format(printf, 4, 5))) static void tell(struct checker *checker,
						       enum damage_kind kind, const char *path,
						       const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!checker->check->on_damage(checker->check->data, kind, path, text))
		checker->is_enough = true;
}

/* --- where an entry is --- */

/* One component after the other: a directory may have become a symlink that leads out. */
static int walk(int root, const char *path, size_t size)
{
	int fd = openat(root, ".", DIR_FLAGS), next;
	char name[NAME_MAX + 1];

	while (fd >= 0 && size) {
		size_t length = strcspn(path, "/");

		if (length > size)
			length = size;
		if (length > NAME_MAX) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, length);
		name[length] = '\0';
		next = openat(fd, name, DIR_FLAGS);
		fd_close(&fd);
		fd = next;
		length += length < size; /* the slash */
		path += length;
		size -= length;
	}
	return fd;
}

/* The last part of the path; its directory is checker->parent_fd then. */
static const char *enter_parent(struct checker *checker, const char *path)
{
	size_t size, old = strlen(checker->parent);
	const char *name = subpath_split(path, &size);

	if (checker->parent_fd >= 0 && size == old && !memcmp(checker->parent, path, size))
		return name;
	fd_close(&checker->parent_fd);
	memcpy(checker->parent, path, size);
	checker->parent[size] = '\0';
	checker->parent_fd = walk(checker->root, path, size);
	return name;
}

/* The root itself has no name. */
static int look(struct checker *checker, const char *path, struct stat *st)
{
	const char *name = enter_parent(checker, path);

	if (checker->parent_fd < 0)
		return -1;
	if (!*name)
		return fstatat(checker->root, "", st, AT_EMPTY_PATH);
	return fstatat(checker->parent_fd, name, st, AT_SYMLINK_NOFOLLOW);
}

/* --- what it says about itself --- */

/* A store that was copied to a file system without nanoseconds is not damaged. */
static bool is_time(const struct timespec *actual, const struct timespec *expected)
{
	if (expected->tv_nsec == INDEX_NO_TIME)
		return true;
	return actual->tv_sec == expected->tv_sec &&
	       (actual->tv_nsec == expected->tv_nsec || !actual->tv_nsec);
}

static bool check_metadata(struct checker *checker, const struct index_entry *entry,
			   const struct stat *st)
{
	if (entry->kind != INDEX_SYMLINK && st->st_mode != entry->mode)
		tell(checker, DAMAGE_METADATA, entry->path, "mode %04o instead of %04o",
		     st->st_mode & 07777, entry->mode & 07777);
	else if (st->st_uid != entry->uid || st->st_gid != entry->gid)
		tell(checker, DAMAGE_METADATA, entry->path, "owner %u:%u instead of %u:%u",
		     st->st_uid, st->st_gid, entry->uid, entry->gid);
	else if (!is_time(&st->st_mtim, &entry->mtime))
		tell(checker, DAMAGE_METADATA, entry->path, "changed at another time");
	else
		return true;
	return false;
}

static bool check_shape(struct checker *checker, const struct index_entry *entry,
			const struct stat *st)
{
	if ((st->st_mode & S_IFMT) != (entry->mode & S_IFMT))
		tell(checker, DAMAGE_ALTERED, entry->path, "another kind of file");
	else if (entry->kind == INDEX_NODE && !S_ISFIFO(st->st_mode) &&
		 st->st_rdev != makedev(entry->major, entry->minor))
		tell(checker, DAMAGE_ALTERED, entry->path, "another device");
	else if (entry->kind == INDEX_FILE && st->st_size != entry->size)
		tell(checker, st->st_size < entry->size ? DAMAGE_TRUNCATED : DAMAGE_ALTERED,
		     entry->path, "%lld bytes instead of %lld", (long long)st->st_size,
		     (long long)entry->size);
	else
		return check_metadata(checker, entry, st);
	return false;
}

/* --- what is in it --- */

static int open_file(const struct checker *checker, const char *name)
{
	int fd = openat(checker->parent_fd, name, READ_FLAGS | O_NOATIME);

	return fd < 0 && errno == EPERM ? openat(checker->parent_fd, name, READ_FLAGS) : fd;
}

static int hash_file(struct checker *checker, int fd, uint64_t *out)
{
	struct xxh64 hash;
	ssize_t got;

	xxh64_init(&hash);
	while ((got = read(fd, checker->data, READ_SIZE)) > 0)
		xxh64_update(&hash, checker->data, (size_t)got);
	*out = xxh64_value(&hash);
	return got < 0 ? -1 : 0;
}

static void check_file(struct checker *checker, const struct index_entry *entry, const char *name)
{
	int fd = open_file(checker, name);
	uint64_t hash = 0;

	if (fd < 0 || (entry->hash && hash_file(checker, fd, &hash) < 0))
		tell(checker, DAMAGE_UNREADABLE, entry->path, "%s", strerror(errno));
	else if (hash != entry->hash)
		tell(checker, DAMAGE_ALTERED, entry->path, "other bytes than it had");
	else if (entry->attributes && index_attributes(fd) != entry->attributes)
		tell(checker, DAMAGE_METADATA, entry->path, "other extended attributes");
	base_close_file(&fd);
}

static void check_symlink(struct checker *checker, const struct index_entry *entry, const char *name)
{
	ssize_t size = readlinkat(checker->parent_fd, name, (char *)checker->data, READ_SIZE);

	if (size < 0)
		tell(checker, DAMAGE_UNREADABLE, entry->path, "%s", strerror(errno));
	else if (xxh64_of(checker->data, (size_t)size) != entry->hash)
		tell(checker, DAMAGE_ALTERED, entry->path, "leads elsewhere");
}

static void check_content(struct checker *checker, const struct index_entry *entry)
{
	const char *name = enter_parent(checker, entry->path);

	if (entry->kind == INDEX_FILE)
		check_file(checker, entry, name);
	else if (entry->kind == INDEX_SYMLINK)
		check_symlink(checker, entry, name);
}

static void check_opaque(struct checker *checker, const char *path)
{
	FD_CLEANUP int dir = walk(checker->root, path, strlen(path));
	FD_CLEANUP int fd = dir < 0 ? -1 : openat(dir, ".", READ_FLAGS | O_DIRECTORY);
	char value[2];

	if (fd < 0 || fgetxattr(fd, "trusted.overlay.opaque", value, sizeof(value)) != 1 ||
	    value[0] != 'y')
		tell(checker, DAMAGE_METADATA, path, "does not hide what is below it any more");
}

/* --- one entry, all entries --- */

static void check_link(struct checker *checker, const struct index_entry *entry,
		       const struct stat *st)
{
	struct stat target;

	if (!S_ISREG(st->st_mode) && !S_ISLNK(st->st_mode) && !S_ISCHR(st->st_mode) &&
	    !S_ISBLK(st->st_mode) && !S_ISFIFO(st->st_mode))
		tell(checker, DAMAGE_ALTERED, entry->path, "another kind of file");
	else if (index_map_changed_after(&checker->map, entry->target, checker->number))
		return; /* its other name is another file by now */
	else if (look(checker, entry->target, &target) < 0 || target.st_ino != st->st_ino)
		tell(checker, DAMAGE_ALTERED, entry->path, "not the same file as %.150s any more",
		     entry->target);
}

static void check_entry(struct checker *checker, const struct index_entry *entry)
{
	bool reads = checker->check->depth == CHECK_CONTENT;
	struct stat st;

	if (entry->kind == INDEX_OPAQUE) {
		if (reads)
			check_opaque(checker, entry->path);
		return;
	}
	if (look(checker, entry->path, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			tell(checker, DAMAGE_MISSING, entry->path, "is not there");
		else
			tell(checker, DAMAGE_UNREADABLE, entry->path, "%s", strerror(errno));
	} else if (entry->kind == INDEX_LINK) {
		check_link(checker, entry, &st);
	} else if (entry->kind == INDEX_WHITEOUT) {
		if (!S_ISCHR(st.st_mode) || st.st_rdev)
			tell(checker, DAMAGE_ALTERED, entry->path, "is no whiteout any more");
	} else if (check_shape(checker, entry, &st) && reads) {
		check_content(checker, entry);
	}
}

static int check_entries(struct checker *checker, const struct buf *index, struct err *err)
{
	struct index_reader reader;
	struct index_entry entry;
	int rc = index_read_begin(&reader, index->data, index->size, err);

	while (rc >= 0 && !checker->is_enough && (rc = index_read(&reader, &entry, err)) > 0) {
		checker->number++;
		if (index_map_counts(&checker->map, &entry, checker->number))
			check_entry(checker, &entry);
	}
	return rc < 0 ? rc : 0;
}

/* --- what does not belong there --- */

static void find_foreign(struct checker *checker, int dirfd, char *path, size_t size, int depth);

static bool is_dir(int dirfd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static void look_at_name(struct checker *checker, int dirfd, const struct dirent *entry, char *path,
			 size_t size, int depth)
{
	const char *name = entry->d_name;
	size_t more = strlen(name), start = size + (size > 0);

	if (!strcmp(name, ".") || !strcmp(name, "..") || start + more >= PATH_MAX)
		return;
	if (size)
		path[size] = '/';
	memcpy(path + start, name, more + 1);
	if (!index_map_has(&checker->map, path))
		tell(checker, DAMAGE_FOREIGN, path, "is not part of the layer");
	else if (depth < DEPTH_MAX && is_dir(dirfd, entry))
		find_foreign(checker, dirfd, path, start + more, depth + 1);
	path[size] = '\0';
}

/* `path` of `size` bytes is a name in dirfd, or the root. */
static void find_foreign(struct checker *checker, int dirfd, char *path, size_t size, int depth)
{
	const char *name = size ? (strrchr(path, '/') ?: path - 1) + 1 : ".";
	int fd = openat(dirfd, name, READ_FLAGS | O_DIRECTORY | O_NOATIME);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		fd_close(&fd); /* it was told already that this is no directory */
		return;
	}
	while (!checker->is_enough && (entry = readdir(dir)))
		look_at_name(checker, fd, entry, path, size, depth);
	closedir(dir);
}

/* --- a layer --- */

static int compare(struct checker *checker, const struct buf *index, struct err *err)
{
	char path[PATH_MAX] = "";
	int rc = index_map_init(&checker->map, index->data, index->size, err);

	checker->data = xmalloc(READ_SIZE);
	if (!rc)
		rc = check_entries(checker, index, err);
	if (!rc && checker->check->depth == CHECK_CONTENT)
		find_foreign(checker, checker->root, path, 0, 0);
	fd_close(&checker->parent_fd);
	index_map_release(&checker->map);
	free(checker->data);
	if (rc == -EBADMSG) {
		tell(checker, DAMAGE_RECORD, "", "%s", err ? err->text : "its index is damaged");
		rc = 0;
	}
	return rc;
}

static int check_index(struct checker *checker, int dir, const struct layer_meta *meta,
		       struct err *err)
{
	BUF_CLEANUP struct buf index = BUF_INIT;
	int rc = file_read(dir, "index", &index, INDEX_SIZE_MAX);

	if (rc < 0)
		tell(checker, DAMAGE_RECORD, "", "its index can't be read: %s", strerror(-rc));
	else if (index.size < INDEX_CHECKSUM_SIZE ||
		 index_checksum(index.data, index.size) != meta->index)
		tell(checker, DAMAGE_RECORD, "", "its index is not the one that was written");
	else if (checker->check->depth == CHECK_PRESENCE &&
		 xxh64_of(index.data, index.size - INDEX_CHECKSUM_SIZE) != meta->index)
		tell(checker, DAMAGE_RECORD, "", "its index is damaged");
	else if (checker->check->depth > CHECK_PRESENCE)
		return compare(checker, &index, err);
	return 0;
}

static int check_layer(struct checker *checker, const struct store *store,
		       const struct digest *diff_id, struct err *err)
{
	FD_CLEANUP int dir = openat(store->layers, digest_hex(diff_id), DIR_FLAGS);
	struct err why = ERR_INIT;
	struct layer_meta meta;
	int rc = layer_read_meta(store, diff_id, &meta, &why);

	if (rc == -ENOENT)
		tell(checker, DAMAGE_MISSING, "", "is not there");
	else if (rc < 0)
		tell(checker, DAMAGE_RECORD, "", "its meta can't be used: %s", why.text);
	else if ((checker->root = openat(dir, "fs", DIR_FLAGS)) < 0)
		tell(checker, DAMAGE_MISSING, "", "its files: %s", strerror(errno));
	else if (!meta.has_index)
		tell(checker, DAMAGE_UNCHECKED, "", "an older berth has unpacked it without an index");
	else
		return check_index(checker, dir, &meta, err);
	return 0;
}

int layer_check(const struct layer_check *check, const struct store *store,
		const struct digest *diff_id, struct err *err)
{
	struct checker *checker = xcalloc(1, sizeof(*checker));
	int rc;

	checker->check = check;
	checker->root = checker->parent_fd = -1;
	rc = check_layer(checker, store, diff_id, err);
	fd_close(&checker->root);
	free(checker);
	return rc ? err_context(err, "check layer %s", diff_id->text) : 0;
}
