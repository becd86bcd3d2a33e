/* From a stage into the store: layers, then the image; and what must not get in. */
#include <errno.h>

#include "store/sweep.h"
#include "store/suspect.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct store store;
static struct stage stage;
static struct err err;

static void begin(void)
{
	err = ERR_INIT;
	fd_remove_tree(scratch.fd, "store");
	char path[128];

	snprintf(path, sizeof(path), "%s/store", scratch.path);
	CHECK_INT(store_open(&store, path, &err), 0);
	CHECK_INT(stage_open(&stage, &store, &err), 0);
}

static void end(void)
{
	stage_discard(&stage);
	store_close(&store);
}

static bool has(char letter)
{
	struct digest id;

	fixture_diff_id(letter, &id);
	return store_has_layer(&store, &id);
}

static int names_in(int dirfd)
{
	char command[64];

	snprintf(command, sizeof(command), "test -z \"$(ls -A /proc/%d/fd/%d)\"", (int)getpid(), dirfd);
	return system(command);
}

static void a_layer_gets_in_with_its_meta(void)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct layer_meta meta;
	struct digest id;
	char path[PATH_MAX];
	struct stat st;

	begin();
	fixture_stage_layer(&stage, 3);
	CHECK(!has('a'));
	CHECK_INT(fixture_commit_layer(&stage, 3, 'a', &err), 0);
	CHECK(has('a'));
	fixture_diff_id('a', &id);
	CHECK_INT(layer_read_meta(&store, &id, &meta, &err), 0);
	CHECK_INT(meta.size_bytes, 7);
	layer_meta_format(&meta, &text);
	CHECK_INT(store_written_bytes(&store), 7 + 2 + text.size); /* and the version */
	CHECK_INT(store_layer_path(&store, &id, path, &err), 0);
	strcat(path, "/file");
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(names_in(stage.dirfd), 0);
	end();
	snprintf(path, sizeof(path), "%s/store", scratch.path);
	CHECK_INT(store_open(&store, path, &err), 0);
	CHECK(has('a'));
	store_close(&store);
}

static void a_layer_that_exists_is_kept(void)
{
	struct digest id;
	char path[PATH_MAX];
	struct stat before, after;

	begin();
	fixture_stage_layer(&stage, 0);
	CHECK_INT(fixture_commit_layer(&stage, 0, 'a', &err), 0);
	fixture_diff_id('a', &id);
	CHECK_INT(store_layer_path(&store, &id, path, &err), 0);
	CHECK_INT(stat(path, &before), 0);
	fixture_stage_layer(&stage, 1);
	CHECK_INT(fixture_commit_layer(&stage, 1, 'a', &err), 0);
	CHECK_INT(stat(path, &after), 0);
	CHECK_INT(after.st_ino, before.st_ino);
	end();
}

static void a_damaged_layer_is_replaced(void)
{
	struct digest id;
	char meta[PATH_MAX + 8], path[PATH_MAX];

	begin();
	fixture_stage_layer(&stage, 0);
	CHECK_INT(fixture_commit_layer(&stage, 0, 'a', &err), 0);
	fixture_diff_id('a', &id);
	CHECK_INT(store_layer_path(&store, &id, path, &err), 0);
	snprintf(meta, sizeof(meta), "%.*s/meta", (int)strlen(path) - 3, path);
	CHECK_INT(truncate(meta, 3), 0);
	CHECK(!has('a'));
	fixture_stage_layer(&stage, 1);
	CHECK_INT(fixture_commit_layer(&stage, 1, 'a', &err), 0);
	CHECK(has('a'));
	end();
}

static void a_link_is_no_tree(void)
{
	struct digest id;
	char path[PATH_MAX], moved[PATH_MAX + 8];

	begin();
	fixture_stage_layer(&stage, 0);
	CHECK_INT(fixture_commit_layer(&stage, 0, 'a', &err), 0);
	fixture_diff_id('a', &id);
	CHECK_INT(store_layer_path(&store, &id, path, &err), 0);
	snprintf(moved, sizeof(moved), "%s.moved", path);
	CHECK_INT(rename(path, moved), 0);
	CHECK_INT(symlink("/", path), 0);
	CHECK_INT(store_layer_path(&store, &id, path, &err), -EBADMSG);
	CHECK_HAS(err.text, "its tree is no directory");
	end();
}

/* Whoever has the old tree open goes on seeing it, until it is retired. */
static void a_suspect_layer_changes_places(void)
{
	char path[PATH_MAX], old[LAYER_OLD_SIZE];
	struct digest id, *ids;
	struct stat st;
	size_t count;

	begin();
	fixture_stage_layer(&stage, 0);
	CHECK_INT(fixture_commit_layer(&stage, 0, 'a', &err), 0);
	fixture_diff_id('a', &id);
	CHECK_INT(store_layer_path(&store, &id, path, &err), 0);
	FD_CLEANUP int before = open(path, O_RDONLY | O_DIRECTORY);
	CHECK_INT(ftruncate(openat(before, "file", O_WRONLY), 0), 0);
	suspect_add(&store, &id);
	CHECK(!has('a'));
	CHECK_INT(layer_list(&store, &ids, &count, &err), 0);
	CHECK_INT(count, 0);
	free(ids);
	layer_old_name(&store, digest_hex(&id), old);
	fixture_stage_layer(&stage, 1);
	CHECK_INT(fixture_commit_layer(&stage, 1, 'a', &err), 0);
	CHECK(has('a'));
	CHECK(!suspect_is(&store, &id));
	CHECK_INT(fstatat(before, "file", &st, 0), 0);
	CHECK_INT(st.st_size, 0);
	FD_CLEANUP int after = open(path, O_RDONLY | O_DIRECTORY);
	CHECK_INT(fstatat(after, "file", &st, 0), 0);
	CHECK_INT(st.st_size, 7);
	CHECK_INT(fstatat(store.layers, old, &st, 0), 0);
	CHECK_INT(layer_retire_old(&store), 1);
	CHECK_INT(fstatat(store.layers, old, &st, 0), -1);
	CHECK_INT(layer_retire_old(&store), 0);
	end();
}

static void what_is_no_layer_stays_out(void)
{
	begin();
	CHECK_INT(fixture_commit_layer(&stage, 0, 'a', &err), -ENOENT);
	CHECK_HAS(err.text, "sha256:");
	CHECK_INT(mkdirat(stage.dirfd, "1", 0700), 0);
	CHECK_INT(fixture_commit_layer(&stage, 1, 'a', &err), -ENOENT);
	CHECK_INT(symlinkat("/etc", stage.dirfd, "2"), 0);
	CHECK(fixture_commit_layer(&stage, 2, 'a', &err) < 0);
	CHECK_INT(mkdirat(stage.dirfd, "3", 0700), 0);
	CHECK_INT(symlinkat("/etc", stage.dirfd, "3/fs"), 0);
	CHECK_INT(fixture_commit_layer(&stage, 3, 'a', &err), -ENOTDIR);
	CHECK(!has('a'));
	end();
}

static void an_image_gets_in_when_its_layers_are_there(void)
{
	struct image_config *config = NULL;
	struct fixture_image image;
	BUF_CLEANUP struct buf raw = BUF_INIT;

	begin();
	fixture_image(&image, "ab", "2024-01-01T00:00:00Z");
	fixture_stage_documents(&stage, &image);
	fixture_stage_layer(&stage, 0);
	CHECK_INT(fixture_commit_layer(&stage, 0, 'a', &err), 0);
	CHECK_INT(stage_commit_image(&stage, &image.manifest, &image.config, NULL, &err), -ENOENT);
	CHECK(!image_exists(&store, &image.config));
	fixture_stage_layer(&stage, 1);
	CHECK_INT(fixture_commit_layer(&stage, 1, 'b', &err), 0);
	CHECK_INT(stage_commit_image(&stage, &image.manifest, &image.config, NULL, &err), 0);
	CHECK(image_exists(&store, &image.config));
	CHECK_INT(image_load(&store, &image.config, &config, &raw, &err), 0);
	CHECK(raw.size == image.config_text.size &&
	      !memcmp(raw.data, image.config_text.data, raw.size));
	CHECK_INT(image_check_layers(&store, config, &err), 0);
	image_config_free(config);
	buf_clear(&raw);
	CHECK_INT(image_load_manifest(&store, &image.manifest, &raw, &err), 0);
	CHECK_INT(raw.size, image.manifest_text.size);
	fixture_image_release(&image);
	end();
}

static void documents_that_do_not_fit_stay_out(void)
{
	struct fixture_image one, other;

	begin();
	fixture_image(&one, "a", "2024-01-01T00:00:00Z");
	fixture_image(&other, "a", "2025-01-01T00:00:00Z");
	fixture_stage_layer(&stage, 0);
	CHECK_INT(fixture_commit_layer(&stage, 0, 'a', &err), 0);
	CHECK_INT(stage_commit_image(&stage, &one.manifest, &one.config, NULL, &err), -ENOENT);
	fixture_stage_documents(&stage, &one);
	CHECK_INT(stage_commit_image(&stage, &other.manifest, &one.config, NULL, &err), -EBADMSG);
	CHECK_INT(stage_commit_image(&stage, &one.manifest, &other.config, NULL, &err), -EBADMSG);
	/* Each of them right, but not of one image. */
	fd_replace_file_volatile(stage.dirfd, STAGE_CONFIG, other.config_text.data,
				 other.config_text.size, 0600);
	CHECK_INT(stage_commit_image(&stage, &one.manifest, &other.config, NULL, &err), -EBADMSG);
	CHECK_HAS(err.text, "the manifest's config");
	CHECK(!image_exists(&store, &one.config) && !image_exists(&store, &other.config));
	/* A link out of the stage is not followed. */
	CHECK_INT(unlinkat(stage.dirfd, STAGE_CONFIG, 0), 0);
	CHECK_INT(symlinkat("/etc/passwd", stage.dirfd, STAGE_CONFIG), 0);
	CHECK_INT(stage_commit_image(&stage, &one.manifest, &other.config, NULL, &err), -EBADMSG);
	fixture_image_release(&one);
	fixture_image_release(&other);
	end();
}

static void discarding_removes_everything(void)
{
	begin();
	fixture_stage_layer(&stage, 0);
	CHECK(names_in(store.staging) != 0);
	stage_discard(&stage);
	CHECK_INT(sweep(store.staging, &err), 0);
	CHECK_INT(names_in(store.staging), 0);
	CHECK_INT(stage.dirfd, -1);
	end();
}

int main(void)
{
	scratch_open(&scratch);
	RUN(a_layer_gets_in_with_its_meta);
	RUN(a_layer_that_exists_is_kept);
	RUN(a_damaged_layer_is_replaced);
	RUN(a_link_is_no_tree);
	RUN(a_suspect_layer_changes_places);
	RUN(what_is_no_layer_stays_out);
	RUN(an_image_gets_in_when_its_layers_are_there);
	RUN(documents_that_do_not_fit_stay_out);
	RUN(discarding_removes_everything);
	scratch_close(&scratch);
	return test_end();
}
