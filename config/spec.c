#include "config/spec.h"

#include <errno.h>
#include <string.h>

#include "config/path.h"
#include "config/spec_parts.h"
#include "lib/fd.h"
#include "lib/json.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SHORT_ID 12 /* digits of an id that docker makes the host name of */

/* moby oci/caps/defaults.go */
static const char *const capabilities[] = {
	"CAP_CHOWN",	 "CAP_DAC_OVERRIDE", "CAP_FSETID",	     "CAP_FOWNER",
	"CAP_MKNOD",	 "CAP_NET_RAW",	     "CAP_SETGID",	     "CAP_SETUID",
	"CAP_SETFCAP",	 "CAP_SETPCAP",	     "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
	"CAP_KILL",	 "CAP_AUDIT_WRITE",
};

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

/* Sets a variable where its name stands already, else behind the others. */
static void set_env(json_t *env, const char *entry)
{
	size_t name_size = strcspn(entry, "=") + 1, i;
	json_t *item;

	json_array_foreach (env, i, item) {
		if (!strncmp(json_string_value(item), entry, name_size)) {
			if (json_array_set_new(env, i, json_string(entry)) < 0)
				die_no_memory();
			return;
		}
	}
	spec_append(env, json_string(entry));
}

static json_t *build_env(const struct app_config *app, const struct image_config *image,
			 const char *hostname, bool terminal)
{
	FREE_CLEANUP char *own_name = xasprintf("HOSTNAME=%s", hostname);
	json_t *env = json_array();

	set_env(env, DEFAULT_PATH);
	set_env(env, own_name);
	if (terminal)
		set_env(env, "TERM=xterm");
	for (char **entry = image->env; *entry; entry++)
		set_env(env, *entry);
	for (char **entry = app->env; *entry; entry++)
		set_env(env, *entry);
	return env;
}

static json_t *build_args(const struct app_config *app, const struct image_config *image)
{
	json_t *args = json_from_strings(image->entrypoint);
	char **command = app->command ? app->command : image->cmd;

	for (; *command; command++)
		spec_append(args, json_string(*command));
	return args;
}

/*
 * Bounding, effective and permitted. Not inheritable: with it a program with file capabilities
 * would get back what its user had lost (CVE-2022-24769).
 */
static json_t *build_capabilities(void)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		json_t *list = json_array();

		for (size_t j = 0; j < ARRAY_SIZE(capabilities); j++)
			spec_append(list, json_string(capabilities[j]));
		spec_put(object, sets[i], list);
	}
	return object;
}

static json_t *build_user(const struct image_config *image)
{
	json_t *user = json_object();

	spec_put(user, "uid", json_integer(0));
	spec_put(user, "gid", json_integer(0));
	if (*image->user)
		spec_put(user, "username", json_string(image->user));
	return user;
}

/* The image's WorkingDir as an absolute path; a relative one is meant from the root. */
static int find_cwd(const struct image_config *image, char **cwd, struct err *err)
{
	FREE_CLEANUP char *path = xasprintf("/%s", image->working_dir);

	if (path_clean(path, cwd, err) < 0)
		return err_context(err, "the image's WorkingDir %.100s", image->working_dir);
	return 0;
}

static json_t *build_process(const struct app_config *app, const struct image_config *image,
			     const struct spec_input *input, const char *hostname, struct err *err)
{
	FREE_CLEANUP char *cwd = NULL;
	json_t *args, *process;

	if (find_cwd(image, &cwd, err) < 0)
		return NULL;
	args = build_args(app, image);
	if (json_array_size(args) == 0 || !*json_string_value(json_array_get(args, 0))) {
		json_decref(args);
		err_set(err, -EINVAL, "the image names no program; give the app a command =");
		return NULL;
	}
	process = json_object();
	spec_put(process, "terminal", json_boolean(input->terminal));
	spec_put(process, "user", build_user(image));
	spec_put(process, "args", args);
	spec_put(process, "env", build_env(app, image, hostname, input->terminal));
	spec_put(process, "cwd", json_string(cwd));
	spec_put(process, "capabilities", build_capabilities());
	spec_put(process, "noNewPrivileges", json_true());
	spec_put(process, "oomScoreAdj", json_integer(0));
	return process;
}

static json_t *build_root(const struct spec_input *input)
{
	json_t *root = json_object();

	spec_put(root, "path", json_string(input->rootfs ? input->rootfs : "rootfs"));
	spec_put(root, "readonly", json_false());
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
	json_t *process = build_process(app, image, input, hostname, err);
	json_t *mounts = process ? spec_mounts(app, input, err) : NULL;
	json_t *spec;

	if (!mounts) {
		json_decref(process);
		return NULL;
	}
	spec = json_object();
	spec_put(spec, "ociVersion", json_string(SPEC_VERSION));
	spec_put(spec, "process", process);
	spec_put(spec, "root", build_root(input));
	spec_put(spec, "hostname", json_string(hostname));
	spec_put(spec, "mounts", mounts);
	spec_put(spec, "linux", spec_linux(app, input));
	if (input->attach)
		spec_put(spec, "hooks", build_hooks(input));
	return spec;
}
