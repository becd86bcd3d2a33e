/* spec_parts - the three big members of a spec, each in its own file, and what builds JSON there. */
#ifndef CONFIG_SPEC_PARTS_H
#define CONFIG_SPEC_PARTS_H

#include "config/spec.h"

/* "process": what is executed, as whom, with which rights. */
json_t *spec_process(const struct app_config *app, const struct image_config *image,
		     const struct spec_input *input, const char *hostname, struct err *err);

/* "mounts": Docker's default ones, then what the app and the image mount, outer before inner. */
json_t *spec_mounts(const struct app_config *app, const struct spec_input *input, struct err *err);

/* "linux": namespaces, devices, limits, masks. */
json_t *spec_linux(const struct app_config *app, const struct spec_input *input);

/* Both take `value`; neither returns when there is no memory. */
void spec_put(json_t *object, const char *name, json_t *value);
void spec_append(json_t *array, json_t *value);

#endif
