/*
 * Runs the cases in tests/cases/spec/: each file has an app's settings, an image config and what
 * was found on the device, and the spec (or the error) that comes of them. Started in the project's
 * folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>

#include "config/spec.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "tests/unit/test.h"

#define CASES "tests/cases/spec/*.json"
#define LIST_MAX 8

static struct err err;

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int number_of(const json_t *object, const char *name)
{
	return (int)json_integer_value(json_object_get(object, name));
}

/* "input" of a case: strings, and lists of volumes and devices. */
static json_t *build(const struct app_config *app, const struct image_config *image,
		     const json_t *input)
{
	struct spec_mount volumes[LIST_MAX];
	struct spec_device devices[LIST_MAX];
	struct spec_input given = {
		.id = text_of(input, "id"),
		.hostname = text_of(input, "hostname"),
		.rootfs = text_of(input, "rootfs"),
		.cgroup_parent = text_of(input, "cgroup_parent"),
		.cgroup_namespace = json_is_true(json_object_get(input, "cgroup_namespace")),
		.terminal = json_is_true(json_object_get(input, "terminal")),
		.resolv_conf = text_of(input, "resolv_conf"),
		.hosts = text_of(input, "hosts"),
		.hostname_file = text_of(input, "hostname_file"),
		.network_namespace = text_of(input, "network_namespace"),
		.volumes = volumes,
		.devices = devices,
		.first_id = (uint32_t)number_of(input, "first_id"),
		.id_count = (uint32_t)number_of(input, "id_count"),
	};
	char **attach = NULL;
	json_t *item, *spec;
	size_t i;

	if (json_get_strings(input, "attach", &attach, &err) > 0)
		given.attach = attach;
	json_array_foreach (json_object_get(input, "volumes"), i, item) {
		volumes[i] =
			(struct spec_mount){ text_of(item, "source"), text_of(item, "path"),
					     json_is_true(json_object_get(item, "read_only")) };
		given.volume_count = i + 1;
	}
	json_array_foreach (json_object_get(input, "devices"), i, item) {
		devices[i] = (struct spec_device){
			.source = text_of(item, "source") ?: app->devices[i].source,
			.path = text_of(item, "path") ?: app->devices[i].path,
			.access = text_of(item, "access") ?: app->devices[i].permissions,
			.type = *text_of(item, "type"),
			.major = (uint32_t)number_of(item, "major"),
			.minor = (uint32_t)number_of(item, "minor"),
			.mode = (uint32_t)number_of(item, "mode"),
			.uid = (uint32_t)number_of(item, "uid"),
			.gid = (uint32_t)number_of(item, "gid"),
		};
		given.device_count = i + 1;
	}
	spec = spec_build(app, image, &given, &err);
	free_strings(attach);
	return spec;
}

static json_t *run_case(const json_t *document)
{
	struct image_config *image = NULL;
	struct app_config *app = NULL;
	struct buf text = BUF_INIT;
	json_t *spec = NULL;

	json_append(&text, json_object_get(document, "image"));
	if (CHECK_INT(app_config_from_json(&app, json_object_get(document, "app"), &err), 0) &&
	    CHECK_INT(image_config_parse(&image, text.data, text.size, &err), 0))
		spec = build(app, image, json_object_get(document, "input"));
	app_config_free(app);
	image_config_free(image);
	buf_release(&text);
	return spec;
}

static void check_case(const char *path)
{
	struct buf text = BUF_INIT;
	json_t *document = NULL, *spec, *expected;

	err = ERR_INIT;
	if (fd_read_file(AT_FDCWD, path, &text, 1 << 20) < 0 ||
	    json_parse(&document, text.data, text.size, path, &err) < 0) {
		test_fail(__FILE__, __LINE__, "%s: cannot be read: %s", path, err.text);
		buf_release(&text);
		return;
	}
	spec = run_case(document);
	expected = json_object_get(document, "spec");
	if (expected ? !json_equal(spec, expected)
		     : spec || !strstr(err.text, text_of(document, "error"))) {
		test_fail(__FILE__, __LINE__, "%s: %s; it is now:", path, err.text);
		json_dumpf(spec, stderr, JSON_INDENT(1));
		fputc('\n', stderr);
	}
	json_decref(spec);
	json_decref(document);
	buf_release(&text);
}

static void cases(void)
{
	glob_t found;

	REQUIRE(glob(CASES, 0, NULL, &found) == 0);
	CHECK(found.gl_pathc >= 5);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_case(found.gl_pathv[i]);
	globfree(&found);
}

int main(void)
{
	RUN(cases);
	return test_end();
}
