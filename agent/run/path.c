#include "agent/run/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"

#define DEPTH_MAX 64
#define LINKS_MAX 40 /* as the kernel */

struct walk {
	int flags;
	int stack[DEPTH_MAX + 1]; /* the root and what was entered: ".." goes back without asking */
	int depth;
	int links;
	char rest[2 * PATH_MAX];
	const char *at; /* in rest */
};

const char *path_of_fd(char text[static PATH_OF_FD_MAX], int fd)
{
	snprintf(text, PATH_OF_FD_MAX, "/proc/self/fd/%d", fd);
	return text;
}

static void leave(struct walk *walk)
{
	if (walk->depth)
		close(walk->stack[walk->depth--]);
}

static void leave_all(struct walk *walk)
{
	while (walk->depth)
		leave(walk);
}

/* The next component into `name`; false at the end. */
static bool next_component(struct walk *walk, char name[static NAME_MAX + 1], int *rc)
{
	size_t length;

	walk->at += strspn(walk->at, "/");
	length = strcspn(walk->at, "/");
	*rc = length > NAME_MAX ? -ENAMETOOLONG : 0;
	if (!length || *rc)
		return false;
	memcpy(name, walk->at, length);
	name[length] = '\0';
	walk->at += length;
	return true;
}

static bool is_last(const struct walk *walk)
{
	return !walk->at[strspn(walk->at, "/")];
}

static int open_component(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int make_component(const struct walk *walk, int dir, const char *name)
{
	FD_CLEANUP int fd = -1;

	if (!is_last(walk) || walk->flags & PATH_MAKE_DIR)
		return mkdirat(dir, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 && errno != EEXIST ? -errno : 0;
}

/* Puts the text of a link in front of what is left to walk. */
static int follow(struct walk *walk, int link)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(link, "", target, sizeof(target));
	size_t left = strlen(walk->at);

	if (length < 0)
		return -errno;
	if (walk->flags & PATH_NO_LINKS || ++walk->links > LINKS_MAX)
		return -ELOOP;
	if (length == sizeof(target) || (size_t)length + 1 + left >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + length + 1, walk->at, left + 1);
	memcpy(walk->rest, target, (size_t)length);
	walk->rest[length] = '/';
	walk->at = walk->rest;
	if (*target == '/')
		leave_all(walk);
	return 0;
}

static int enter(struct walk *walk, const char *name)
{
	int dir = walk->stack[walk->depth];
	FD_CLEANUP int fd = open_component(dir, name);
	struct stat st;

	if (fd == -ENOENT && walk->flags & (PATH_MAKE_DIR | PATH_MAKE_FILE)) {
		fd = make_component(walk, dir, name);
		if (!fd)
			fd = open_component(dir, name);
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return follow(walk, fd);
	if (!S_ISDIR(st.st_mode) && !is_last(walk))
		return -ENOTDIR;
	if (walk->depth == DEPTH_MAX)
		return -ENAMETOOLONG;
	walk->stack[++walk->depth] = fd_steal(&fd);
	return 0;
}

static int walk_path(struct walk *walk)
{
	char name[NAME_MAX + 1];
	int rc = 0;

	while (!rc && next_component(walk, name, &rc)) {
		if (!strcmp(name, "."))
			continue;
		if (!strcmp(name, ".."))
			leave(walk);
		else
			rc = enter(walk, name);
	}
	return rc;
}

int path_open(int root, const char *path, int flags, struct err *err)
{
	struct walk walk = { .flags = flags, .stack[0] = root };
	int fd = -1, rc = -ENAMETOOLONG;

	if (strlen(path) < PATH_MAX) {
		strcpy(walk.rest, path);
		walk.at = walk.rest;
		rc = walk_path(&walk);
	}
	if (!rc && !walk.depth && flags & PATH_NOT_ROOT)
		return err_set(err, -EBUSY, "%s is the container's root itself, over which nothing can be "
					    "mounted", path);
	if (!rc && walk.depth) {
		rc = walk.stack[walk.depth--];
	} else if (!rc) {
		fd = fcntl(root, F_DUPFD_CLOEXEC, 3);
		rc = fd < 0 ? -errno : fd;
	}
	leave_all(&walk);
	if (rc == -ELOOP && flags & PATH_NO_LINKS)
		return err_set(err, rc,
			       "%s in the container's root is, or is below, a symbolic link", path);
	if (rc < 0)
		return err_code(err, rc, "%s in the container's root", path);
	return rc;
}

int path_open_parent(int root, const char *path, const char **name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	*name = slash ? slash + 1 : path;
	if (!**name || !strcmp(*name, ".") || !strcmp(*name, "..") || strlen(path) >= PATH_MAX)
		return err_set(err, -EINVAL, "%s does not name a file", path);
	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 0, path);
	return path_open(root, parent, PATH_MAKE_DIR, err);
}
