/* Files: whole reads and writes, replacing, removing trees, passing descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/sys.h"
#include "test.h"

static char base[64];
static int dirfd;

static void make_base(void)
{
	snprintf(base, sizeof(base), "/tmp/test_fd.XXXXXX");
	if (!mkdtemp(base))
		abort();
	dirfd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static const char *content(const char *name)
{
	static char text[64];
	BUF_CLEANUP struct buf buf = BUF_INIT;

	if (fd_read_file(dirfd, name, &buf, sizeof(text) - 1) < 0)
		return NULL;
	snprintf(text, sizeof(text), "%s", buf_text(&buf));
	return text;
}

static void a_file_is_replaced_whole(void)
{
	struct stat st;

	CHECK_INT(fd_replace_file(dirfd, "a", "one", 3, 0600), 0);
	CHECK_TEXT(content("a"), "one");
	/* What a power cut may have left in the way. */
	CHECK_INT(linkat(dirfd, "a", dirfd, ".a.new", 0), 0);
	CHECK_INT(fd_replace_file(dirfd, "a", "two!", 4, 0640), 0);
	CHECK_TEXT(content("a"), "two!");
	CHECK_INT(fstatat(dirfd, ".a.new", &st, 0), -1);
	CHECK_INT(fstatat(dirfd, "a", &st, 0), 0);
	CHECK_INT(st.st_mode & 0777, 0640);
	CHECK_INT(fd_replace_file(dirfd, "x/y", "", 0, 0600), -EINVAL);
	CHECK(fd_is_left_over(".t.new"));
	CHECK(!fd_is_left_over(".new") && !fd_is_left_over("t.new") && !fd_is_left_over(".t"));
}

static void several_files_are_replaced_at_once(void)
{
	const struct fd_content files[] = {
		{ dirfd, "p", "one", 3 },
		{ dirfd, "q", "two", 3 },
		{ dirfd, "r/s", "three", 5 },
	};

	CHECK_INT(fd_replace_files(files, 2, 0600, dirfd), 0);
	CHECK_TEXT(content("p"), "one");
	CHECK_TEXT(content("q"), "two");
	CHECK_INT(fd_replace_file(dirfd, "p", "old", 3, 0600), 0);
	CHECK_INT(fd_replace_files(files, 3, 0600, -1), -EINVAL);
	CHECK_TEXT(content("p"), "old");
	CHECK(faccessat(dirfd, ".p.new", F_OK, 0) < 0);
	CHECK_INT(fd_replace_files(files, FD_REPLACE_MAX + 1, 0600, -1), -EINVAL);
	CHECK_INT(fd_replace_files(NULL, 0, 0600, dirfd), 0);
}

static void reads_are_limited(void)
{
	BUF_CLEANUP struct buf buf = BUF_INIT;
	int64_t number;

	CHECK_INT(fd_replace_file_volatile(dirfd, "n", "123\n", 4, 0600), 0);
	CHECK_INT(fd_read_file(dirfd, "n", &buf, 3), -EFBIG);
	buf_clear(&buf);
	CHECK_INT(fd_read_file(dirfd, "n", &buf, 4), 0);
	CHECK_INT(fd_read_file(dirfd, "gone", &buf, 4), -ENOENT);
	CHECK_INT(fd_read_number(dirfd, "n", &number), 0);
	CHECK_INT(number, 123);
	CHECK_INT(fd_write_file(dirfd, "n", "abc"), 0);
	CHECK_INT(fd_create_file(dirfd, "n", "abcd", 4, 0600), -EEXIST);
	CHECK_INT(fd_create_file(dirfd, "new", "12\n", 3, 0600), 0);
	CHECK_INT(fd_read_number(dirfd, "new", &number), 0);
	CHECK_INT(number, 12);
	CHECK_INT(fd_read_number(dirfd, "n", &number), -EINVAL);
}

static void a_tree_goes_without_following_links(void)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/tree/a/b/c", base);
	CHECK_INT(fd_make_dirs(path, 0755), 0);
	CHECK_INT(fd_make_dirs(path, 0755), 0);
	CHECK_INT(fd_replace_file(dirfd, "kept", "x", 1, 0600), 0);
	CHECK_INT(symlinkat("../../kept", dirfd, "tree/a/link"), 0);
	CHECK_INT(symlinkat("..", dirfd, "tree/up"), 0);
	CHECK_INT(mkfifoat(dirfd, "tree/fifo", 0600), 0);
	CHECK_INT(fd_remove_tree(dirfd, "tree"), 0);
	CHECK_INT(fstatat(dirfd, "tree", &st, 0), -1);
	CHECK_TEXT(content("kept"), "x");
	CHECK_INT(fd_remove_tree(dirfd, "tree"), 0);
	CHECK_INT(fd_make_dir(dirfd, "kept", 0755), -ENOTDIR);
}

/* Nested as no path can name it: directory by directory, from within. */
static void nest(const char *name, int levels)
{
	FD_CLEANUP int at = fd_open_dir(dirfd, name, 0755);

	for (int i = 0; i < levels; i++) {
		int next = fd_open_dir(at, i % 2 ? "d" : "0", 0755);

		REQUIRE(next >= 0);
		CHECK_INT(fd_replace_file_volatile(at, "file", "x", 1, 0600), 0);
		close(at);
		at = next;
	}
}

static void no_tree_is_too_deep(void)
{
	struct rlimit files, few = { 128, 128 };
	struct stat st;

	REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
	few.rlim_max = files.rlim_max;
	nest("deep", 5000);
	/* In the way of what is moved up: files, and directories with something in them. */
	CHECK_INT(mkdirat(dirfd, "deep/1", 0755), 0);
	CHECK_INT(mkdirat(dirfd, "deep/2", 0755), 0);
	CHECK_INT(mkdirat(dirfd, "deep/2/full", 0755), 0);
	CHECK_INT(symlinkat("..", dirfd, "deep/3"), 0);
	REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
	CHECK_INT(fd_remove_tree(dirfd, "deep"), 0);
	REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
	CHECK_INT(fstatat(dirfd, "deep", &st, 0), -1);
	CHECK_TEXT(content("kept"), "x");
}

static void descriptors_are_passed(void)
{
	int pair[2], out[4];
	size_t count;
	char text[8];

	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	CHECK_INT(fd_send(pair[0], "hi", 2, &dirfd, 1), 0);
	CHECK_INT(fd_receive(pair[1], text, sizeof(text), out, &count), 2);
	REQUIRE(count == 1);
	CHECK(fcntl(out[0], F_GETFD) & FD_CLOEXEC);
	close(out[0]);
	CHECK_INT(fd_send(pair[0], "x", 1, NULL, 0), 0);
	CHECK_INT(fd_receive(pair[1], text, sizeof(text), out, &count), 1);
	CHECK_INT(count, 0);
	close(pair[0]);
	CHECK_INT(fd_receive(pair[1], text, sizeof(text), out, &count), 0);
	close(pair[1]);
}

static void all_are_closed_but_some(void)
{
	static const int kept[] = { 207, -1, 203, 5 };

	for (int fd = 199; fd < 210; fd++)
		REQUIRE(dup2(dirfd, fd) == fd);
	sys_close_others(200, kept, 4);
	for (int fd = 199; fd < 210; fd++)
		CHECK_INT(fcntl(fd, F_GETFD) >= 0, fd == 199 || fd == 203 || fd == 207);
	sys_close_others(199, NULL, 0);
	CHECK_INT(fcntl(203, F_GETFD), -1);
	CHECK(fcntl(dirfd, F_GETFD) >= 0);
}

int main(void)
{
	make_base();
	RUN(a_file_is_replaced_whole);
	RUN(several_files_are_replaced_at_once);
	RUN(reads_are_limited);
	RUN(a_tree_goes_without_following_links);
	RUN(no_tree_is_too_deep);
	RUN(descriptors_are_passed);
	RUN(all_are_closed_but_some);
	fd_close(&dirfd);
	fd_remove_tree(AT_FDCWD, base);
	return test_end();
}
