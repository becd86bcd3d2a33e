/*
 * attack - archives that try to leave the directory they are unpacked in, and what must not have changed after
 * each. attack_begin() first, attack() for each archive, attack_end().
 *
 * Each is unpacked twice: by extract() alone, which must hold without any sandbox, and as unpack does it, in its sandbox,
 * with layers to take unchanged files from that have links where the archives have directories and the other way
 * round. Beside the directory lies an outside one with a known file. Needs root.
 */
#ifndef TESTS_UNIT_ATTACK_H
#define TESTS_UNIT_ATTACK_H

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/helper/unpack_sandbox.h"
#include "store/extract.h"
#include "store/relink.h"
#include "tests/unit/memory_stream.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tar_builder.h"
#include "tests/unit/test.h"
#include "tests/unit/tree_dump.h"

static struct scratch scratch;
static struct err err;

#define OUTSIDE "outside"
#define SECRET "secret"

static void prepare(void)
{
	FD_CLEANUP int outside = -1;

	fd_remove_tree(scratch.fd, "tree");
	fd_remove_tree(scratch.fd, OUTSIDE);
	outside = fd_open_dir(scratch.fd, OUTSIDE, 0755);
	CHECK_INT(fd_replace_file_volatile(outside, SECRET, "untouched", 9, 0640), 0);
}

/* The file as it was, alone, with one link; nothing new in the folder above. */
static bool is_untouched(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char command[512];
	struct stat st;

	snprintf(command, sizeof(command),
		 "test \"$(ls -A %s)\" = '" OUTSIDE "\nstore\ntree' && test \"$(ls -A %s/" OUTSIDE
		 ")\" = " SECRET " && test ! -e /berth-was-here && test ! -e /tmp/berth-was-here",
		 scratch.path, scratch.path);
	return fd_read_file(scratch.fd, OUTSIDE "/" SECRET, &text, 100) == 0 &&
	       !strcmp(buf_text(&text), "untouched") &&
	       fstatat(scratch.fd, OUTSIDE "/" SECRET, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_nlink == 1 && st.st_mode == (S_IFREG | 0640) && !st.st_uid &&
	       system(command) == 0;
}

/* --- as unpack does it --- */

#define LAYERS 2

static struct digest layers[LAYERS];
static struct buf layers_before;

static int unpack_tar(const struct buf *tar, int fs, const struct extract_reuse *reuse)
{
	struct memory_stream memory;
	struct extract_result result;
	int rc;

	memory_stream_init(&memory, tar->data, tar->size, 0);
	rc = extract(&memory.stream, fs, reuse, NULL, &result, &err);
	memory_stream_release(&memory);
	return rc;
}

static const char *in_store(const char *name)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s/store/%s", scratch.path, name);
	return text;
}

static void put_layer(int number, struct buf *tar)
{
	char name[128];

	snprintf(name, sizeof(name), "layers/%s/fs", digest_hex(&layers[number]));
	CHECK_INT(fd_make_dirs(in_store(name), 0755), 0);
	FD_CLEANUP int fs = open(in_store(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	tar_end(tar);
	CHECK_INT(unpack_tar(tar, fs, NULL), 0);
}

/* Files as the archives bring them, so that they would be linked, and links above them to where they must not lead. */
static void make_layers(void)
{
	static const char *const dirs[] = { "l", "d", "d/e", "out", "e", "x" };
	static const char *const files[] = { "l/secret", "d/secret", "d/e/a", "out/secret", "secret", "h", "x/f" };
	BUF_CLEANUP struct buf real = BUF_INIT, links = BUF_INIT;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		tar_dir(&real, dirs[i], 0755);
		if (!strchr(dirs[i], '/'))
			tar_link(&links, '2', dirs[i], i % 2 ? "../../../../outside" : "/stage/../outside");
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		tar_file(&real, files[i], 0666, "evil");
	tar_link(&links, '2', "secret", "../../../../outside/secret");
	tar_dir(&links, "h", 0755);
	for (int i = 0; i < LAYERS; i++)
		digest_of(&layers[i], &i, sizeof(i));
	put_layer(0, &real);
	put_layer(1, &links);
	tree_dump(in_store("layers"), true, &layers_before);
}

/* In the child: exits with what extract() said. */
static _Noreturn void unpack_in_sandbox(const struct buf *tar)
{
	FD_CLEANUP int stage = open(in_store("staging/s1"), O_RDONLY | O_DIRECTORY);
	const struct sandbox_view view = { .stage_fd = stage, .base = layers, .base_count = LAYERS };
	struct base base;
	struct held held;
	const struct extract_reuse reuse = { .base = &base, .held = &held };
	int dir, rc;

	if (sandbox_unpack(&view, (size_t)6 << 20, &err) < 0)
		_exit(255);
	base_open(&base, open(SANDBOX_BASE, O_PATH | O_DIRECTORY), LAYERS);
	dir = open(SANDBOX_STAGE "/0", O_RDONLY | O_DIRECTORY);
	held_init(&held, dir);
	rc = unpack_tar(tar, openat(dir, "fs", O_RDONLY | O_DIRECTORY), &reuse);
	if (!rc)
		rc = held_finish(&held, &err);
	_exit(-rc);
}

static int attack_as_unpack(const struct buf *tar)
{
	FD_CLEANUP int dir = -1, all = open(in_store("layers"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct relink_base base = { .layers = all, .diff_ids = layers, .count = LAYERS };
	BUF_CLEANUP struct buf after = BUF_INIT;
	int64_t files;
	int status = -1;
	pid_t child;

	fd_remove_tree(AT_FDCWD, in_store("staging"));
	CHECK_INT(fd_make_dirs(in_store("staging/s1/0/fs"), 0755), 0);
	child = fork();
	if (!child)
		unpack_in_sandbox(tar);
	CHECK_INT(waitpid(child, &status, 0), child);
	if (!CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 255))
		return -EPERM;
	dir = open(in_store("staging/s1/0"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!WEXITSTATUS(status))
		CHECK_INT(relink_layer(&base, dir, &files, &err), 0);
	tree_dump(in_store("layers"), true, &after);
	CHECK(tree_same(&layers_before, &after));
	return -WEXITSTATUS(status);
}

/* --- both --- */

/* Whatever extract() says, refusing or turning it inwards, the outside must be as before. */
static int attack(struct buf *tar)
{
	FD_CLEANUP int root = -1;
	int rc, sandboxed;

	prepare();
	tar_end(tar);
	root = fd_open_dir(scratch.fd, "tree", 0755);
	sandboxed = attack_as_unpack(tar);
	CHECK(is_untouched());
	err = ERR_INIT;
	rc = unpack_tar(tar, root, NULL);
	CHECK(is_untouched());
	CHECK_INT(sandboxed, rc);
	if (rc < 0)
		CHECK(err.text[0]);
	buf_clear(tar);
	return rc;
}

__attribute__((unused)) static char *absolute(const char *rest)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s/%s", scratch.path, rest);
	return text;
}

__attribute__((unused)) static bool in_tree(const char *name)
{
	struct stat st;
	char path[512];

	snprintf(path, sizeof(path), "tree/%s", name);
	return fstatat(scratch.fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void attack_begin(void)
{
	scratch_open(&scratch);
	make_layers();
}

static void attack_end(void)
{
	buf_release(&layers_before);
	scratch_close(&scratch);
}

#endif
