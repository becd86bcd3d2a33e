/*
 * Files that another layer has already: whatever an archive does with names, a tree that was made by linking
 * is the same as one where all was written. Needs root.
 */
// QEMU: no, it makes devices and attributes as root
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "store/extract.h"
#include "store/relink.h"
#include "tests/unit/memory_stream.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tar_builder.h"
#include "tests/unit/test.h"
#include "tests/unit/tree_dump.h"

#define LAYERS 3 /* in layers/, the lowest first */
#define LARGE 200000

static struct scratch scratch;
static struct err err;
static struct digest diff_ids[LAYERS];
static int layers = -1, base_dir = -1;
static struct extract_result result;
static int64_t linked, held_bytes;

static const char *base_root(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/base", scratch.path);
	return path;
}

/* As unpack sees it. */
static const char *base_path(int number)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%d", base_root(), number);
	return path;
}

static const char *fs_path(int number)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/layers/%s/fs", scratch.path, digest_hex(&diff_ids[number]));
	return path;
}

static void prepare(void)
{
	for (int i = 0; i < LAYERS; i++)
		umount2(base_path(i), MNT_DETACH);
	fd_remove_tree(scratch.fd, "layers");
	fd_close(&layers);
	layers = fd_open_dir(scratch.fd, "layers", 0755);
}

/* Makes layers/<number> of the archive, with `count` layers to look in. */
static int make_layer(const struct buf *tar, int number, size_t count)
{
	FD_CLEANUP int dir = -1, fs = -1;
	const struct relink_base relink_base = { .layers = layers, .diff_ids = diff_ids, .count = count };
	struct memory_stream memory;
	struct base base;
	struct held held;
	struct extract_reuse reuse = { .base = &base, .held = &held };
	int rc;

	err = ERR_INIT;
	fd_remove_tree(layers, digest_hex(&diff_ids[number]));
	dir = fd_open_dir(layers, digest_hex(&diff_ids[number]), 0755);
	fs = fd_open_dir(dir, "fs", 0755);
	base_open(&base, base_dir, count);
	held_init(&held, dir);
	memory_stream_init(&memory, tar->data, tar->size, 7000);
	rc = extract(&memory.stream, fs, count ? &reuse : NULL, NULL, &result, &err);
	memory_stream_release(&memory);
	if (!rc)
		rc = held_finish(&held, &err);
	if (!rc)
		rc = relink_layer(&relink_base, dir, &linked, &err);
	held_bytes = held.bytes[0];
	held_release(&held);
	base_release(&base);
	if (rc < 0)
		return rc;
	CHECK(faccessat(dir, HELD_DIR, F_OK, 0) < 0);
	if (number < 2 && !CHECK_INT(mount(fs_path(number), base_path(number), NULL, MS_BIND, NULL), 0))
		return -errno;
	return 0;
}

static void dump_layer(int number, struct buf *out)
{
	buf_clear(out);
	tree_dump(fs_path(number), true, out);
}

static bool is_same_tree(int a, int b)
{
	BUF_CLEANUP struct buf of_a = BUF_INIT, of_b = BUF_INIT;

	dump_layer(a, &of_a);
	dump_layer(b, &of_b);
	return tree_same(&of_a, &of_b);
}

static struct stat look(int number, const char *name)
{
	char path[400];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "%s/%s", fs_path(number), name);
	CHECK_INT(lstat(path, &st), 0);
	return st;
}

static bool is_shared(const char *name)
{
	return look(0, name).st_ino == look(1, name).st_ino;
}

/* --- archives --- */

static char large[LARGE + 1];

static void add_file(struct buf *tar, const char *name, const void *data, size_t size, int mtime)
{
	tar_header(tar, (struct tar_header){ .name = name, .type = '0', .mode = 0644,
					     .size = (long long)size, .mtime = mtime });
	tar_content(tar, data, size);
}

/* Layer 0 of `old`, layer 1 of `new` linked to it, layer 2 of `new` written: 1 and 2 have to be the same. */
static void check_update(struct buf *old, struct buf *new)
{
	BUF_CLEANUP struct buf before = BUF_INIT, after = BUF_INIT;

	prepare();
	tar_end(old);
	tar_end(new);
	REQUIRE(make_layer(old, 0, 0) == 0);
	dump_layer(0, &before);
	CHECK_INT(make_layer(new, 2, 0), 0);
	if (make_layer(new, 1, 1) < 0)
		CHECK_TEXT(err.text, "");
	CHECK(is_same_tree(1, 2));
	dump_layer(0, &after);
	CHECK(tree_same(&before, &after));
}

static void equal_files_are_linked(void)
{
	BUF_CLEANUP struct buf old = BUF_INIT, new = BUF_INIT;
	struct buf *both[] = { &old, &new };

	for (int i = 0; i < 2; i++) {
		tar_dir(both[i], "d", 0700);
		tar_file(both[i], "d/small", 0644, "hello");
		tar_file(both[i], "d/empty", 0600, "");
		add_file(both[i], "d/large", large, LARGE, 5);
		tar_pax_text(both[i], "SCHILY.xattr.user.a", "b");
		tar_file(both[i], "d/attr", 0644, "x");
		tar_pax_text(both[i], "mtime", "1234.000000567");
		tar_file(both[i], "d/nano", 0644, "x");
		tar_header(both[i], (struct tar_header){ .name = "d/su", .type = '0', .mode = 06755,
							 .uid = 7, .gid = 8, .mtime = 9 });
	}
	tar_file(&new, "d/added", 0644, "new");
	check_update(&old, &new);
	CHECK(is_shared("d/small") && is_shared("d/empty") && is_shared("d/large"));
	CHECK(is_shared("d/attr") && is_shared("d/nano") && is_shared("d/su"));
	CHECK_INT(linked, 6);
	CHECK_INT(held_bytes, LARGE + 7);
	CHECK_INT(look(1, "d").st_mtime, 2000);
}

static void any_difference_is_written(void)
{
	BUF_CLEANUP struct buf old = BUF_INIT, new = BUF_INIT;
	static char other[LARGE];

	memcpy(other, large, LARGE);
	other[LARGE - 1] ^= 1;
	add_file(&old, "last-byte", large, LARGE, 5);
	add_file(&new, "last-byte", other, LARGE, 5);
	memcpy(other, large, LARGE);
	other[0] ^= 1;
	add_file(&old, "first-byte", large, LARGE, 5);
	add_file(&new, "first-byte", other, LARGE, 5);
	add_file(&old, "middle", large, LARGE, 5);
	other[0] ^= 1, other[70001] ^= 1;
	add_file(&new, "middle", other, LARGE, 5);
	add_file(&old, "shorter", large, LARGE, 5);
	add_file(&new, "shorter", large, LARGE - 1, 5);
	add_file(&old, "longer", large, LARGE - 1, 5);
	add_file(&new, "longer", large, LARGE, 5);
	add_file(&old, "time", "x", 1, 5);
	add_file(&new, "time", "x", 1, 6);
	tar_file(&old, "mode", 0644, "x");
	tar_file(&new, "mode", 0755, "x");
	tar_header(&old, (struct tar_header){ .name = "owner", .type = '0', .mode = 0644, .uid = 1 });
	tar_header(&new, (struct tar_header){ .name = "owner", .type = '0', .mode = 0644, .uid = 2 });
	tar_pax_text(&old, "SCHILY.xattr.user.a", "b");
	tar_file(&old, "attr", 0644, "x");
	tar_file(&new, "attr", 0644, "x");
	tar_link(&old, '2', "kind", "x");
	tar_file(&new, "kind", 0644, "x");
	check_update(&old, &new);
	CHECK_INT(linked, 0);
}

/* A file that is damaged in the store is none to link to. */
static void damage_does_not_spread(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;
	char path[300];
	int fd;

	prepare();
	add_file(&tar, "file", large, LARGE, 5);
	tar_end(&tar);
	REQUIRE(make_layer(&tar, 0, 0) == 0);
	snprintf(path, sizeof(path), "%s/file", fs_path(0));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK_INT(pwrite(fd, "damage", 6, 100000), 6);
	CHECK_INT(futimens(fd, (struct timespec[]){ { .tv_sec = 5 }, { .tv_sec = 5 } }), 0);
	close(fd);
	CHECK_INT(make_layer(&tar, 2, 0), 0);
	CHECK_INT(make_layer(&tar, 1, 1), 0);
	CHECK(!is_shared("file"));
	CHECK(is_same_tree(1, 2));
}

static void names_that_change_hands(void)
{
	BUF_CLEANUP struct buf old = BUF_INIT, new = BUF_INIT;

	tar_dir(&old, "d", 0755);
	tar_file(&old, "d/f", 0644, "f");
	tar_file(&old, "d/g", 0644, "g");
	tar_file(&old, "h", 0644, "h");
	tar_file(&old, "i", 0644, "i");
	tar_file(&old, "twice", 0644, "same");
	tar_file(&old, "white", 0644, "white");

	tar_file(&new, "d/f", 0644, "f"); /* the parent is replaced later on */
	tar_link(&new, '2', "d", "e");
	tar_dir(&new, "d", 0755);
	tar_file(&new, "d/g", 0644, "g");
	tar_file(&new, "h", 0644, "h");
	tar_file(&new, "h", 0644, "other");
	tar_link(&new, '1', "j", "i"); /* what is not there yet is not linked: */
	new.size = new.size - 512;     /* so take it back */
	tar_file(&new, "i", 0644, "i");
	tar_link(&new, '1', "j", "i");
	tar_link(&new, '1', "k", "j");
	tar_link(&new, '1', "i", "k"); /* the same file already */
	tar_link(&new, '1', "i", "i");
	tar_file(&new, "j", 0644, "anew");
	tar_file(&new, "twice", 0644, "same");
	tar_file(&new, "twice", 0644, "same");
	tar_file(&new, ".wh.white", 0644, "");
	tar_file(&new, "white", 0644, "white");
	tar_file(&new, ".wh.white", 0644, "");
	check_update(&old, &new);
	CHECK(is_shared("d/g") && is_shared("i") && is_shared("white"));
	CHECK_INT(look(1, "k").st_ino, look(0, "i").st_ino);
}

/* Two files of the new version stay two, although they were one. */
static void hard_links_that_were_parted(void)
{
	BUF_CLEANUP struct buf old = BUF_INIT, new = BUF_INIT;

	tar_file(&old, "a", 0644, "x");
	tar_link(&old, '1', "b", "a");
	tar_file(&new, "a", 0644, "x");
	tar_file(&new, "b", 0644, "x");
	check_update(&old, &new);
	CHECK(look(1, "a").st_ino != look(1, "b").st_ino);
	CHECK(is_shared("a"));
}

static void directories_and_links_trade_places(void)
{
	BUF_CLEANUP struct buf old = BUF_INIT, new = BUF_INIT;

	tar_dir(&old, "real", 0755);
	tar_file(&old, "real/f", 0644, "f");
	tar_link(&old, '2', "alias", "real");
	tar_link(&old, '2', "out", "../../../../../../../../etc");
	tar_dir(&old, "was-dir", 0755);
	tar_file(&old, "was-dir/f", 0644, "f");

	tar_dir(&new, "alias", 0755);
	tar_file(&new, "alias/f", 0644, "f"); /* not found through the symlink below */
	tar_dir(&new, "out", 0755);
	tar_file(&new, "out/passwd", 0644, "f");
	tar_dir(&new, "elsewhere", 0755);
	tar_link(&new, '2', "was-dir", "elsewhere");
	tar_file(&new, "was-dir/f", 0644, "f");
	tar_link(&new, '2', "through", "real");
	tar_dir(&new, "real", 0755);
	tar_file(&new, "through/f", 0644, "f"); /* is real/f */
	check_update(&old, &new);
	CHECK_INT(linked, 1);
	CHECK(is_shared("real/f"));
}

static void add_sparse(struct buf *tar, const char *name, const char *tail)
{
	BUF_CLEANUP struct buf lines = BUF_INIT;

	tar_pax_line(&lines, "GNU.sparse.major", "1", 1);
	tar_pax_line(&lines, "GNU.sparse.minor", "0", 1);
	tar_pax_line(&lines, "GNU.sparse.name", name, strlen(name));
	tar_pax_line(&lines, "GNU.sparse.realsize", "1000000", 7);
	tar_pax(tar, &lines);
	tar_header(tar, (struct tar_header){ .name = "x", .type = '0', .mode = 0644, .size = 516,
					     .mtime = 5 });
	tar_content(tar, "2\n500000\n4\n1000000\n0\n", 21);
	tar_content(tar, tail, 4);
}

static void sparse_files(void)
{
	BUF_CLEANUP struct buf old = BUF_INIT, new = BUF_INIT;
	static char zeros[1000000];

	add_sparse(&old, "same", "data");
	add_sparse(&new, "same", "data");
	add_sparse(&old, "differs", "data");
	add_sparse(&new, "differs", "DATA");
	add_file(&old, "was-dense", zeros, sizeof(zeros), 5);
	memcpy(zeros + 500000, "data", 4);
	add_file(&old, "was-dense2", zeros, sizeof(zeros), 5);
	add_sparse(&new, "was-dense2", "data");
	check_update(&old, &new);
	CHECK(is_shared("same"));
	CHECK(look(1, "differs").st_blocks < 100);
	CHECK(!is_shared("was-dense2") && look(1, "was-dense2").st_blocks < 100);
}

/* --- lists that are bad --- */

static int relink_with(const void *list, size_t size)
{
	FD_CLEANUP int dir = fd_open_dir(layers, digest_hex(&diff_ids[1]), 0755);
	FD_CLEANUP int held = fd_open_dir(dir, HELD_DIR, 0700);
	FD_CLEANUP int fs = fd_open_dir(dir, "fs", 0755);
	const struct relink_base base = { .layers = layers, .diff_ids = diff_ids, .count = 1 };

	CHECK_INT(fd_replace_file_volatile(held, "f0", "", 0, 0600), 0);
	unlinkat(fs, "x", 0);
	CHECK_INT(linkat(held, "f0", fs, "x", 0), 0);
	unlinkat(held, HELD_LIST, 0);
	if (list)
		fd_replace_file_volatile(held, HELD_LIST, list, size, 0600);
	else
		CHECK_INT(mkfifoat(held, HELD_LIST, 0600), 0);
	err = ERR_INIT;
	return relink_layer(&base, dir, &linked, &err);
}

#define RELINK(text) relink_with(text, sizeof(text) - 1)

static void bad_lists_are_refused(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	prepare();
	tar_dir(&tar, "d", 0755);
	tar_file(&tar, "d/f", 0644, "f");
	tar_link(&tar, '2', "l", "d");
	tar_link(&tar, '2', "s", "d/f");
	tar_end(&tar);
	REQUIRE(make_layer(&tar, 0, 0) == 0);
	CHECK_INT(RELINK("x\0d/f\0" "0"), -EINVAL); /* no NUL at the end */
	CHECK_INT(RELINK("d/f\0" "0\0"), -EINVAL);
	CHECK_INT(RELINK("x\0d/f\0" "1\0"), -EINVAL); /* no such layer */
	CHECK_INT(RELINK("x\0d/f\0" "00\0"), -EINVAL);
	CHECK_INT(RELINK("x\0d/f\0-1\0"), -EINVAL);
	CHECK_INT(RELINK("x\0../f\0" "0\0"), -EINVAL);
	CHECK_INT(RELINK("x\0/etc/passwd\0" "0\0"), -EINVAL);
	CHECK_INT(RELINK("x\0d//f\0" "0\0"), -EINVAL);
	CHECK_INT(RELINK("x\0d/./f\0" "0\0"), -EINVAL);
	CHECK_INT(RELINK("../x\0d/f\0" "0\0"), -EINVAL);
	CHECK_INT(RELINK("\0d/f\0" "0\0"), -EINVAL);
	CHECK_INT(RELINK("x\0d\0" "0\0"), -EINVAL);  /* a directory */
	CHECK_INT(RELINK("x\0s\0" "0\0"), -EINVAL);  /* a symlink */
	CHECK(RELINK("x\0l/f\0" "0\0") < 0);	     /* behind a symlink */
	CHECK_INT(RELINK("x\0d/g\0" "0\0"), -ENOENT);
	CHECK_INT(RELINK("y\0d/f\0" "0\0"), -EINVAL); /* x stays a placeholder */
	CHECK_INT(RELINK(""), -EINVAL);
	CHECK_HAS(err.text, "not in the list");
	CHECK_INT(relink_with(NULL, 0), -EINVAL);    /* a FIFO: nobody writes */
	CHECK_INT(RELINK("a/b\0d/f\0" "0\0x\0d/f\0" "0\0y\0d/f\0" "0\0"), 0);
	CHECK_INT(look(1, "x").st_ino, look(0, "d/f").st_ino);
}

/* --- any archive --- */

static uint64_t random_state = 0x2545f4914f6cdd1d;

static unsigned int pick(unsigned int below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned int)(random_state >> 33) % below;
}

static const char *const names[] = {
	"a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "d/e/b", "g", "g/a", "g/e", "g/e/a", "l", "l/a", "l/e/a",
};
#define NAMES (sizeof(names) / sizeof(*names))

/* Mostly the same for the same name, so that there is something to link. */
static void random_file(struct buf *tar, size_t name)
{
	static const size_t sizes[] = { 0, 1, 5, 600, 4000, 40000, 70000 };
	BUF_CLEANUP struct buf lines = BUF_INIT;
	unsigned int salt = pick(8) ? 0 : pick(3);
	size_t size = sizes[(name + salt) % 7];
	char *data = malloc(size + 1);

	memcpy(data, large, size);
	if (size && !pick(10))
		data[pick((unsigned int)size)] ^= 1;
	if (name % 5 == 1 && pick(16))
		tar_pax_line(&lines, "SCHILY.xattr.user.a", pick(16) ? "b" : "c", 1);
	if (name % 3 == 1)
		tar_pax_line(&lines, "mtime", pick(16) ? "77.5" : "77.7", 4);
	if (lines.size)
		tar_pax(tar, &lines);
	tar_header(tar, (struct tar_header){ .name = names[name], .type = '0',
					     .mode = pick(20) ? 0644 : 04755,
					     .uid = pick(20) ? 0 : 5, .size = (long long)size,
					     .mtime = 100 + (long long)name });
	tar_content(tar, data, size);
	free(data);
}

static void random_entry(struct buf *tar)
{
	static const char *const targets[] = { "d", "g", "../d", "/g/e", "l", "a" };
	size_t name = pick(NAMES);
	const char *slash = strrchr(names[name], '/');
	char white[64];

	switch (pick(20)) {
	case 0:
	case 1:
	case 2:
		tar_dir(tar, names[name], pick(2) ? 0755 : 02700);
		break;
	case 3:
	case 4:
	case 5:
		tar_link(tar, '1', names[name], names[pick(NAMES)]);
		break;
	case 6:
		tar_link(tar, '2', names[name], targets[pick(6)]);
		break;
	case 7:
		snprintf(white, sizeof(white), "%.*s.wh.%s", slash ? (int)(slash + 1 - names[name]) : 0,
			 names[name], pick(6) ? (slash ? slash + 1 : names[name]) : ".wh..opq");
		tar_file(tar, white, 0644, "");
		break;
	case 8:
		tar_header(tar, (struct tar_header){ .name = names[name], .type = '6', .mode = 0600 });
		break;
	default:
		random_file(tar, name);
	}
}

/* Entries that can't be unpacked are taken out again. */
static void random_archive(struct buf *tar)
{
	size_t ends[64] = { 0 }, count = 0;

	buf_clear(tar);
	for (size_t i = pick(4) ? 0 : NAMES; i < NAMES; i++)
		if (strchr("abc", names[i][strlen(names[i]) - 1])) {
			random_file(tar, i);
			ends[++count] = tar->size;
		}
	for (unsigned int more = 3 + pick(25); more; more--) {
		random_entry(tar);
		ends[++count] = tar->size;
	}
	tar_end(tar);
	while (make_layer(tar, 2, 0) < 0) {
		size_t bad = (size_t)result.files, size = ends[bad] - ends[bad - 1];

		memmove(tar->data + ends[bad - 1], tar->data + ends[bad], tar->size - ends[bad]);
		tar->size -= size;
		for (size_t i = bad; i < count; i++)
			ends[i] = ends[i + 1] - size;
		count--;
	}
}

/* Layer 1 is itself linked to layer 0; then a third version is linked to both, and once more written. */
static void any_archive_gives_the_same_tree(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT, linked_tree = BUF_INIT, written = BUF_INIT;
	int64_t files = 0;

	for (int round = 0; round < 60; round++) {
		prepare();
		for (int i = 0; i < 2; i++) {
			random_archive(&tar);
			REQUIRE(make_layer(&tar, i, (size_t)i) == 0 || !CHECK_TEXT(err.text, ""));
		}
		random_archive(&tar);
		CHECK_INT(make_layer(&tar, 2, 0), 0);
		dump_layer(2, &written);
		CHECK_INT(make_layer(&tar, 2, 2), 0);
		dump_layer(2, &linked_tree);
		files += linked;
		if (!CHECK(tree_same(&linked_tree, &written)))
			fprintf(stderr, "in round %d\n", round);
	}
	CHECK(files > 100);
}

int main(void)
{
	umask(077); /* must not matter */
	scratch_open(&scratch);
	for (int i = 0; i < LARGE; i++)
		large[i] = (char)pick(256);
	for (int i = 0; i < LAYERS; i++)
		digest_of(&diff_ids[i], &i, sizeof(i));
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		perror("mount namespace");
	CHECK_INT(fd_make_dir(scratch.fd, "base", 0755), 0);
	base_dir = open(base_root(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* by path: in the new namespace */
	for (int i = 0; i < LAYERS; i++)
		mkdir(base_path(i), 0700);
	RUN(equal_files_are_linked);
	RUN(any_difference_is_written);
	RUN(damage_does_not_spread);
	RUN(names_that_change_hands);
	RUN(hard_links_that_were_parted);
	RUN(directories_and_links_trade_places);
	RUN(sparse_files);
	RUN(bad_lists_are_refused);
	RUN(any_archive_gives_the_same_tree);
	prepare();
	scratch_close(&scratch);
	return test_end();
}
