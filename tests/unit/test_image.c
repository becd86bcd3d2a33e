/* Images by ID and by reference, tags, listing. */
#include <errno.h>

#include "lib/sha256.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/test.h"

static struct scratch scratch;
static struct store store;
static struct fixture_image old, new;
static struct err err;

#define WEB "docker.io/library/web:latest"
#define SENSOR "fleet.example.com:5000/sensor:stable"

static void begin(void)
{
	char path[128];

	err = ERR_INIT;
	fd_remove_tree(scratch.fd, "store");
	snprintf(path, sizeof(path), "%s/store", scratch.path);
	CHECK_INT(store_open(&store, path, &err), 0);
	fixture_image(&old, "ab", "2024-01-01T00:00:00Z");
	fixture_image(&new, "ac", "2025-06-01T00:00:00Z");
	CHECK_INT(fixture_pull(&store, &old, "ab", &err), 0);
	CHECK_INT(fixture_pull(&store, &new, "ac", &err), 0);
	CHECK_INT(fixture_tag(&store, &old, WEB, &err), 0);
	CHECK_INT(fixture_tag(&store, &new, SENSOR, &err), 0);
	CHECK_TEXT(err.text, "");
}

static void end(void)
{
	fixture_image_release(&old);
	fixture_image_release(&new);
	store_close(&store);
}

static int find(const char *text, struct digest *config)
{
	struct tag tag;
	int rc = image_find(&store, text, config, &tag, &err);

	if (rc == 0 && tag.reference[0])
		CHECK(digest_equal(&tag.config, config));
	return rc;
}

static void images_are_found_as_docker_finds_them(void)
{
	struct digest found;
	char text[200];

	begin();
	CHECK_INT(find("web", &found), 0);
	CHECK_TEXT(found.text, old.config.text);
	CHECK_INT(find("web:latest", &found), 0);
	CHECK_INT(find("docker.io/library/web:latest", &found), 0);
	CHECK_INT(find(SENSOR, &found), 0);
	CHECK_TEXT(found.text, new.config.text);
	CHECK_INT(find("fleet.example.com:5000/sensor", &found), -ENOENT);
	CHECK_HAS(err.text, "no such image");
	CHECK_INT(find(new.config.text, &found), 0);
	CHECK_INT(find(digest_hex(&new.config), &found), 0);
	snprintf(text, sizeof(text), "%.12s", digest_hex(&old.config));
	CHECK_INT(find(text, &found), 0);
	CHECK_TEXT(found.text, old.config.text);
	snprintf(text, sizeof(text), "sha256:%.5s", digest_hex(&old.config));
	CHECK_INT(find(text, &found), 0);
	snprintf(text, sizeof(text), "fleet.example.com:5000/sensor@%s", new.manifest.text);
	CHECK_INT(find(text, &found), 0);
	CHECK_TEXT(found.text, new.config.text);
	snprintf(text, sizeof(text), "other/sensor@%s", new.manifest.text);
	CHECK_INT(find(text, &found), -ENOENT);
	CHECK_INT(find("sha256:", &found), -ENOENT);
	CHECK_INT(find("", &found), -EINVAL);
	CHECK_INT(find("Not A Name", &found), -EINVAL);
	CHECK_INT(find("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", &found),
		  -EINVAL);
	end();
}

/* With 17 images two share their first digit. */
static void prefixes_that_fit_several_are_refused(void)
{
	struct fixture_image images[17];
	struct digest found;
	bool ambiguous = false;
	char created[32];

	begin();
	for (int i = 0; i < 17; i++) {
		snprintf(created, sizeof(created), "2020-01-%02dT00:00:00Z", i + 1);
		fixture_image(&images[i], "ab", created);
		CHECK_INT(fixture_pull(&store, &images[i], "ab", &err), 0);
	}
	for (int i = 0; i < 16; i++) {
		char digit[2] = { "0123456789abcdef"[i], 0 };

		ambiguous |= find(digit, &found) == -EEXIST;
	}
	CHECK(ambiguous);
	for (int i = 0; i < 17; i++)
		fixture_image_release(&images[i]);
	end();
}

static void tags_move_and_go(void)
{
	struct digest found;
	struct tag tag;
	int64_t written;

	begin();
	CHECK_INT(fixture_tag(&store, &new, WEB, &err), 0);
	CHECK_INT(find("web", &found), 0);
	CHECK_TEXT(found.text, new.config.text);
	written = store_written_bytes(&store);
	CHECK_INT(fixture_tag(&store, &new, WEB, &err), 0);
	CHECK_INT(store_written_bytes(&store), written);
	CHECK_INT(tag_load(&store, WEB, &tag, &err), 0);
	CHECK_TEXT(tag.reference, WEB);
	CHECK_TEXT(tag.image.text, new.manifest.text);
	CHECK_INT(image_untag(&store, WEB, &err), 0);
	CHECK_INT(image_untag(&store, WEB, &err), -ENOENT);
	CHECK_INT(find("web", &found), -ENOENT);
	end();
}

static void the_list_is_newest_first_with_tags(void)
{
	struct image *images;
	size_t count;

	begin();
	CHECK_INT(fixture_tag(&store, &new, WEB, &err), 0);
	REQUIRE(image_list(&store, &images, &count, &err) == 0);
	CHECK_INT(count, 2);
	CHECK_TEXT(images[0].config.text, new.config.text);
	CHECK_INT(images[0].created_ns / 1000000000, 1748736000);
	CHECK_INT(images[0].size_bytes, 14);
	CHECK_INT(images[0].tag_count, 2);
	CHECK_TEXT(images[0].tags[0].reference, WEB);
	CHECK_TEXT(images[0].tags[1].reference, SENSOR);
	CHECK_INT(images[1].tag_count, 0);
	image_list_free(images, count);
	end();
}

static void damage_file(int dirfd, const char *name)
{
	FD_CLEANUP int fd = openat(dirfd, name, O_WRONLY);

	CHECK_INT(pwrite(fd, "X", 1, 20), 1);
}

static void damaged_files_are_noticed(void)
{
	struct image_config *config;
	struct image *images;
	struct digest found;
	size_t count;
	char name[80];

	begin();
	snprintf(name, sizeof(name), "%s.json", digest_hex(&old.config));
	damage_file(store.images, name);
	CHECK_INT(image_load(&store, &old.config, &config, NULL, &err), -EBADMSG);
	CHECK_HAS(err.text, "pull it again");
	CHECK_INT(image_list(&store, &images, &count, &err), 0);
	CHECK_INT(count, 1);
	image_list_free(images, count);
	/* Pulling it again mends it. */
	CHECK_INT(fixture_pull(&store, &old, "ab", &err), 0);
	CHECK_INT(image_load(&store, &old.config, &config, NULL, &err), 0);
	image_config_free(config);

	sha256_hex(WEB, strlen(WEB), name);
	damage_file(store.tags, name);
	CHECK_INT(find("web", &found), -EBADMSG);
	struct tag *tags;
	CHECK_INT(tag_list(&store, &tags, &count, &err), 0);
	CHECK_INT(count, 1);
	free(tags);
	/* A tag under another's name. */
	char other[80];
	sha256_hex(SENSOR, strlen(SENSOR), other);
	CHECK_INT(renameat(store.tags, other, store.tags, name), 0);
	CHECK_INT(find("web", &found), -EBADMSG);
	CHECK_HAS(err.text, "it is about " SENSOR);
	end();
}

static void missing_layers_are_named(void)
{
	struct image_config *config;
	struct digest id;
	char path[PATH_MAX];

	begin();
	CHECK_INT(image_load(&store, &old.config, &config, NULL, &err), 0);
	CHECK_INT(image_check_layers(&store, config, &err), 0);
	fixture_diff_id('b', &id);
	CHECK_INT(store_layer_path(&store, &id, path, &err), 0);
	path[strlen(path) - 3] = '\0';
	CHECK_INT(fd_remove_tree(AT_FDCWD, path), 0);
	CHECK_INT(image_check_layers(&store, config, &err), -ENOENT);
	CHECK_HAS(err.text, id.text);
	image_config_free(config);
	end();
}

static void tag_files_are_checked(void)
{
	static const char *const bad[] = {
		"", "{}", "[]", "nonsense",
		"{\"reference\":\"\",\"image\":\"\",\"manifest\":\"\",\"config\":\"\"}",
		"{\"reference\":\"a\",\"image\":\"sha256:12\",\"manifest\":\"\",\"config\":\"\"}",
		"{\"reference\":7}",
	};
	struct tag tag;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err = ERR_INIT;
		CHECK_INT(tag_parse(&tag, bad[i], strlen(bad[i]), &err), -EINVAL);
		CHECK(err.text[0]);
	}
}

int main(void)
{
	scratch_open(&scratch);
	RUN(images_are_found_as_docker_finds_them);
	RUN(prefixes_that_fit_several_are_refused);
	RUN(tags_move_and_go);
	RUN(the_list_is_newest_first_with_tags);
	RUN(damaged_files_are_noticed);
	RUN(missing_layers_are_named);
	RUN(tag_files_are_checked);
	scratch_close(&scratch);
	return test_end();
}
