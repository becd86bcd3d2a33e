/* Removing trees: links, and what is mounted in them. Deep ones are in test_fd. */
// QEMU: no, it mounts
#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct scratch scratch;

/* name/{file,folder/,d/file} */
static void make_tree(const char *name)
{
	FD_CLEANUP int top = fd_open_dir(scratch.fd, name, 0755);
	FD_CLEANUP int below = fd_open_dir(top, "d", 0755);

	CHECK_INT(fd_replace_file_volatile(top, "file", "x", 1, 0600), 0);
	CHECK_INT(fd_replace_file_volatile(below, "file", "x", 1, 0600), 0);
	CHECK_INT(fd_make_dir(top, "folder", 0755), 0);
}

static bool is_there(const char *name)
{
	struct stat st;

	return fstatat(scratch.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void links_are_removed_not_followed(void)
{
	make_tree("kept");
	make_tree("gone");
	CHECK_INT(symlinkat("../kept", scratch.fd, "gone/link"), 0);
	CHECK_INT(fd_remove_tree(scratch.fd, "gone"), 0);
	CHECK(is_there("kept/d/file"));
	CHECK_INT(symlinkat("kept", scratch.fd, "link"), 0);
	CHECK_INT(fd_remove_tree(scratch.fd, "link"), 0);
	CHECK(is_there("kept/d/file") && !is_there("link"));
	CHECK_INT(fd_remove_tree(scratch.fd, "not-there"), 0);
	CHECK_INT(fd_remove_tree(scratch.fd, "kept"), 0);
}

static void what_is_mounted_there_stays(void)
{
	char path[128];

	make_tree("tree");
	snprintf(path, sizeof(path), "%s/tree/folder", scratch.path);
	CHECK_INT(mount("tmpfs", path, "tmpfs", 0, "size=100k"), 0);
	CHECK_INT(fd_make_dir(scratch.fd, "tree/folder/inside", 0755), 0);
	CHECK_INT(fd_remove_tree(scratch.fd, "tree"), -EXDEV);
	CHECK(is_there("tree/folder/inside"));
	CHECK_INT(umount2(path, MNT_DETACH), 0);
	CHECK_INT(fd_remove_tree(scratch.fd, "tree"), 0);
}

int main(void)
{
	scratch_open(&scratch);
	RUN(links_are_removed_not_followed);
	RUN(what_is_mounted_there_stays);
	scratch_close(&scratch);
	return test_end();
}
