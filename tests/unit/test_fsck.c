/* Whom damage is told of: each user by its whole name, once. */
#include "store/fsck.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct err err;

static void note_users(void *data, const struct fsck_finding *finding)
{
	if (finding->layer)
		snprintf(data, 64, "%s", finding->users);
}

static void remove_layer(char letter)
{
	struct digest id;
	char path[192];

	fixture_diff_id(letter, &id);
	snprintf(path, sizeof(path), "store/layers/%.64s", digest_hex(&id));
	CHECK_INT(fd_remove_tree(scratch.fd, path), 0);
}

static void a_name_is_no_part_of_another(void)
{
	char path[128], users[64] = "";
	struct fixture_image image;
	struct store store;
	struct fsck look = { .store = &store, .on_finding = note_users, .data = users };

	snprintf(path, sizeof(path), "%s/store", scratch.path);
	REQUIRE(store_open(&store, path, &err) == 0);
	fixture_image(&image, "a", "2024-01-01T00:00:00Z");
	CHECK_INT(fixture_pull(&store, &image, "a", &err), 0);
	fsck_root(&look, &image.config, "app2", NULL);
	fsck_root(&look, &image.config, "app", NULL);
	fsck_root(&look, &image.config, "app2", NULL);
	remove_layer('a');
	CHECK_INT(fsck(&look, &err), 0);
	CHECK_TEXT(users, "app2, app");
	fixture_image_release(&image);
	store_close(&store);
}

int main(void)
{
	scratch_open(&scratch);
	RUN(a_name_is_no_part_of_another);
	scratch_close(&scratch);
	return test_end();
}
