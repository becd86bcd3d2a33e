#include "store/relink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "store/held.h"
#include "store/subpath.h"

#define LIST_MAX ((off_t)1 << 30) /* bytes */

/* A directory that is open: records come grouped by directory. */
struct place {
	int fd;
	char path[PATH_MAX];
	unsigned int number;	/* of the layer, on the side of the base */
	struct timespec mtime;	/* on the side of the new layer: as extraction left it */
};

struct relink {
	const struct relink_base *base;
	int64_t files; /* linked */
	int fs, held;
	dev_t device;
	ino_t placeholders[2 * HELD_PLACEHOLDERS_MAX];
	size_t placeholder_count;
	struct place into, from;
};

static int failed(const char *path, int code, struct err *err)
{
	return err_code(err, code, "link the unchanged file %s", path);
}

/* --- directories --- */

/* Making links has changed its time. */
static int leave_into(struct relink *relink)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, relink->into.mtime };
	int rc = 0;

	if (relink->into.fd >= 0 && futimens(relink->into.fd, times) < 0)
		rc = -errno;
	fd_close(&relink->into.fd);
	return rc;
}

static bool is_at(const struct place *place, const char *path, size_t size)
{
	return place->fd >= 0 && !strncmp(place->path, path, size) && !place->path[size];
}

static void set_place(struct place *place, int fd, const char *path, size_t size)
{
	place->fd = fd;
	memcpy(place->path, path, size);
	place->path[size] = '\0';
}

/* 1: the directory is not there any more, so the file isn't either. */
static int enter_into(struct relink *relink, const char *path, size_t size)
{
	struct stat st;
	int rc, fd;

	if (is_at(&relink->into, path, size))
		return 0;
	rc = leave_into(relink);
	if (rc < 0)
		return rc;
	fd = subpath_open_dir(relink->fs, path, size, O_RDONLY);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 1;
	if (fd < 0)
		return fd;
	set_place(&relink->into, fd, path, size);
	if (fstat(fd, &st) < 0)
		return -errno;
	relink->into.mtime = st.st_mtim;
	return 0;
}

static int open_layer(const struct relink_base *base, unsigned int number)
{
	char name[DIGEST_TEXT_SIZE + 4];

	if (number >= base->count)
		return -EINVAL;
	snprintf(name, sizeof(name), "%s/fs", digest_hex(&base->diff_ids[number]));
	return subpath_open_dir(base->layers, name, strlen(name), O_PATH);
}

static int enter_from(struct relink *relink, unsigned int number, const char *path, size_t size)
{
	int layer, fd;

	if (relink->from.number == number && is_at(&relink->from, path, size))
		return 0;
	fd_close(&relink->from.fd);
	layer = open_layer(relink->base, number);
	if (layer < 0)
		return layer;
	fd = subpath_open_dir(layer, path, size, O_PATH);
	close(layer);
	if (fd < 0)
		return fd;
	set_place(&relink->from, fd, path, size);
	relink->from.number = number;
	return 0;
}

/* --- one record --- */

static bool is_placeholder(const struct relink *relink, const struct stat *st)
{
	for (size_t i = 0; i < relink->placeholder_count; i++)
		if (st->st_dev == relink->device && st->st_ino == relink->placeholders[i])
			return true;
	return false;
}

static int replace(struct relink *relink, const struct held_record *record, const char *name)
{
	struct stat st;
	size_t size;
	const char *from = subpath_split(record->from, &size);
	int rc = enter_from(relink, record->number, record->from, size);

	if (rc < 0)
		return rc;
	if (fstatat(relink->from.fd, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (unlinkat(relink->into.fd, name, 0) < 0 ||
	    linkat(relink->from.fd, from, relink->into.fd, name, 0) < 0)
		return -errno;
	relink->files++;
	return 0;
}

static int follow(struct relink *relink, const struct held_record *record)
{
	struct stat st;
	size_t size;
	const char *name = subpath_split(record->path, &size);
	int rc = enter_into(relink, record->path, size);

	if (rc)
		return rc < 0 ? rc : 0;
	if (fstatat(relink->into.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return is_placeholder(relink, &st) ? replace(relink, record, name) : 0;
}

/* --- the list --- */

static int follow_list(struct relink *relink, const char *data, size_t size, struct err *err)
{
	for (int64_t rest = (int64_t)size; rest > 0;) {
		struct held_record record;
		int rc;

		rest = held_parse_last(&record, data, (size_t)rest);
		if (rest < 0)
			return err_set(err, -EINVAL, "the list of unchanged files is damaged");
		rc = follow(relink, &record);
		if (rc < 0)
			return failed(record.path, rc, err);
	}
	return 0;
}

static int read_list(struct relink *relink, struct err *err)
{
	/* O_NONBLOCK: unpack may have made a FIFO of it. */
	FD_CLEANUP int fd = openat(relink->held, HELD_LIST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char *data;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "read the list of unchanged files");
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "the list of unchanged files is no file");
	if (st.st_size > LIST_MAX)
		return err_set(err, -EFBIG, "the list of unchanged files is too long");
	if (!st.st_size)
		return 0;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return err_sys(err, "read the list of unchanged files");
	rc = follow_list(relink, data, (size_t)st.st_size, err);
	munmap(data, (size_t)st.st_size);
	return rc;
}

/* --- placeholders --- */

static int add_placeholder(struct relink *relink, const char *name)
{
	struct stat st;

	if (fstatat(relink->held, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	relink->device = st.st_dev;
	relink->placeholders[relink->placeholder_count++] = st.st_ino;
	return 0;
}

static int find_placeholders(struct relink *relink, struct err *err)
{
	int rc = 0;

	for (unsigned int i = 0; !rc && i < 2 * HELD_PLACEHOLDERS_MAX; i++) {
		char name[HELD_NAME_SIZE];

		held_placeholder_name(name, i % 2, i / 2);
		rc = add_placeholder(relink, name);
	}
	return rc ? err_code(err, rc, "read the list of unchanged files") : 0;
}

/* Any other name they have would be an empty file in the place of a real one. */
static int check_placeholders(struct relink *relink, struct err *err)
{
	for (unsigned int i = 0; i < 2 * HELD_PLACEHOLDERS_MAX; i++) {
		char name[HELD_NAME_SIZE];
		struct stat st;

		held_placeholder_name(name, i % 2, i / 2);
		if (fstatat(relink->held, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink != 1)
			return err_set(err, -EINVAL, "%lu unchanged files are not in the list",
				       (unsigned long)st.st_nlink - 1);
	}
	return 0;
}

static int relink_all(struct relink *relink, struct err *err)
{
	int rc = find_placeholders(relink, err), left;

	if (!rc)
		rc = read_list(relink, err);
	left = leave_into(relink);
	if (!rc && left < 0)
		rc = failed(relink->into.path, left, err);
	return rc ? rc : check_placeholders(relink, err);
}

int relink_layer(const struct relink_base *base, int layer_dir, int64_t *files, struct err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct relink relink = { .base = base, .into.fd = -1, .from.fd = -1 };
	int rc;

	*files = 0;
	relink.held = openat(layer_dir, HELD_DIR, flags);
	if (relink.held < 0)
		return errno == ENOENT ? 0 : err_sys(err, "read the list of unchanged files");
	relink.fs = openat(layer_dir, "fs", flags);
	rc = relink.fs < 0 ? err_sys(err, "open the layer's files") : relink_all(&relink, err);
	*files = relink.files;
	fd_close(&relink.from.fd);
	fd_close(&relink.held);
	fd_close(&relink.fs);
	if (!rc)
		rc = fd_remove_tree(layer_dir, HELD_DIR);
	return rc && !(err && err->code) ? failed(HELD_DIR, rc, err) : rc;
}
