/* Opening, locking, cleaning up; volumes and container directories. */
#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/json.h"
#include "store/gc.h"
#include "store/layer.h"
#include "store/record.h"
#include "store/stage.h"
#include "store/store.h"
#include "store/sweep.h"
#include "store/writable.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct store store;
static struct err err;
static char path[256];

static void open_store(void)
{
	err = ERR_INIT;
	snprintf(path, sizeof(path), "%s/a/store", scratch.path);
	CHECK_INT(store_open(&store, path, &err), 0);
	CHECK_TEXT(err.text, "");
}

static const char *in_store(const char *name)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s/%s", path, name);
	return text;
}

static bool is_there(const char *name)
{
	struct stat st;

	return lstat(in_store(name), &st) == 0;
}

static void put(const char *name, const char *text)
{
	FD_CLEANUP int fd = open(in_store(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_INT(fd_write_full(fd, text, strlen(text)), 0);
}

static void a_new_store_is_made(void)
{
	open_store();
	CHECK_TEXT(store.path, path);
	CHECK(is_there("layers") && is_there("apps") && is_there("staging") && is_there("version"));
	struct stat st;

	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0700);
	store_close(&store);
	CHECK_INT(store.dirfd, -1);
	open_store();
	store_close(&store);
}

/* Locks are per process, so the second opener has to be another one. */
static void the_second_opener_is_told_who_has_it(void)
{
	char expected[64];
	pid_t child;
	int status = -1;

	open_store();
	child = fork();
	if (!child) {
		struct store other;
		int rc = store_open(&other, path, &err);

		snprintf(expected, sizeof(expected), "in use by process %d", (int)getppid());
		_exit(rc == -EBUSY && strstr(err.text, expected) && other.dirfd == -1 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CHECK_INT(status, 0);
	/* It was only a look: the store is still ours. */
	child = fork();
	if (!child) {
		struct store other;

		_exit(store_open(&other, path, NULL) == -EBUSY ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CHECK_INT(status, 0);
	store_close(&store);
	child = fork();
	if (!child) {
		struct store other;

		_exit(store_open(&other, path, NULL) == 0 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CHECK_INT(status, 0);
}

static void other_versions_are_refused(void)
{
	open_store();
	store_close(&store);
	put("version", "2\n");
	CHECK_INT(store_open(&store, path, &err), -ENOTSUP);
	CHECK_HAS(err.text, "layout version 2, this berth knows 1");
	CHECK_HAS(err.text, "run the berth that made it");
	CHECK(is_there("layers"));
	put("version", "1\n");
	open_store();
	store_close(&store);
}

static void a_damaged_version_does_not_cost_the_store(void)
{
	static const char *const bad[] = { "", "rubbish", "\0\0\0", "0\n", "-1\n" };

	open_store();
	CHECK_INT(record_save(&store, "kept", "x", 1, &err), 0);
	store_close(&store);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int64_t version = 0;

		put("version", bad[i]);
		open_store();
		CHECK(is_there("apps/kept"));
		CHECK_INT(fd_read_number(store.dirfd, "version", &version), 0);
		CHECK_INT(version, STORE_VERSION);
		store_close(&store);
	}
	open_store();
	CHECK_INT(record_remove(&store, "kept", &err), 0);
	store_close(&store);
}

static void a_read_only_store_says_so(void)
{
	char place[256];

	snprintf(place, sizeof(place), "%s/ro", scratch.path);
	CHECK_INT(mkdir(place, 0700), 0);
	REQUIRE(mount("none", place, "tmpfs", MS_RDONLY, "size=64k") == 0);
	CHECK_INT(store_open(&store, place, &err), -EROFS);
	CHECK_HAS(err.text, "read-only");
	CHECK_INT(store.dirfd, -1);
	CHECK_INT(umount(place), 0);
}

/* Once, not at each start: the trial writes to flash. */
static void what_was_tried_is_remembered(void)
{
	struct stat before, after;

	open_store();
	store_close(&store);
	REQUIRE(CHECK_INT(stat(in_store("tried"), &before), 0));
	open_store();
	CHECK_INT(stat(in_store("tried"), &after), 0);
	CHECK_INT(after.st_ino, before.st_ino);
	CHECK_INT(store.stages, 0);
	store_close(&store);
	put("tried", "another kernel");
	open_store();
	CHECK_INT(store.stages, 1);
	CHECK(!sweep_is_due(store.staging));
	store_close(&store);
}

static void paths_that_cannot_be_a_store(void)
{
	CHECK_INT(store_open(&store, "/proc/self/store", &err), -ENOENT);
	CHECK_HAS(err.text, "/proc/self/store");
	put("file", "");
	CHECK(store_open(&store, in_store("file"), &err) < 0);
	CHECK_HAS(err.text, "file");
	CHECK_INT(store.dirfd, -1);
	CHECK_INT(store_open(&store, "", &err), -ENOENT);
	unlink(in_store("file"));
}

static void make_layer(const char *hex, const char *meta)
{
	char name[128];

	snprintf(name, sizeof(name), "layers/%s", hex);
	CHECK_INT(mkdir(in_store(name), 0700), 0);
	snprintf(name, sizeof(name), "layers/%s/fs", hex);
	CHECK_INT(mkdir(in_store(name), 0755), 0);
	snprintf(name, sizeof(name), "layers/%s/meta", hex);
	if (meta)
		put(name, meta);
}

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

static void leftovers_go_at_the_start(void)
{
	struct store_usage usage;
	struct digest *layers;
	size_t count;

	open_store();
	store_close(&store);
	CHECK_INT(mkdir(in_store("staging/s1"), 0700), 0);
	CHECK_INT(mkdir(in_store("staging/s1/fs"), 0700), 0);
	put("staging/s1/fs/file", "x");
	put("staging/t2", "x");
	put("apps/.web.new", "half a record");
	put("apps/web", "a record");
	put("tags/.x.new", "");
	CHECK_INT(mkdir(in_store("volumes/.odd.new"), 0700), 0);
	put("volumes/.odd.new/x", "a user's");
	make_layer(A, "{\"diff_id\":\"sha256:" A "\",\"size\":5000,\"files\":7}\n");
	make_layer(B, NULL);
	make_layer(C, "{\"diff_id\":\"sha256:" A "\",\"size\":1,\"files\":1}\n");
	make_layer(D, "{\"diff_id\":\"sha256:" D);
	CHECK_INT(mkdir(in_store("layers/lost+found"), 0700), 0);
	open_store();
	/* They are thrown away; the removal is another process's. */
	CHECK(!is_there("staging/s1") && is_there("staging/t2") && sweep_is_due(store.staging));
	CHECK_INT(sweep(store.staging, &err), 0);
	CHECK(!is_there("staging/t2") && is_there("staging") && !sweep_is_due(store.staging));
	CHECK(!is_there("apps/.web.new") && !is_there("tags/.x.new") && is_there("apps/web"));
	CHECK(is_there("volumes/.odd.new/x"));
	CHECK(is_there("layers/" A "/fs") && is_there("layers/lost+found"));
	/* A container may have them mounted; a pull replaces them, or gc() takes them. */
	CHECK(is_there("layers/" B) && is_there("layers/" C) && is_there("layers/" D));
	CHECK_INT(store_usage(&store, &usage, &err), 0);
	CHECK_INT(usage.layers, 1);
	CHECK_INT(usage.bytes, 5000);
	CHECK(usage.free_bytes > 0);
	CHECK_INT(layer_list(&store, &layers, &count, &err), 0);
	CHECK_INT(count, 1);
	CHECK_TEXT(layers[0].text, "sha256:" A);
	free(layers);
	CHECK_INT(gc(&store, &(struct gc_keep){ 0 }, NULL, &err), 0);
	CHECK_INT(sweep(store.staging, &err), 0);
	CHECK(!is_there("layers/" B) && !is_there("layers/" C) && !is_there("layers/" D));
	store_close(&store);
}

/* A mount stands for what no unlink can move: an immutable file, a directory on bad flash. */
static void leftovers_that_stay_do_not_stop_it(void)
{
	struct stage stage;

	open_store();
	store_close(&store);
	CHECK_INT(mkdir(in_store("staging/s1"), 0700), 0);
	CHECK_INT(mkdir(in_store("staging/s1/0"), 0700), 0);
	CHECK_INT(mkdir(in_store("staging/s2"), 0700), 0);
	REQUIRE(mount("none", in_store("staging/s1/0"), "tmpfs", 0, NULL) == 0);
	open_store();
	CHECK_INT(sweep(store.staging, &err), -EXDEV);
	CHECK_HAS(err.text, "remove staging/t1");
	CHECK(is_there("staging/t1/0") && !is_there("staging/s2") && !is_there("staging/t2"));
	CHECK_INT(stage_open(&stage, &store, &err), 0);
	CHECK_TEXT(stage.name, "s3");
	stage_discard(&stage);
	CHECK_INT(umount(in_store("staging/t1/0")), 0);
	CHECK_INT(sweep(store.staging, &err), 0);
	CHECK(!sweep_is_due(store.staging) && !is_there("staging/t1"));
	store_close(&store);
}

static void volumes_stay_until_they_are_removed(void)
{
	char where[PATH_MAX];
	char **names;

	open_store();
	CHECK_INT(volume_open(&store, "data", where, &err), 1);
	CHECK_TEXT(where, in_store("volumes/data"));
	put("volumes/data/file", "x");
	CHECK_INT(volume_open(&store, "data", where, &err), 0);
	CHECK_INT(volume_open(&store, "a_b.c-9", where, &err), 1);
	CHECK_INT(volume_open(&store, "../x", where, &err), -EINVAL);
	CHECK_INT(volume_open(&store, ".x", where, &err), -EINVAL);
	CHECK_INT(volume_open(&store, "", where, &err), -EINVAL);
	CHECK_INT(volume_open(&store, "a b", where, &err), -EINVAL);
	CHECK_HAS(err.text, "\"a b\"");
	CHECK_INT(volume_list(&store, &names, &err), 0);
	CHECK_INT(count_strings(names), 2);
	CHECK_TEXT(names[0], "a_b.c-9");
	free_strings(names);
	CHECK_INT(volume_remove(&store, "data", &err), 0);
	CHECK(!is_there("volumes/data"));
	CHECK_INT(volume_remove(&store, "data", &err), -ENOENT);
	CHECK_HAS(err.text, "no such volume: data");
	CHECK_INT(volume_remove(&store, "..", &err), -EINVAL);
	store_close(&store);
}

static void containers_get_a_writable_layer(void)
{
	struct container_dir dir;
	struct stat st;

	open_store();
	CHECK_INT(container_dir_open(&store, "c0ffee", 0, &dir, &err), 0);
	CHECK_TEXT(dir.upper, in_store("containers/c0ffee/upper"));
	CHECK_INT(stat(dir.upper, &st), 0);
	CHECK_INT(st.st_mode, S_IFDIR | 0755);
	CHECK_INT(stat(dir.work, &st), 0);
	put("containers/c0ffee/upper/file", "x");
	CHECK_INT(container_dir_open(&store, "c0ffee", 0, &dir, &err), 0);
	CHECK(is_there("containers/c0ffee/upper/file"));
	CHECK_INT(container_dir_open(&store, "../x", 0, &dir, &err), -EINVAL);
	CHECK_INT(container_dir_remove(&store, "..", &err), -EINVAL);
	CHECK_INT(container_dir_remove(&store, "c0ffee", &err), 0);
	CHECK(!is_there("containers/c0ffee"));
	CHECK_INT(container_dir_remove(&store, "c0ffee", &err), 0);
	store_close(&store);
}

/* ramfs keeps no attributes. The store opens all the same: plain layers work there. */
static void file_systems_that_lack_something_are_told(void)
{
	BUF_CLEANUP struct buf said = BUF_INIT;
	char place[256];
	int log, before;

	snprintf(place, sizeof(place), "%s/ram", scratch.path);
	CHECK_INT(mkdir(place, 0700), 0);
	CHECK_INT(mount("ramfs", place, "ramfs", 0, NULL), 0);
	log = memfd_create("log", MFD_CLOEXEC);
	before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	dup2(log, STDERR_FILENO);
	CHECK_INT(store_open(&store, place, &err), 0);
	store_close(&store);
	dup2(before, STDERR_FILENO);
	close(before);
	lseek(log, 0, SEEK_SET);
	CHECK_INT(fd_read_all(log, &said, 65536), 0);
	close(log);
	CHECK_HAS(buf_text(&said), "has no extended attributes");
	CHECK_INT(umount2(place, MNT_DETACH), 0);
}

static void put_layer(const char *hex, const char *members)
{
	char name[128], text[512];

	fd_remove_tree(store.layers, hex);
	snprintf(name, sizeof(name), "layers/%s", hex);
	CHECK_INT(mkdir(in_store(name), 0700), 0);
	snprintf(name, sizeof(name), "layers/%s/meta", hex);
	snprintf(text, sizeof(text), "{\"diff_id\":\"sha256:%s\",%s}", hex, members);
	put(name, text);
}

static void layer_metas_are_checked(void)
{
	static const char *const bad[] = {
		"", "{}", "[]", "{\"diff_id\":\"sha256:" A "\",\"size\":1}",
		"{\"diff_id\":\"sha256:" A "\",\"size\":-1,\"files\":1}",
		"{\"diff_id\":\"sha256:AA\",\"size\":1,\"files\":1}",
		"{\"diff_id\":7,\"size\":1,\"files\":1}",
		"{\"diff_id\":\"sha256:" A "\",\"size\":1.5,\"files\":1}",
		"{\"diff_id\":\"sha256:" A "\",\"size\":1,\"files\":1,\"shared\":{\"x\":1}}",
		"{\"diff_id\":\"sha256:" A "\",\"size\":1,\"files\":1,\"shared\":{\"sha256:" B "\":2}}",
		"{\"diff_id\":\"sha256:" A "\",\"size\":1,\"files\":1,\"shared\":{\"sha256:" B "\":-1}}",
	};
	struct layer_meta meta = { .size_bytes = 1, .files = 2 }, again;
	BUF_CLEANUP struct buf text = BUF_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err = ERR_INIT;
		CHECK_INT(layer_meta_parse(&again, bad[i], strlen(bad[i]), &err), -EINVAL);
		CHECK(err.text[0]);
	}
	CHECK_INT(digest_parse(&meta.diff_id, "sha256:" A), 0);
	layer_meta_format(&meta, &text);
	CHECK_INT(layer_meta_parse(&again, text.data, text.size, &err), 0);
	CHECK(digest_equal(&again.diff_id, &meta.diff_id));
	CHECK_INT(again.size_bytes, 1);
	CHECK_INT(again.files, 2);
	CHECK_INT(again.shared_count, 0);
	for (int i = 0; i < LAYER_SHARED_MAX + 1; i++)
		layer_meta_add_shared(&meta, &meta.diff_id, i);
	meta.size_bytes = 100;
	meta.shared[3].diff_id.text[10] = '0';
	buf_clear(&text);
	layer_meta_format(&meta, &text);
	CHECK_INT(layer_meta_parse(&again, text.data, text.size, &err), -EINVAL); /* one layer twice */
}

static void linked_files_count_once(void)
{
	struct store_usage usage;

	open_store();
	put_layer(A, "\"size\":1000,\"files\":1");
	put_layer(B, "\"size\":1000,\"files\":1,\"shared\":{\"sha256:" A "\":900,\"sha256:" C "\":50}");
	CHECK_INT(store_usage(&store, &usage, &err), 0);
	CHECK_INT(usage.bytes, 1100); /* C has gone */
	CHECK_INT(fd_remove_tree(store.layers, A), 0);
	CHECK_INT(store_usage(&store, &usage, &err), 0);
	CHECK_INT(usage.bytes, 1000);
	CHECK_INT(fd_remove_tree(store.layers, B), 0);
	store_close(&store);
}

int main(void)
{
	scratch_open(&scratch);
	RUN(a_new_store_is_made);
	RUN(the_second_opener_is_told_who_has_it);
	RUN(other_versions_are_refused);
	RUN(a_damaged_version_does_not_cost_the_store);
	RUN(a_read_only_store_says_so);
	RUN(what_was_tried_is_remembered);
	RUN(paths_that_cannot_be_a_store);
	RUN(leftovers_go_at_the_start);
	RUN(leftovers_that_stay_do_not_stop_it);
	RUN(volumes_stay_until_they_are_removed);
	RUN(containers_get_a_writable_layer);
	RUN(file_systems_that_lack_something_are_told);
	RUN(layer_metas_are_checked);
	RUN(linked_files_count_once);
	scratch_close(&scratch);
	return test_end();
}
