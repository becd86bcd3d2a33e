/* Archives of every shape, written by hand or by GNU tar, and what comes out of them. Needs root. */
// QEMU: no, it makes devices and attributes as root
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "store/extract.h"
#include "tests/unit/memory_stream.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tar_builder.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct extract_result result;
static struct err err;
static char path_buffer[512];

/* A path in the extracted tree. */
static const char *in_tree(const char *name)
{
	snprintf(path_buffer, sizeof(path_buffer), "%s/tree/%s", scratch.path, name);
	return path_buffer;
}

static int unpack_bytes(const void *data, size_t size, size_t piece)
{
	FD_CLEANUP int root = -1;
	struct memory_stream memory;
	int rc;

	err = ERR_INIT;
	CHECK_INT(fd_remove_tree(scratch.fd, "tree"), 0);
	root = fd_open_dir(scratch.fd, "tree", 0755);
	memory_stream_init(&memory, data, size, piece);
	rc = extract(&memory.stream, root, NULL, NULL, &result, &err);
	memory_stream_release(&memory);
	return rc;
}

/* Ends the archive. */
static int unpack(struct buf *archive)
{
	tar_end(archive);
	return unpack_bytes(archive->data, archive->size, 1000);
}

static struct stat look(const char *name)
{
	struct stat st = { 0 };

	CHECK_INT(lstat(in_tree(name), &st), 0);
	return st;
}

static bool is_there(const char *name)
{
	struct stat st;

	return lstat(in_tree(name), &st) == 0;
}

static const char *text_of(const char *name)
{
	static struct buf text;

	buf_clear(&text);
	if (fd_read_file(AT_FDCWD, in_tree(name), &text, 1 << 20) < 0)
		return "(unreadable)";
	return buf_text(&text);
}

static const char *attribute(const char *name, const char *attr)
{
	static char value[256];
	ssize_t size = lgetxattr(in_tree(name), attr, value, sizeof(value) - 1);

	if (size < 0)
		return "(none)";
	value[size] = '\0';
	return value;
}

static void files_have_content_owner_mode_and_time(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_dir(&tar, "./", 0750);
	tar_dir(&tar, "./bin/", 0755);
	tar_file(&tar, "./bin/a", 0644, "hello");
	tar_header(&tar, (struct tar_header){ .name = "bin/su", .type = '0', .mode = 06755,
					      .uid = 0, .gid = 42, .size = 3, .mtime = 77 });
	tar_content(&tar, "abc", 3);
	tar_header(&tar, (struct tar_header){ .name = "bin/mine", .type = '0', .mode = 0400,
					      .uid = 1000, .gid = 1001 });
	REQUIRE(unpack(&tar) == 0);
	CHECK_TEXT(text_of("bin/a"), "hello");
	CHECK_INT(look("bin/a").st_mtime, 1000);
	CHECK_INT(look("bin/a").st_mode, S_IFREG | 0644);
	CHECK_INT(look("bin/su").st_mode, S_IFREG | 06755);
	CHECK_INT(look("bin/su").st_gid, 42);
	CHECK_INT(look("bin/su").st_mtime, 77);
	CHECK_INT(look("bin/mine").st_mode, S_IFREG | 0400);
	CHECK_INT(look("bin/mine").st_uid, 1000);
	CHECK_INT(look("bin/mine").st_gid, 1001);
	CHECK_INT(look("bin").st_mtime, 2000);
	CHECK_INT(look("").st_mode, S_IFDIR | 0750);
	CHECK_INT(look("").st_mtime, 2000);
	CHECK_INT(result.files, 5);
	CHECK_INT(result.bytes, 8);
}

static void special_files_are_made(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_link(&tar, '2', "link", "target/../x");
	tar_header(&tar, (struct tar_header){ .name = "null", .type = '3', .mode = 0666, .uid = 5,
					      .gid = 6, .mtime = 9, .major = 1, .minor = 3 });
	tar_header(&tar, (struct tar_header){ .name = "disk", .type = '4', .mode = 0660,
					      .major = 8, .minor = 1 });
	tar_header(&tar, (struct tar_header){ .name = "pipe", .type = '6', .mode = 0600 });
	tar_file(&tar, "one", 0644, "1");
	tar_link(&tar, '1', "two", "./one");
	tar_link(&tar, '1', "three", "/two");
	REQUIRE(unpack(&tar) == 0);
	char target[64] = "";
	CHECK(readlink(in_tree("link"), target, sizeof(target) - 1) > 0);
	CHECK_TEXT(target, "target/../x");
	CHECK_INT(look("link").st_mtime, 3000);
	CHECK_INT(look("null").st_rdev, makedev(1, 3));
	CHECK_INT(look("null").st_mode, S_IFCHR | 0666);
	CHECK_INT(look("null").st_uid, 5);
	CHECK_INT(look("null").st_mtime, 9);
	CHECK_INT(look("disk").st_mode, S_IFBLK | 0660);
	CHECK_INT(look("pipe").st_mode, S_IFIFO | 0600);
	CHECK_INT(look("three").st_ino, look("one").st_ino);
	CHECK_INT(look("one").st_nlink, 3);
}

static void pax_headers_are_understood(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT, lines = BUF_INIT;
	static const char capability[] = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	char value[64], name[400] = "long/";

	memset(name + 5, 'n', 200);
	tar_pax_line(&lines, "path", name, strlen(name));
	tar_pax_line(&lines, "mtime", "1234.000000567", 14);
	tar_pax_line(&lines, "uid", "3000000", 7);
	tar_pax_line(&lines, "gid", "4000000000", 10);
	tar_pax_line(&lines, "SCHILY.xattr.user.a", "b\0c", 3);
	tar_pax_line(&lines, "SCHILY.xattr.security.capability", capability, 20);
	tar_pax_line(&lines, "SCHILY.xattr.trusted.overlay.redirect", "/etc", 4);
	tar_pax_line(&lines, "SCHILY.xattr.security.selinux", "label", 5);
	tar_pax(&tar, &lines);
	tar_file(&tar, "short", 0755, "x");
	tar_pax_text(&tar, "path", "caf\xc3\xa9/\xff\xfe");
	tar_file(&tar, "short", 0644, "not UTF-8");
	tar_pax_text(&tar, "mtime", "-1.25");
	tar_file(&tar, "before-1970", 0644, "");
	REQUIRE(unpack(&tar) == 0);
	CHECK_INT(look(name).st_mtim.tv_nsec, 567);
	CHECK_INT(look(name).st_mtim.tv_sec, 1234);
	CHECK_INT(look("before-1970").st_mtim.tv_sec, -2);
	CHECK_INT(look("before-1970").st_mtim.tv_nsec, 750000000);
	CHECK_INT(look(name).st_uid, 3000000);
	CHECK_INT(look(name).st_gid, 4000000000);
	CHECK_INT(getxattr(in_tree(name), "user.a", value, sizeof(value)), 3);
	CHECK(getxattr(in_tree(name), "security.capability", value, sizeof(value)) >= 20);
	CHECK_TEXT(attribute(name, "trusted.overlay.redirect"), "(none)");
	CHECK_TEXT(attribute(name, "security.selinux"), "(none)");
	CHECK_TEXT(text_of("caf\xc3\xa9/\xff\xfe"), "not UTF-8");
}

static void whiteouts_become_overlayfs_own(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_dir(&tar, "etc", 0755);
	tar_file(&tar, "etc/.wh.passwd", 0644, "");
	tar_dir(&tar, "opt", 0755);
	tar_file(&tar, "opt/new", 0644, "new");
	tar_file(&tar, "opt/.wh..wh..opq", 0644, "");
	tar_file(&tar, ".wh..wh.plnk", 0644, "");
	tar_file(&tar, ".wh..wh.plnk/1", 0644, "aufs");
	tar_file(&tar, ".wh..wh.aufs", 0644, "aufs");
	REQUIRE(unpack(&tar) == 0);
	CHECK_INT(look("etc/passwd").st_mode & S_IFMT, S_IFCHR);
	CHECK_INT(look("etc/passwd").st_rdev, 0);
	CHECK(!is_there("etc/.wh.passwd"));
	CHECK_INT(look("etc").st_mtime, 2000);
	CHECK_TEXT(attribute("opt", "trusted.overlay.opaque"), "y");
	CHECK_TEXT(attribute("etc", "trusted.overlay.opaque"), "(none)");
	CHECK_TEXT(text_of("opt/new"), "new");
	CHECK(!is_there(".wh..wh.plnk") && !is_there(".wh..wh.aufs"));
}

/* OCI layer.md: a whiteout hides what is below, not what its own layer brings, in whatever order. */
static void whiteouts_spare_their_own_layer(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_file(&tar, ".wh.dir1", 0644, "");
	tar_dir(&tar, "dir1", 0711);
	tar_file(&tar, "dir1/a", 0644, "a");
	tar_dir(&tar, "dir2", 0711);
	tar_file(&tar, "dir2/a", 0644, "a");
	tar_file(&tar, ".wh.dir2", 0644, "");
	tar_file(&tar, ".wh.file1", 0644, "");
	tar_file(&tar, "file1", 0644, "1");
	tar_file(&tar, "file2", 0644, "2");
	tar_file(&tar, ".wh.file2", 0644, "");
	REQUIRE(unpack(&tar) == 0);
	CHECK_INT(look("dir1").st_mode, S_IFDIR | 0711);
	CHECK_TEXT(attribute("dir1", "trusted.overlay.opaque"), "y");
	CHECK_TEXT(attribute("dir2", "trusted.overlay.opaque"), "y");
	CHECK_TEXT(text_of("dir2/a"), "a");
	CHECK_TEXT(text_of("file1"), "1");
	CHECK_TEXT(text_of("file2"), "2");
}

static void the_last_of_equal_names_counts(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_file(&tar, "a", 0644, "first");
	tar_file(&tar, "a", 0600, "second");
	tar_dir(&tar, "b", 0755);
	tar_file(&tar, "b/c", 0644, "x");
	tar_file(&tar, "b", 0644, "was a directory");
	tar_link(&tar, '2', "d", "a");
	tar_dir(&tar, "d", 0700);
	tar_file(&tar, "d/e", 0644, "x");
	tar_dir(&tar, "d", 01777);
	tar_file(&tar, "f", 0644, "kept");
	tar_link(&tar, '1', "f", "f");
	tar_file(&tar, "g", 0644, "old");
	tar_link(&tar, '1', "g", "f");
	tar_file(&tar, "h", 0644, "old");
	tar_link(&tar, '2', "h", "f");
	REQUIRE(unpack(&tar) == 0);
	CHECK_TEXT(text_of("a"), "second");
	CHECK_INT(look("a").st_mode, S_IFREG | 0600);
	CHECK_TEXT(text_of("b"), "was a directory");
	CHECK_INT(look("d").st_mode, S_IFDIR | 01777);
	CHECK_TEXT(text_of("d/e"), "x");
	CHECK_TEXT(text_of("f"), "kept");
	CHECK_TEXT(text_of("g"), "kept");
	CHECK_INT(look("h").st_mode & S_IFMT, S_IFLNK);
}

static void parents_that_are_missing_are_made(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_file(&tar, "a/b/c", 0644, "x");
	REQUIRE(unpack(&tar) == 0);
	CHECK_INT(look("a").st_mode, S_IFDIR | 0755);
	CHECK_TEXT(text_of("a/b/c"), "x");
}

/* Times of directories stay right although files come and go in them in any order. */
static void directory_times_survive_late_files(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;
	char name[64];

	for (int i = 0; i < 3 * DIRS_MAX; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		tar_dir(&tar, name, 0500);
	}
	tar_link(&tar, '2', "alias", "d7");
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 3 * DIRS_MAX; i++) {
			snprintf(name, sizeof(name), i == 7 ? "alias/f%d" : "d%d/f", i);
			tar_file(&tar, name, 0644, "x");
		}
	REQUIRE(unpack(&tar) == 0);
	for (int i = 0; i < 3 * DIRS_MAX; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		CHECK_INT(look(name).st_mtime, 2000);
		CHECK_INT(look(name).st_mode, S_IFDIR | 0500);
	}
	CHECK_TEXT(text_of("d7/f7"), "x");
}

static void set_gid_directories_pass_on_nothing(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_header(&tar, (struct tar_header){ .name = "mail", .type = '5', .mode = 02775, .gid = 8 });
	tar_file(&tar, "mail/root", 0644, "x");
	tar_dir(&tar, "mail/dir", 0755);
	tar_link(&tar, '2', "mail/link", "x");
	REQUIRE(unpack(&tar) == 0);
	CHECK_INT(look("mail").st_mode, S_IFDIR | 02775);
	CHECK_INT(look("mail/root").st_gid, 0);
	CHECK_INT(look("mail/dir").st_gid, 0);
	CHECK_INT(look("mail/link").st_gid, 0);
	CHECK_INT(look("mail/dir").st_mode, S_IFDIR | 0755);
}

/* As a chroot would do it: usr-merged images have lib -> usr/lib and entries below lib/. */
static void links_on_the_way_are_followed_inside(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_dir(&tar, "usr", 0755);
	tar_dir(&tar, "usr/lib", 0755);
	tar_link(&tar, '2', "lib", "usr/lib");
	tar_link(&tar, '2', "abs", "/usr/lib");
	tar_link(&tar, '2', "usr/up", "../../../../lib");
	tar_link(&tar, '2', "usr/lib/self", "../lib/../lib/.");
	tar_link(&tar, '2', "nowhere", "not/there");
	tar_file(&tar, "lib/a", 0644, "a");
	tar_file(&tar, "abs/b", 0644, "b");
	tar_file(&tar, "usr/up/c", 0644, "c");
	tar_file(&tar, "usr/lib/self/d", 0644, "d");
	tar_file(&tar, "nowhere/e", 0644, "e");
	tar_link(&tar, '1', "usr/up/f", "abs/a");
	REQUIRE(unpack(&tar) == 0);
	CHECK_TEXT(text_of("usr/lib/a"), "a");
	CHECK_TEXT(text_of("usr/lib/b"), "b");
	CHECK_TEXT(text_of("usr/lib/c"), "c");
	CHECK_TEXT(text_of("usr/lib/d"), "d");
	CHECK_TEXT(text_of("not/there/e"), "e");
	CHECK_TEXT(text_of("usr/lib/f"), "a");
	CHECK_INT(look("lib").st_mode & S_IFMT, S_IFLNK);
}

static void holes_stay_holes(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;
	static const char command[] =
		"cd %s && rm -rf s && mkdir s && truncate -s 50M s/f && "
		"printf middle | dd of=s/f bs=1 seek=30000000 conv=notrunc status=none && "
		"tar -cSf s.tar --format=%s -C s f";
	static const char *const formats[] = { "gnu", "pax --sparse-version=0.0",
					       "pax --sparse-version=0.1",
					       "pax --sparse-version=1.0" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		char line[512];

		snprintf(line, sizeof(line), command, scratch.path, formats[i]);
		CHECK_INT(system(line), 0);
		buf_clear(&tar);
		CHECK_INT(fd_read_file(scratch.fd, "s.tar", &tar, 1 << 20), 0);
		REQUIRE(unpack_bytes(tar.data, tar.size, 4096) == 0);
		CHECK_INT(look("f").st_size, 50 << 20);
		CHECK(look("f").st_blocks < 100);
		CHECK(result.bytes < 100000);
		snprintf(line, sizeof(line), "cmp -s %s/s/f %s/tree/f", scratch.path, scratch.path);
		CHECK_INT(system(line), 0);
	}
}

static void odd_archives_without_entries(void)
{
	static const char zeros[10240];

	CHECK_INT(unpack_bytes("", 0, 0), 0);
	CHECK_INT(unpack_bytes(zeros, 512, 0), 0);
	CHECK_INT(unpack_bytes(zeros, sizeof(zeros), 100), 0);
	CHECK_INT(result.files, 0);
}

static void what_is_no_tar_is_refused(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;
	char noise[4096];

	memset(noise, 'x', sizeof(noise));
	CHECK_INT(unpack_bytes(noise, sizeof(noise), 0), -EINVAL);
	CHECK_HAS(err.text, "tar: ");
	tar_file(&tar, "a", 0644, "hello");
	CHECK_INT(unpack_bytes(tar.data, 515, 0), -EINVAL); /* cut within the content */
	CHECK_INT(unpack_bytes(tar.data, 300, 0), -EINVAL); /* within a header */
	tar.data[10] ^= 1;
	CHECK_INT(unpack_bytes(tar.data, tar.size, 0), -EINVAL); /* checksum */
	/* A pax header that can't be read must not lead to a file under the wrong name. */
	buf_clear(&tar);
	tar_header(&tar, (struct tar_header){ .name = "pax", .type = 'x', .size = 12 });
	tar_content(&tar, "99 path=evil", 12);
	tar_file(&tar, "good", 0644, "x");
	CHECK_INT(unpack(&tar), -EINVAL);
}

static void errors_of_the_source_pass_through(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;
	FD_CLEANUP int root = -1;

	tar_file(&tar, "a", 0644, "hello");
	tar_end(&tar);
	for (size_t at = 1; at < tar.size - 512; at += 300) {
		struct memory_stream memory;

		memory_stream_init(&memory, tar.data, tar.size, 200);
		memory.fail_at = at;
		CHECK_INT(fd_remove_tree(scratch.fd, "tree"), 0);
		fd_close(&root);
		root = fd_open_dir(scratch.fd, "tree", 0755);
		CHECK_INT(extract(&memory.stream, root, NULL, NULL, &result, &err), -EIO);
		CHECK_TEXT(err.text, "planted failure");
		memory_stream_release(&memory);
	}
}

int main(void)
{
	umask(077); /* must not matter */
	scratch_open(&scratch);
	RUN(files_have_content_owner_mode_and_time);
	RUN(special_files_are_made);
	RUN(pax_headers_are_understood);
	RUN(whiteouts_become_overlayfs_own);
	RUN(whiteouts_spare_their_own_layer);
	RUN(the_last_of_equal_names_counts);
	RUN(parents_that_are_missing_are_made);
	RUN(directory_times_survive_late_files);
	RUN(set_gid_directories_pass_on_nothing);
	RUN(links_on_the_way_are_followed_inside);
	RUN(holes_stay_holes);
	RUN(odd_archives_without_entries);
	RUN(what_is_no_tar_is_refused);
	RUN(errors_of_the_source_pass_through);
	scratch_close(&scratch);
	return test_end();
}
