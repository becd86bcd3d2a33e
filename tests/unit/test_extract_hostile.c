/* Archives that try to leave the directory they are unpacked in (attack.h) by names and links. Needs root. */
// QEMU: no, it makes devices as root
#include "tests/unit/attack.h"

static void names_with_dots(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_file(&tar, "../outside/secret", 0644, "evil");
	CHECK_INT(attack(&tar), -EINVAL);
	CHECK_HAS(err.text, "outside of the layer");
	tar_file(&tar, "a/../../outside/new", 0644, "evil");
	CHECK_INT(attack(&tar), -EINVAL);
	tar_dir(&tar, "..", 0777);
	CHECK_INT(attack(&tar), -EINVAL);
	tar_file(&tar, "/../../../tmp/berth-was-here", 0644, "evil");
	CHECK_INT(attack(&tar), 0);
	CHECK(in_tree("tmp/berth-was-here"));
	tar_file(&tar, "../.wh.secret", 0644, "");
	CHECK_INT(attack(&tar), -EINVAL);
	tar_file(&tar, "x/.wh...", 0644, "");
	CHECK_INT(attack(&tar), -EINVAL);
	tar_file(&tar, "x/.wh..", 0644, "");
	CHECK_INT(attack(&tar), -EINVAL);
	tar_file(&tar, ".wh.", 0644, "");
	CHECK_INT(attack(&tar), -EINVAL);
}

static void files_through_links(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_link(&tar, '2', "l", "../outside");
	tar_file(&tar, "l/secret", 0666, "evil");
	CHECK_INT(attack(&tar), 0);
	CHECK(in_tree("outside/secret"));

	tar_link(&tar, '2', "l", absolute("outside"));
	tar_file(&tar, "l/new", 0666, "evil");
	CHECK_INT(attack(&tar), 0);

	/* The file itself is a link: it is replaced, not written through. */
	tar_link(&tar, '2', "secret", "../outside/secret");
	tar_file(&tar, "secret", 0666, "evil");
	CHECK_INT(attack(&tar), 0);

	/* A chain of links, each of them harmless by itself. */
	tar_dir(&tar, "d", 0755);
	tar_link(&tar, '2', "d/up", "..");
	tar_link(&tar, '2', "d/upup", "up/..");
	tar_link(&tar, '2', "out", "d/upup/../outside");
	tar_file(&tar, "out/secret", 0666, "evil");
	CHECK_INT(attack(&tar), 0);

	/* Metadata alone must not pass through either. */
	tar_link(&tar, '2', "l", "../outside");
	tar_dir(&tar, "l", 0777);
	CHECK_INT(attack(&tar), 0);
	tar_link(&tar, '2', "s", "../outside/secret");
	tar_header(&tar, (struct tar_header){ .name = "s", .type = '2', .mode = 0777, .uid = 99,
					      .link = "../outside/secret" });
	CHECK_INT(attack(&tar), 0);
	tar_link(&tar, '2', "l", "../outside");
	tar_file(&tar, "l/.wh.secret", 0644, "");
	CHECK_INT(attack(&tar), 0);
	tar_link(&tar, '2', "l", "../outside");
	tar_file(&tar, "l/.wh..wh..opq", 0644, "");
	CHECK_INT(attack(&tar), 0);
}

static void directories_swapped_for_links(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	/* A directory that is open in the cache becomes a link. */
	tar_dir(&tar, "d", 0755);
	tar_file(&tar, "d/a", 0644, "x");
	tar_link(&tar, '2', "d", "../outside");
	tar_file(&tar, "d/secret", 0666, "evil");
	CHECK_INT(attack(&tar), 0);

	tar_dir(&tar, "d", 0755);
	tar_dir(&tar, "d/e", 0755);
	tar_file(&tar, "d/e/a", 0644, "x");
	tar_link(&tar, '2', "d", "../outside/..");
	tar_file(&tar, "d/e/new", 0666, "stays inside");
	CHECK_INT(attack(&tar), 0);
	CHECK(in_tree("e/new"));

	/* And back: what went through the link goes to the new directory then. */
	tar_link(&tar, '2', "d", "elsewhere");
	tar_file(&tar, "d/a", 0644, "1");
	tar_dir(&tar, "d", 0755);
	tar_file(&tar, "d/b", 0644, "2");
	CHECK_INT(attack(&tar), 0);
	CHECK(in_tree("elsewhere/a") && in_tree("d/b") && !in_tree("elsewhere/b"));
}

static void hard_links_to_the_outside(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_link(&tar, '1', "h", "../outside/secret");
	CHECK_INT(attack(&tar), -EINVAL);
	tar_link(&tar, '1', "h", absolute("outside/secret"));
	CHECK_INT(attack(&tar), -ENOENT);
	tar_link(&tar, '2', "l", "../outside");
	tar_link(&tar, '1', "h", "l/secret");
	CHECK(attack(&tar) < 0);
	/* A link to a link is a link to the link itself; writing to it replaces it. */
	tar_link(&tar, '2', "s", "../outside/secret");
	tar_link(&tar, '1', "h", "s");
	tar_file(&tar, "h", 0666, "evil");
	CHECK_INT(attack(&tar), 0);
	tar_dir(&tar, "d", 0755);
	tar_link(&tar, '1', "h", "d");
	CHECK(attack(&tar) < 0);
	tar_link(&tar, '1', "h", "");
	CHECK(attack(&tar) <= 0);
	tar_link(&tar, '1', "h", "missing");
	CHECK_INT(attack(&tar), -ENOENT);
}

static void links_in_circles(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_link(&tar, '2', "a", "b");
	tar_link(&tar, '2', "b", "a");
	tar_file(&tar, "a/x", 0644, "x");
	CHECK_INT(attack(&tar), -ELOOP);
	tar_link(&tar, '2', "a", "a/a");
	tar_file(&tar, "a/x", 0644, "x");
	CHECK(attack(&tar) < 0);
	tar_link(&tar, '2', "a", "");
	tar_file(&tar, "a/x", 0644, "x");
	CHECK(attack(&tar) < 0);
}

/* d/d/d/..., `down` deep, and a link l to it with `up` times "..". */
static void climb(struct buf *tar, int down, int up, const char *file)
{
	BUF_CLEANUP struct buf path = BUF_INIT;

	for (int i = 0; i < down; i++)
		buf_append_text(&path, i ? "/d" : "d");
	tar_pax_text(tar, "path", buf_text(&path));
	tar_dir(tar, "x", 0755);
	for (int i = 0; i < up; i++)
		buf_append_text(&path, "/..");
	tar_pax_text(tar, "linkpath", buf_text(&path));
	tar_link(tar, '2', "l", "x");
	tar_file(tar, file, 0644, "x");
}

/* ".." after more directories than the cache holds open. */
static void links_that_climb_far(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT, found = BUF_INIT;
	struct stat st;

	climb(&tar, 800, 797, "l/berth");
	CHECK_INT(attack(&tar), 0);
	CHECK(in_tree("d/d/d/berth"));
	climb(&tar, 800, 800, "l/berth");
	CHECK_INT(attack(&tar), 0);
	CHECK(in_tree("berth"));
	/* Up to where nothing is open any more, and down another way. */
	climb(&tar, 800, 600, "l/e/f/berth");
	CHECK_INT(attack(&tar), 0);
	buf_append_text(&found, "tree");
	for (int i = 0; i < 200; i++)
		buf_append_text(&found, "/d");
	buf_append_text(&found, "/e/f/berth");
	CHECK_INT(fstatat(scratch.fd, buf_text(&found), &st, 0), 0);
	/* Link and rest together have no room in a path. */
	climb(&tar, 800, 830, "l/one-more-directory/berth");
	CHECK_INT(attack(&tar), -ENAMETOOLONG);
}

static void files_in_the_way(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	tar_file(&tar, "f", 0644, "x");
	tar_file(&tar, "f/x", 0644, "x");
	CHECK_INT(attack(&tar), -ENOTDIR);
	CHECK_HAS(err.text, "f is not a directory");
	tar_header(&tar, (struct tar_header){ .name = "p", .type = '6', .mode = 0600 });
	tar_file(&tar, "p/x", 0644, "x"); /* opening a pipe would wait for ever */
	CHECK_INT(attack(&tar), -ENOTDIR);
	tar_file(&tar, "./", 0644, "x"); /* a name that ends in '/' is a directory, whatever its type says */
	CHECK(attack(&tar) <= 0);
	tar_link(&tar, '2', ".", "../outside");
	CHECK_INT(attack(&tar), -EINVAL);
}

static void sizes_out_of_bounds(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT, lines = BUF_INIT;

	tar_pax_line(&lines, "GNU.sparse.major", "1", 1);
	tar_pax_line(&lines, "GNU.sparse.minor", "0", 1);
	tar_pax_line(&lines, "GNU.sparse.name", "big", 3);
	tar_pax_line(&lines, "GNU.sparse.realsize", "9000000000000000000", 19);
	tar_pax(&tar, &lines);
	tar_header(&tar, (struct tar_header){ .name = "x", .type = '0', .mode = 0644, .size = 1024 });
	tar_content(&tar, "1\n8000000000000000000\n3\n", 24);
	tar_content(&tar, "abc", 3);
	CHECK_INT(attack(&tar), -EFBIG);

	tar_header(&tar, (struct tar_header){ .name = "x", .type = '0', .size = 0777777777777 });
	CHECK(attack(&tar) < 0);

	buf_clear(&lines);
	tar_pax_line(&lines, "uid", "4294967295", 10);
	tar_pax(&tar, &lines);
	tar_file(&tar, "x", 0644, "x");
	CHECK_INT(attack(&tar), -EINVAL);
	CHECK_HAS(err.text, "no such owner");
}

static void very_deep_trees(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT, deep = BUF_INIT;

	for (int i = 0; i < 2040; i++)
		buf_append_text(&deep, "d/");
	buf_append_text(&deep, "f");
	tar_pax_text(&tar, "path", buf_text(&deep));
	tar_file(&tar, "x", 0644, "x");
	tar_file(&tar, "d", 0644, "in its place");
	CHECK_INT(attack(&tar), 0);
	buf_append_text(&deep, "/a/b/c/d/e/f/g/h/i/j/k");
	tar_pax_text(&tar, "path", buf_text(&deep));
	tar_file(&tar, "x", 0644, "x");
	CHECK_INT(attack(&tar), -ENAMETOOLONG);
}

int main(void)
{
	attack_begin();
	RUN(names_with_dots);
	RUN(files_through_links);
	RUN(directories_swapped_for_links);
	RUN(hard_links_to_the_outside);
	RUN(links_in_circles);
	RUN(links_that_climb_far);
	RUN(files_in_the_way);
	RUN(sizes_out_of_bounds);
	RUN(very_deep_trees);
	attack_end();
	return test_end();
}
