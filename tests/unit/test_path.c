#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/run/path.h"
#include "lib/fd.h"

static char folder[] = "/tmp/test_path.XXXXXX";
static int root = -1;

/* folder/outside is what must never be reached, folder/root is the root. */
static void set_up(void)
{
	if (!mkdtemp(folder) || chdir(folder) < 0 || mkdir("outside", 0755) < 0 ||
	    mkdir("root", 0755) < 0)
		abort();
	root = open("root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(root, "a", 0755) < 0 || mkdirat(root, "a/b", 0755) < 0 ||
	    symlinkat("/a/b", root, "absolute") < 0 || symlinkat("../../outside", root, "up") < 0 ||
	    symlinkat("b/..", root, "a/back") < 0 || symlinkat("loop", root, "loop") < 0 ||
	    symlinkat("/new/place", root, "dangling") < 0 ||
	    symlinkat("/proc/self/root", root, "magic") < 0)
		abort();
}

/* Where a path leads, as text below folder/root; "error N" when it does not. */
static const char *resolve(const char *path, int flags)
{
	static char text[512];
	char link[PATH_OF_FD_MAX];
	FD_CLEANUP int fd = path_open(root, path, flags, NULL);
	size_t prefix = strlen(folder) + strlen("/root");
	ssize_t length;

	if (fd < 0) {
		snprintf(text, sizeof(text), "error %d", -fd);
		return text;
	}
	length = readlink(path_of_fd(link, fd), text, sizeof(text) - 1);
	if (length < (ssize_t)prefix || strncmp(text, folder, strlen(folder)) ||
	    strncmp(text + strlen(folder), "/root", 5))
		return "outside";
	text[length] = '\0';
	return text + prefix;
}

static void links_stay_inside(void)
{
	CHECK_TEXT(resolve("/", 0), "");
	CHECK_TEXT(resolve("a/b", 0), "/a/b");
	CHECK_TEXT(resolve("/a//./b/", 0), "/a/b");
	CHECK_TEXT(resolve("../../..", 0), "");
	CHECK_TEXT(resolve("/a/b/../../../a", 0), "/a");
	CHECK_TEXT(resolve("absolute", 0), "/a/b");
	CHECK_TEXT(resolve("/a/back", 0), "/a");
	CHECK_TEXT(resolve("/a/back/back/b", 0), "/a/b");
	CHECK_TEXT(resolve("up", 0), "error 2");
	CHECK_TEXT(resolve("magic", 0), "error 2");
	CHECK_TEXT(resolve("loop", 0), "error 40");
	CHECK_TEXT(resolve("/a/none", 0), "error 2");
}

static void links_can_be_refused(void)
{
	CHECK_TEXT(resolve("/a/b", PATH_NO_LINKS), "/a/b");
	CHECK_TEXT(resolve("absolute", PATH_NO_LINKS), "error 40");
	CHECK_TEXT(resolve("/a/back/b", PATH_NO_LINKS), "error 40");
}

static void missing_parts_are_made_inside(void)
{
	struct stat st;

	CHECK_TEXT(resolve("/x/y/z", PATH_MAKE_DIR), "/x/y/z");
	CHECK_TEXT(resolve("/x/y/file", PATH_MAKE_FILE), "/x/y/file");
	CHECK(fstatat(root, "x/y/file", &st, 0) == 0 && S_ISREG(st.st_mode));
	CHECK_TEXT(resolve("/x/y/file/below", PATH_MAKE_DIR), "error 20");
	CHECK_TEXT(resolve("up/made", PATH_MAKE_DIR), "/outside/made");
	CHECK(access("outside/made", F_OK) < 0);
	CHECK_TEXT(resolve("dangling/here", PATH_MAKE_DIR), "/new/place/here");
	CHECK_TEXT(resolve("dangling2", PATH_MAKE_FILE), "/dangling2");
}

static void too_much_is_refused(void)
{
	char path[3000];

	memset(path, 'x', sizeof(path));
	path[299] = '\0';
	CHECK_TEXT(resolve(path, PATH_MAKE_DIR), "error 36");
	for (int i = 0; i < 2900; i += 2)
		memcpy(path + i, "d/", 3);
	CHECK_TEXT(resolve(path, PATH_MAKE_DIR), "error 36");
}

static void parents(void)
{
	const char *name;
	FD_CLEANUP int fd = path_open_parent(root, "/dev/sub/null", &name, NULL);

	CHECK(fd >= 0);
	CHECK_TEXT(name, "null");
	CHECK_TEXT(resolve("/dev/sub", 0), "/dev/sub");
	CHECK_INT(path_open_parent(root, "/dev/..", &name, NULL), -EINVAL);
	CHECK_INT(path_open_parent(root, "/", &name, NULL), -EINVAL);
}

int main(void)
{
	set_up();
	RUN(links_stay_inside);
	RUN(links_can_be_refused);
	RUN(missing_parts_are_made_inside);
	RUN(too_much_is_refused);
	RUN(parents);
	fd_close(&root);
	fd_remove_tree(AT_FDCWD, folder);
	return test_end();
}
