/* A layer, damaged in every way, and what the check says. Needs root. */
// QEMU: no, it makes devices and attributes as root
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <utime.h>

#include "store/extract.h"
#include "store/layer_check.h"
#include "tests/unit/memory_stream.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/tar_builder.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct store store;
static struct err err;
static struct digest layer;
static char found[4096]; /* "kind path: text\n" of each */
static int limit;	 /* of what is told; 0: none */

static bool note(void *data, enum damage_kind kind, const char *path, const char *text)
{
	size_t size = strlen(found);

	(void)data;
	snprintf(found + size, sizeof(found) - size, "%s %s: %s\n", damage_kind_names[kind], path, text);
	return !limit || --limit;
}

static const char *check(enum check_depth depth)
{
	const struct layer_check how = { .depth = depth, .on_damage = note };

	found[0] = '\0';
	CHECK_INT(layer_check(&how, &store, &layer, &err), 0);
	return found;
}

static const char *in_layer(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/layers/%s/%s", store.path, digest_hex(&layer), name);
	return path;
}

static void damage(const char *command)
{
	FREE_CLEANUP char *line = xasprintf("cd %s/layers/%s && %s", store.path,
					    digest_hex(&layer), command);

	CHECK_INT(system(line), 0);
}

static void archive(struct buf *out)
{
	tar_header(out, (struct tar_header){ .name = "./", .type = '5', .mode = 0755, .mtime = 1000 });
	tar_header(out, (struct tar_header){ .name = "etc/", .type = '5', .mode = 0750, .gid = 7, .mtime = 2000 });
	tar_file(out, "etc/passwd", 0644, "root:x:0:0");
	tar_file(out, "etc/again", 0644, "first");
	tar_file(out, "etc/again", 0600, "second"); /* the last one counts */
	tar_file(out, "usr/share/deep/file", 0444, "deep"); /* in directories that have no entry */
	tar_header(out, (struct tar_header){ .name = "bin", .type = '2', .mode = 0777, .link = "usr/bin" });
	tar_header(out, (struct tar_header){ .name = "usr/bin/", .type = '5', .mode = 0755 });
	tar_file(out, "bin/tool", 04755, "#!/bin/sh"); /* through the symlink */
	tar_header(out, (struct tar_header){ .name = "usr/bin/tool2", .type = '1', .link = "bin/tool" });
	tar_header(out, (struct tar_header){ .name = "dev/null", .type = '3', .mode = 0666, .major = 1, .minor = 3 });
	tar_header(out, (struct tar_header){ .name = "fifo", .type = '6', .mode = 0600 });
	tar_file(out, "etc/.wh.gone", 0, "");
	tar_file(out, "usr/share/.wh..wh..opq", 0, "");
	tar_file(out, "tree/a/b", 0644, "goes"); /* its directory becomes a file */
	tar_header(out, (struct tar_header){ .name = "tree/a", .type = '2', .link = "nowhere" });
	tar_end(out);
}

static void make_layer(const struct buf *tar)
{
	static struct index_writer writer;
	struct layer_meta meta = { .has_index = true };
	struct extract_result result;
	struct memory_stream memory;
	struct stage stage;

	digest_of(&layer, tar->data, tar->size);
	meta.diff_id = layer;
	CHECK_INT(stage_open(&stage, &store, &err), 0);
	FD_CLEANUP int dir = fd_open_dir(stage.dirfd, "0", 0700);
	FD_CLEANUP int fs = fd_open_dir(dir, "fs", 0755);
	FD_CLEANUP int index = openat(dir, "index", O_WRONLY | O_CREAT, 0600);

	index_write_begin(&writer, index);
	memory_stream_init(&memory, tar->data, tar->size, 700);
	CHECK_INT(extract(&memory.stream, fs, NULL, &writer, &result, &err), 0);
	memory_stream_release(&memory);
	CHECK_INT(index_write_end(&writer, &meta.index, &err), 0);
	CHECK_INT(stage_commit_layer(&stage, &meta, 0, &err), 0);
	stage_discard(&stage);
}

static void a_new_layer(void)
{
	BUF_CLEANUP struct buf tar = BUF_INIT;

	archive(&tar);
	fd_remove_tree(store.layers, digest_hex(&layer));
	make_layer(&tar);
}

static void a_whole_layer_is_whole(void)
{
	a_new_layer();
	CHECK_TEXT(check(CHECK_PRESENCE), "");
	CHECK_TEXT(check(CHECK_STAT), "");
	CHECK_TEXT(check(CHECK_CONTENT), "");
}

/* Time before and after what the file system can keep: it keeps the nearest, and that is no damage. */
static void a_time_that_cannot_be_kept_is_no_damage(void)
{
	static const char *const times[] = { "32503680000", "-32503680000.5", "9223372036854775807", "-9223372036854775808.5" };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		BUF_CLEANUP struct buf tar = BUF_INIT;

		tar_pax_text(&tar, "mtime", times[i]);
		tar_dir(&tar, "dir", 0755);
		tar_pax_text(&tar, "mtime", times[i]);
		tar_file(&tar, "dir/file", 0644, "x");
		tar_pax_text(&tar, "mtime", times[i]);
		tar_link(&tar, '2', "link", "dir");
		tar_pax_text(&tar, "mtime", "-5");
		tar_dir(&tar, "other", 0755);
		tar_end(&tar);
		make_layer(&tar);
		CHECK_TEXT(check(CHECK_STAT), "");
		fd_remove_tree(store.layers, digest_hex(&layer));
	}
}

/* Each of these, and what is told: by the check of metadata already, or only by that of contents. */
static const struct {
	const char *command;
	bool by_stat;
	const char *told;
} damages[] = {
	{ "rm fs/etc/passwd && touch -d @2000 fs/etc", true, "missing etc/passwd: is not there\n" },
	{ ": >fs/etc/passwd", true, "truncated etc/passwd: 0 bytes instead of 10\n" },
	{ "echo more >>fs/etc/passwd", true, "altered etc/passwd: 15 bytes instead of 10\n" },
	{ "cp -a fs/etc/passwd x && printf r00t:x:0:00 >fs/etc/passwd && touch -r x fs/etc/passwd && rm x",
	  true, "altered etc/passwd: 11 bytes" },
	{ "cp -a fs/etc/passwd x && printf rOOt:x:0:0 >fs/etc/passwd && touch -r x fs/etc/passwd && rm x",
	  false, "altered etc/passwd: other bytes than it had\n" },
	{ "printf root:x:0:0 >fs/etc/passwd", true, "metadata etc/passwd: changed at another time\n" },
	{ "chmod 666 fs/etc/passwd", true, "metadata etc/passwd: mode 0666 instead of 0644\n" },
	{ "chown 5 fs/etc/passwd", true, "metadata etc/passwd: owner 5:0 instead of 0:0\n" },
	{ "chmod u-s fs/usr/bin/tool", true, "metadata usr/bin/tool: mode 0755 instead of 4755\n" },
	{ "rm fs/usr/bin/tool2", true, "missing usr/bin/tool2: is not there\n" },
	{ "cp fs/usr/bin/tool x && mv x fs/usr/bin/tool2", true,
	  "altered usr/bin/tool2: not the same file as usr/bin/tool any more\n" },
	{ "rm fs/bin && mkdir fs/bin", true, "altered bin: another kind of file\n" },
	{ "ln -sfn usr/lib fs/bin && touch -h -d @0 fs/bin", false, "altered bin: leads elsewhere\n" },
	{ "rm fs/dev/null && mknod -m 666 fs/dev/null c 1 5", true, "altered dev/null: another device\n" },
	{ "rm fs/etc/gone && touch fs/etc/gone", true, "altered etc/gone: is no whiteout any more\n" },
	{ "chmod 755 fs/etc", true, "metadata etc: mode 0755 instead of 0750\n" },
	{ "rm -r fs/usr/share", true, "missing usr/share/deep/file: is not there\n" },
	{ "mv fs/usr/share fs/usr/x && ln -s x fs/usr/share", true, "missing usr/share/deep/file: is not" },
	{ "touch fs/usr/share/deep/new", false, "foreign usr/share/deep/new: is not part of the layer\n" },
	{ "mkdir -p fs/new/tree", false, "foreign new: is not part of the layer\n" },
	{ "rm -r fs", true, "missing : its files: No such file" },
	{ "rm index", true, "record : its index can't be read: No such file" },
	{ ": >index", true, "record : its index is not the one that was written\n" },
	{ "printf x | dd of=index bs=1 seek=60 conv=notrunc status=none", true, "record : the index is damaged" },
	{ ": >meta", true, "record : its meta can't be used: layer sha256:" },
};

static void every_damage_is_told(void)
{
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		a_new_layer();
		damage(damages[i].command);
		CHECK_HAS(check(CHECK_CONTENT), damages[i].told);
		if (damages[i].by_stat)
			CHECK_HAS(check(CHECK_STAT), damages[i].told);
		else
			CHECK_INT(strstr(check(CHECK_STAT), damages[i].told) != NULL, 0);
	}
}

static void attributes_are_compared(void)
{
	a_new_layer();
	if (lremovexattr(in_layer("fs/usr/share"), "trusted.overlay.opaque") < 0)
		perror("lremovexattr");
	CHECK_TEXT(check(CHECK_STAT), "");
	CHECK_TEXT(check(CHECK_CONTENT), "metadata usr/share: does not hide what is below it any more\n");
}

/* The cheap check reads the index, and no file. */
static void presence_is_the_index(void)
{
	a_new_layer();
	damage(": >fs/etc/passwd");
	CHECK_TEXT(check(CHECK_PRESENCE), "");
	damage("printf x | dd of=index bs=1 seek=60 conv=notrunc status=none");
	CHECK_TEXT(check(CHECK_PRESENCE), "record : its index is damaged\n");
}

static void one_finding_can_be_enough(void)
{
	a_new_layer();
	damage("chmod 0 fs/etc/passwd fs/etc/again fs/fifo");
	limit = 1;
	CHECK_TEXT(check(CHECK_CONTENT), "metadata etc/passwd: mode 0000 instead of 0644\n");
	limit = 0;
}

static void a_layer_without_an_index_is_unchecked(void)
{
	a_new_layer();
	damage("rm index && sed -i 's/,\"index\":\"[0-9a-f]*\"//' meta");
	CHECK_HAS(check(CHECK_CONTENT), "unchecked : ");
	fd_remove_tree(store.layers, digest_hex(&layer));
	CHECK_TEXT(check(CHECK_CONTENT), "missing : is not there\n");
}

int main(void)
{
	scratch_open(&scratch);
	if (store_open(&store, scratch.path, &err) < 0)
		return 1;
	RUN(a_whole_layer_is_whole);
	RUN(a_time_that_cannot_be_kept_is_no_damage);
	RUN(every_damage_is_told);
	RUN(attributes_are_compared);
	RUN(presence_is_the_index);
	RUN(one_finding_can_be_enough);
	RUN(a_layer_without_an_index_is_unchecked);
	store_close(&store);
	scratch_close(&scratch);
	return test_end();
}
