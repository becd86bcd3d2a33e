/* Any bytes as an image config; what is read has to make a spec or a reason why not. */
#include <stdlib.h>
#include <string.h>

#include "config/spec.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define VOLUMES_MAX 16

static void check_spec(const struct image_config *image)
{
	struct spec_mount volumes[VOLUMES_MAX];
	struct spec_input input = {
		.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.cgroup_parent = "/berth",
		.volumes = volumes,
	};
	struct health_timing timing;
	struct err err = ERR_INIT;
	struct app_config app;
	json_t *spec;

	for (char **path = image->volumes; *path && input.volume_count < VOLUMES_MAX; path++)
		volumes[input.volume_count++] = (struct spec_mount){ "/volume", *path, false };
	app_config_init(&app, "fuzz");
	spec = spec_build(&app, image, &input, &err);
	if (!spec && !err.text[0])
		abort();
	app_config_health_timing(&app, image, &timing);
	if (timing.interval_ms < 1000 || timing.timeout_ms <= 0 || timing.retries <= 0)
		abort();
	json_decref(spec);
	app_config_release(&app);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct platform machine = { "linux", "amd64", "" };
	struct manifest manifest = { .layer_count = 1 };
	struct image_config *image = NULL;
	struct err err = ERR_INIT;
	char *text = malloc(size ? size : 1);

	memcpy(text, data, size);
	if (image_config_parse(&image, text, size, &err) < 0) {
		if (image || !err.text[0])
			abort();
	} else {
		if (image->healthcheck.kind >= HEALTHCHECK_CMD && !image->healthcheck.test[0])
			abort();
		image_config_check(image, &manifest, &machine, &err);
		image_config_label(image, "x");
		if (image_config_stop_signal(image) <= 0)
			abort();
		check_spec(image);
	}
	image_config_free(image);
	free(text);
	return 0;
}
