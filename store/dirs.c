#include "store/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/subpath.h"

/* A path that is being walked: `real` has been (and holds no symlinks), `rest` comes next. */
struct walk {
	char real[PATH_MAX];
	char rest[PATH_MAX];
	int links;
	bool make;
};

static int settle(struct dir *dir, struct err *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, dir->mtime };

	if (!dir->touched)
		return 0;
	dir->touched = false;
	if (futimens(dir->fd, times) < 0)
		return err_sys(err, "set the time of %s/", dir->path);
	return 0;
}

static int drop(struct dir *dir, struct err *err)
{
	int rc = settle(dir, err);

	close(dir->fd);
	free(dir->path);
	*dir = (struct dir){ .fd = -1 };
	return rc;
}

static struct dir *find(struct dirs *dirs, const char *path, size_t size)
{
	for (struct dir *dir = dirs->slots; dir < dirs->slots + DIRS_MAX; dir++) {
		if (!dir->path || strncmp(dir->path, path, size) != 0 || dir->path[size])
			continue;
		dir->used = ++dirs->clock;
		return dir;
	}
	return NULL;
}

static int free_slot(struct dirs *dirs, struct dir **out, struct err *err)
{
	struct dir *oldest = &dirs->slots[1];

	for (struct dir *dir = dirs->slots + 1; dir < dirs->slots + DIRS_MAX; dir++) {
		if (!dir->path) {
			*out = dir;
			return 0;
		}
		if (dir->used < oldest->used)
			oldest = dir;
	}
	*out = oldest;
	return drop(oldest, err);
}

/* Takes fd. */
static int add(struct dirs *dirs, int fd, const char *path, struct dir **out, struct err *err)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0) {
		rc = err_sys(err, "read the directory %s/", path);
		close(fd);
		return rc;
	}
	rc = free_slot(dirs, out, err);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	**out = (struct dir){
		.path = xstrdup(path),
		.fd = fd,
		.set_gid = st.st_mode & S_ISGID,
		.mtime = st.st_mtim,
		.used = ++dirs->clock,
	};
	return 0;
}

static int open_at(const struct dir *dir, const char *name)
{
	return openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A symlink stands at walk->real: its target takes the place of that component. */
static int follow(struct walk *walk, const struct dir *dir, const char *name, struct err *err)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(dir->fd, name, target, sizeof(target) - 1);
	size_t parent, rest = strlen(walk->rest);

	if (size < 0 && errno == EINVAL)
		return err_set(err, -ENOTDIR, "%s is not a directory, but something is below it",
			       walk->real);
	if (size < 0)
		return err_sys(err, "read the symlink %s", walk->real);
	if (++walk->links > DIRS_LINKS_MAX)
		return err_set(err, -ELOOP, "%s: more than %d symlinks in one path", walk->real,
			       DIRS_LINKS_MAX);
	if ((size_t)size + 1 + rest >= sizeof(walk->rest))
		return err_set(err, -ENAMETOOLONG, "the symlink %s makes a path too long",
			       walk->real);
	memmove(walk->rest + size + 1, walk->rest, rest + 1);
	memcpy(walk->rest, target, (size_t)size);
	walk->rest[size] = '/';
	subpath_split(walk->real, &parent);
	walk->real[target[0] == '/' ? 0 : parent] = '\0';
	return 0;
}

/* `real` now ends with a component that isn't open yet. A symlink there goes back to `rest`. */
static int enter(struct dirs *dirs, struct walk *walk, struct dir *dir, struct err *err)
{
	size_t parent;
	const char *name = subpath_split(walk->real, &parent);
	struct dir *entered;
	int fd = open_at(dir, name);

	if (fd < 0 && errno == ENOENT && walk->make) {
		dir_touch(dir);
		if (mkdirat(dir->fd, name, 0755) < 0)
			return err_sys(err, "make the directory %s/", walk->real);
		fd = open_at(dir, name);
	}
	if (fd >= 0)
		return add(dirs, fd, walk->real, &entered, err);
	if (errno == ELOOP || errno == ENOTDIR)
		return follow(walk, dir, name, err);
	return err_sys(err, "open the directory %s/", walk->real);
}

/* Moves the next component from `rest` to `real`; false when `rest` has none. */
static bool step(struct walk *walk, struct err *err, int *rc)
{
	char *p = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(p, "/"), size = strlen(walk->real), parent;

	*rc = 0;
	if (!length)
		return false;
	if (length == 2 && p[0] == '.' && p[1] == '.') {
		subpath_split(walk->real, &parent);
		walk->real[parent] = '\0';
	} else if (length != 1 || *p != '.') {
		if (size + length + 2 > sizeof(walk->real)) {
			*rc = err_set(err, -ENAMETOOLONG, "%s/...: the path is too long",
				      walk->real);
			return false;
		}
		if (size)
			walk->real[size++] = '/';
		memcpy(walk->real + size, p, length);
		walk->real[size + length] = '\0';
	}
	memmove(walk->rest, p + length, strlen(p + length) + 1);
	return true;
}

/* What was walked has left the cache, after a "..": walk it again, from the root. */
static int rewind_walk(struct walk *walk, struct err *err)
{
	size_t real = strlen(walk->real), rest = strlen(walk->rest);

	if (real + 1 + rest >= sizeof(walk->rest))
		return err_set(err, -ENAMETOOLONG, "%s/...: the path is too long", walk->real);
	memmove(walk->rest + real + 1, walk->rest, rest + 1);
	memcpy(walk->rest, walk->real, real);
	walk->rest[real] = '/';
	walk->real[0] = '\0';
	return 0;
}

/* Opens walk->real, of which all but the last component is known to be directories. */
static int visit(struct dirs *dirs, struct walk *walk, struct err *err)
{
	struct dir *parent;
	size_t size;

	if (find(dirs, walk->real, strlen(walk->real)))
		return 0;
	subpath_split(walk->real, &size);
	parent = find(dirs, walk->real, size);
	return parent ? enter(dirs, walk, parent, err) : rewind_walk(walk, err);
}

int dirs_get(struct dirs *dirs, const char *path, size_t size, bool make, struct dir **out,
	     struct err *err)
{
	struct walk walk = { .make = make };
	int rc = 0;

	*out = find(dirs, path, size);
	if (*out)
		return 0;
	if (size >= sizeof(walk.rest))
		return err_set(err, -ENAMETOOLONG, "%.40s...: the path is too long", path);
	memcpy(walk.rest, path, size);
	do {
		while (!rc && step(&walk, err, &rc))
			rc = visit(dirs, &walk, err);
		if (rc < 0)
			return rc;
		*out = find(dirs, walk.real, strlen(walk.real));
	} while (!*out && !(rc = rewind_walk(&walk, err)));
	return rc;
}

int dirs_child(struct dirs *dirs, struct dir *dir, const char *name, struct dir **out,
	       struct err *err)
{
	char path[PATH_MAX];
	size_t size = strlen(dir->path), length = strlen(name);
	int fd;

	if (size + length + 2 > sizeof(path))
		return err_set(err, -ENAMETOOLONG, "%s/...: the path is too long", dir->path);
	memcpy(path, dir->path, size);
	path[size] = '/';
	size += size > 0;
	memcpy(path + size, name, length + 1);
	dir->used = ++dirs->clock;
	*out = find(dirs, path, size + length);
	if (*out)
		return 0;
	fd = open_at(dir, name);
	if (fd < 0)
		return err_sys(err, "open the directory %s/", path);
	return add(dirs, fd, path, out, err);
}

int dirs_forget(struct dirs *dirs, const struct dir *keep, struct err *err)
{
	int rc = 0;

	for (struct dir *dir = dirs->slots + 1; dir < dirs->slots + DIRS_MAX; dir++) {
		int one = dir->path && dir != keep ? drop(dir, err) : 0;

		rc = rc ? rc : one;
	}
	return rc;
}

int dirs_open(struct dirs *dirs, int root_fd, struct err *err)
{
	struct dir *root = dirs->slots;
	struct stat st;

	*dirs = (struct dirs){ 0 };
	for (struct dir *dir = dirs->slots; dir < dirs->slots + DIRS_MAX; dir++)
		dir->fd = -1;
	if (fstat(root_fd, &st) < 0) {
		int rc = err_sys(err, "read the root directory");

		close(root_fd);
		return rc;
	}
	*root = (struct dir){
		.path = xstrdup(""),
		.fd = root_fd,
		.set_gid = st.st_mode & S_ISGID,
		.mtime = st.st_mtim,
	};
	return 0;
}

int dirs_close(struct dirs *dirs, struct err *err)
{
	int rc, last = 0;

	if (!dirs->slots[0].path)
		return 0;
	rc = dirs_forget(dirs, NULL, err);
	last = drop(&dirs->slots[0], err);
	return rc ? rc : last;
}
