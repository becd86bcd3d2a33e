/* An app's settings as JSON, from a record or a container.json on flash: what is accepted has to survive the way back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/app_config.h"
#include "config/spec.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct app_config *app)
{
	BUF_CLEANUP struct buf text = BUF_INIT, text_again = BUF_INIT;
	JSON_CLEANUP json_t *json = app_config_to_json(app), *json_again = NULL;
	struct app_config *again;
	struct err err = ERR_INIT;

	json_append(&text, json);
	if (app_config_from_json(&again, json, &err) < 0)
		abort();
	json_again = app_config_to_json(again);
	json_append(&text_again, json_again);
	if (strcmp(text.data, text_again.data) != 0)
		abort();
	app_config_free(again);
}

/* All of it is read when a container is made with it. */
static void make_spec(const struct app_config *app)
{
	static const char image_text[] = "{\"architecture\":\"amd64\",\"rootfs\":{},\"config\":{\"Cmd\":[\"/bin/a\"]}}";
	struct spec_input input = {
		.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.cgroup_parent = "/berth",
	};
	struct image_config *image;
	struct err err = ERR_INIT;

	if (image_config_parse(&image, image_text, strlen(image_text), &err) < 0)
		abort();
	json_t *spec = spec_build(app, image, &input, &err);

	if (!spec && !err.text[0])
		abort();
	json_decref(spec);
	image_config_free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	JSON_CLEANUP json_t *json = NULL;
	struct app_config *app;
	struct err err = ERR_INIT;

	if (json_parse(&json, (const char *)data, size, "settings", NULL) < 0)
		return 0;
	if (app_config_from_json(&app, json, &err) < 0) {
		if (!err.text[0])
			abort();
		return 0;
	}
	json_decref(json);
	json = NULL; /* nothing may point into it */
	check(app);
	make_spec(app);
	app_config_free(app);
	return 0;
}
