#include "config/spec.h"

#include <stdlib.h>

#include "config/spec_parts.h"
#include "lib/fd.h"
#include "lib/json.h"

#define SHORT_ID 12 /* digits of an id that docker makes the host name of */

void spec_put(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) < 0)
		die_no_memory();
}

void spec_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		die_no_memory();
}

static json_t *build_root(const struct app_config *app, const struct spec_input *input)
{
	json_t *root = json_object();

	spec_put(root, "path", json_string(input->rootfs ? input->rootfs : "rootfs"));
	spec_put(root, "readonly", json_boolean(app_storage_is_read_only(&app->storage)));
	return root;
}

/* createRuntime: before pivot_root, in the runtime's own namespaces, the container's pid in the state on stdin. */
static json_t *build_hooks(const struct spec_input *input)
{
	json_t *hook = json_object(), *list = json_array(), *hooks = json_object();

	spec_put(hook, "path", json_string("/proc/self/exe"));
	spec_put(hook, "args", json_from_strings(input->attach));
	spec_append(list, hook);
	spec_put(hooks, "createRuntime", list);
	return hooks;
}

json_t *spec_build(const struct app_config *app, const struct image_config *image,
		   const struct spec_input *input, struct err *err)
{
	FREE_CLEANUP char *short_id = xstrndup(input->id, SHORT_ID);
	const char *hostname = input->hostname ? input->hostname : short_id;
	json_t *process = spec_process(app, image, input, hostname, err);
	json_t *mounts = process ? spec_mounts(app, input, err) : NULL;
	json_t *spec;

	if (!mounts) {
		json_decref(process);
		return NULL;
	}
	spec = json_object();
	spec_put(spec, "ociVersion", json_string(SPEC_VERSION));
	spec_put(spec, "process", process);
	spec_put(spec, "root", build_root(app, input));
	spec_put(spec, "hostname", json_string(hostname));
	spec_put(spec, "mounts", mounts);
	spec_put(spec, "linux", spec_linux(app, input));
	if (input->attach)
		spec_put(spec, "hooks", build_hooks(input));
	return spec;
}
