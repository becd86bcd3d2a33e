/* What goes, and above all what stays. */
#include <errno.h>

#include "store/gc.h"
#include "store/suspect.h"
#include "store/unfinished.h"
#include "store/writable.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct store store;
static struct fixture_image v1, v2, v3;
static struct err err;
static int64_t freed;

#define APP "fleet.example.com/app:stable"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"

/* Three versions: 'a' is in all of them, 'x' is a layer of no image. */
static void begin(void)
{
	struct stage stage;
	char path[128];

	err = ERR_INIT;
	fd_remove_tree(scratch.fd, "store");
	snprintf(path, sizeof(path), "%s/store", scratch.path);
	CHECK_INT(store_open(&store, path, &err), 0);
	fixture_image(&v1, "ab", "2024-01-01T00:00:00Z");
	fixture_image(&v2, "ac", "2024-02-01T00:00:00Z");
	fixture_image(&v3, "ad", "2024-03-01T00:00:00Z");
	CHECK_INT(fixture_pull(&store, &v1, "ab", &err), 0);
	CHECK_INT(fixture_pull(&store, &v2, "ac", &err), 0);
	CHECK_INT(fixture_pull(&store, &v3, "ad", &err), 0);
	CHECK_INT(stage_open(&stage, &store, &err), 0);
	fixture_stage_layer(&stage, 0);
	CHECK_INT(fixture_commit_layer(&stage, 0, 'x', &err), 0);
	stage_discard(&stage);
}

static void end(void)
{
	fixture_image_release(&v1);
	fixture_image_release(&v2);
	fixture_image_release(&v3);
	store_close(&store);
}

/* The letters of the layers that are in the store. */
static const char *layers(void)
{
	static char found[8];
	char *p = found;

	for (const char *letter = "abcdx"; *letter; letter++) {
		struct digest id;

		fixture_diff_id(*letter, &id);
		if (store_has_layer(&store, &id))
			*p++ = *letter;
	}
	*p = '\0';
	return found;
}

static bool has_manifest(const struct fixture_image *image)
{
	BUF_CLEANUP struct buf text = BUF_INIT;

	return image_load_manifest(&store, &image->manifest, &text, NULL) == 0;
}

static void only_what_is_kept_or_tagged_stays(void)
{
	struct gc_keep keep = { .configs = &v2.config, .config_count = 1 };

	begin();
	CHECK_INT(fixture_tag(&store, &v1, APP, &err), 0);
	CHECK_INT(gc(&store, &keep, &freed, &err), 0);
	CHECK_TEXT(layers(), "abc");
	CHECK_INT(freed, 14);
	CHECK(image_exists(&store, &v1.config) && image_exists(&store, &v2.config));
	CHECK(!image_exists(&store, &v3.config));
	CHECK(has_manifest(&v1) && has_manifest(&v2) && !has_manifest(&v3));
	CHECK_INT(gc(&store, &keep, &freed, &err), 0);
	CHECK_INT(freed, 0);
	CHECK_INT(image_untag(&store, APP, &err), 0);
	CHECK_INT(gc(&store, &(struct gc_keep){ 0 }, &freed, &err), 0);
	CHECK_TEXT(layers(), "");
	end();
}

static void note(const char *letters, const struct digest *image)
{
	struct unfinished unfinished = { .image = *image, .reference = APP };

	for (const char *p = letters; *p; p++)
		fixture_diff_id(*p, &unfinished.layers[unfinished.layer_count++]);
	CHECK_INT(unfinished_save(&store, &unfinished, &err), 0);
}

static void layers_of_a_pull_under_way_stay(void)
{
	struct gc_keep keep = { 0 };
	struct stage stage;

	begin();
	note("xd", &v3.manifest);
	note("c", &v2.manifest);
	CHECK_INT(stage_open(&stage, &store, &err), 0);
	fixture_stage_layer(&stage, 5);
	CHECK_INT(gc(&store, &keep, &freed, &err), 0);
	CHECK_TEXT(layers(), "cdx");
	/* The stage of the pull is not gc's either. */
	CHECK_INT(fixture_commit_layer(&stage, 5, 'a', &err), 0);
	CHECK_TEXT(layers(), "acdx");
	stage_discard(&stage);
	end();
}

/* A power cut in the middle of a pull, and the next start: nothing that was finished is lost. */
static void they_stay_over_a_restart(void)
{
	struct unfinished *found;
	size_t count;
	char path[128];

	begin();
	note("x", &v3.manifest);
	store_close(&store);
	snprintf(path, sizeof(path), "%s/store", scratch.path);
	CHECK_INT(store_open(&store, path, &err), 0);
	CHECK_INT(gc(&store, &(struct gc_keep){ 0 }, &freed, &err), 0);
	CHECK_TEXT(layers(), "x");
	CHECK_INT(unfinished_list(&store, &found, &count, &err), 0);
	REQUIRE(CHECK_INT(count, 1));
	CHECK_TEXT(found->image.text, v3.manifest.text);
	CHECK_TEXT(found->reference, APP);
	CHECK(found->written_s > 0 && !found->by_hand && !found->starts);
	free(found);
	CHECK_INT(unfinished_remove(&store, &v3.manifest, &err), 0);
	CHECK_INT(unfinished_remove(&store, &v3.manifest, &err), 0);
	CHECK_INT(gc(&store, &(struct gc_keep){ 0 }, &freed, &err), 0);
	CHECK_TEXT(layers(), "");
	end();
}

static void damaged_records_of_pulls_keep_nothing(void)
{
	static const char *const bad[] = {
		"", "{}", "{\"image\":\"x\",\"reference\":\"y\",\"layers\":[]}",
		"{\"image\":\"sha256:" ONES "\",\"reference\":\"\",\"layers\":[]}",
		"{\"image\":\"sha256:" ONES "\",\"reference\":\"y\",\"layers\":[7]}",
		"{\"image\":\"sha256:" ONES "\",\"reference\":\"y\",\"layers\":[],\"starts\":9}",
		/* good, but of another name */
		"{\"image\":\"sha256:" TWOS "\",\"reference\":\"y\",\"layers\":[]}",
	};
	struct unfinished *found;
	size_t count;

	begin();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_INT(fd_replace_file(store.pulls, ONES, bad[i], strlen(bad[i]), 0600), 0);
		CHECK_INT(unfinished_list(&store, &found, &count, &err), 0);
		CHECK_INT(count, 0);
		CHECK_INT(faccessat(store.pulls, ONES, F_OK, 0), -1);
		free(found);
	}
	end();
}

static void containers_without_an_owner_go(void)
{
	const char *ids[] = { "aaa111" };
	struct gc_keep keep = { .containers = ids, .container_count = 1 };
	struct container_dir dir;
	char volume[PATH_MAX];
	struct stat st;

	begin();
	CHECK_INT(container_dir_open(&store, "bbb222", 0, &dir, &err), 0);
	CHECK_INT(container_dir_open(&store, "aaa111", 0, &dir, &err), 0);
	CHECK_INT(volume_open(&store, "data", volume, &err), 1);
	CHECK_INT(gc(&store, &keep, NULL, &err), 0);
	CHECK_INT(fstatat(store.containers, "aaa111/upper", &st, 0), 0);
	CHECK_INT(fstatat(store.containers, "bbb222", &st, 0), -1);
	CHECK_INT(stat(volume, &st), 0);
	end();
}

/* Nothing is known to be damaged for ever: a store without damage can end cleanly. */
static void a_suspect_layer_that_goes_is_forgotten(void)
{
	struct gc_keep keep = { .configs = &v2.config, .config_count = 1 };
	struct digest kept, gone;

	begin();
	fixture_diff_id('c', &kept);
	fixture_diff_id('d', &gone);
	suspect_add(&store, &kept);
	suspect_add(&store, &gone);
	CHECK_INT(gc(&store, &keep, &freed, &err), 0);
	CHECK(suspect_is(&store, &kept) && !suspect_is(&store, &gone));
	CHECK_INT(store.suspect_count, 1);
	end();
}

/* Which layers does an image need whose config can't be read? Nobody knows: none is deleted. */
static void a_damaged_image_stops_it(void)
{
	struct gc_keep keep = { .configs = &v2.config, .config_count = 1 };
	char name[80];

	begin();
	snprintf(name, sizeof(name), "%s.json", digest_hex(&v2.config));
	CHECK_INT(fd_replace_file(store.images, name, "{}", 2, 0600), 0);
	CHECK_INT(gc(&store, &keep, &freed, &err), -EBADMSG);
	CHECK_HAS(err.text, v2.config.text);
	CHECK_TEXT(layers(), "abcdx");
	end();
}

static void foreign_names_are_left_alone(void)
{
	struct stat st;

	begin();
	CHECK_INT(mkdirat(store.layers, "lost+found", 0700), 0);
	CHECK_INT(fd_replace_file(store.images, "README", "x", 1, 0600), 0);
	CHECK_INT(fd_replace_file(store.manifests, "README", "x", 1, 0600), 0);
	CHECK_INT(gc(&store, &(struct gc_keep){ 0 }, NULL, &err), 0);
	CHECK_INT(fstatat(store.layers, "lost+found", &st, 0), 0);
	CHECK_INT(fstatat(store.images, "README", &st, 0), 0);
	CHECK_INT(fstatat(store.manifests, "README", &st, 0), 0);
	end();
}

int main(void)
{
	scratch_open(&scratch);
	RUN(only_what_is_kept_or_tagged_stays);
	RUN(layers_of_a_pull_under_way_stay);
	RUN(they_stay_over_a_restart);
	RUN(damaged_records_of_pulls_keep_nothing);
	RUN(containers_without_an_owner_go);
	RUN(a_suspect_layer_that_goes_is_forgotten);
	RUN(a_damaged_image_stops_it);
	RUN(foreign_names_are_left_alone);
	scratch_close(&scratch);
	return test_end();
}
