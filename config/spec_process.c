#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/path.h"
#include "config/spec_parts.h"
#include "lib/capname.h"
#include "lib/fd.h"
#include "lib/json.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

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

/* As docker has it: an entrypoint of the app's own takes the image's Cmd away, too. */
static json_t *build_args(const struct app_config *app, const struct image_config *image)
{
	char **entrypoint = app->process.entrypoint;
	json_t *args = json_from_strings(entrypoint ? entrypoint : image->entrypoint);
	char **command = app->command ? app->command : entrypoint ? NULL : image->cmd;

	for (; command && *command; command++)
		spec_append(args, json_string(*command));
	return args;
}

/*
 * Bounding, effective and permitted. Not inheritable: with it a program with file capabilities
 * would get back what its user had lost (CVE-2022-24769).
 */
static json_t *build_capabilities(const struct app_config *app)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	uint64_t wanted = app_confine_capabilities(&app->confine);
	json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		json_t *list = json_array();

		for (int number = 0; cap_name(number); number++)
			if (wanted >> number & 1)
				spec_append(list, json_string(cap_name(number)));
		spec_put(object, sets[i], list);
	}
	return object;
}

static bool is_number(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

static void append_group(json_t *user, const char *list, json_t *group)
{
	if (!json_object_get(user, list))
		spec_put(user, list, json_array());
	spec_append(json_object_get(user, list), group);
}

static json_t *build_user(const struct app_config *app, const struct image_config *image)
{
	const char *name = app->process.user ? app->process.user : image->user;
	json_t *user = json_object();

	spec_put(user, "uid", json_integer(0));
	spec_put(user, "gid", json_integer(0));
	if (*name)
		spec_put(user, "username", json_string(name));
	for (char **group = app->process.groups; group && *group; group++)
		if (is_number(*group))
			append_group(user, "additionalGids", json_integer(atoll(*group)));
		else
			append_group(user, "additionalGroups", json_string(*group));
	return user;
}

/* -1 is the same number as RLIM_INFINITY, when that goes through a signed one. */
static json_t *build_rlimits(const struct app_process *process)
{
	json_t *list = json_array();

	for (size_t i = 0; i < process->ulimit_count; i++) {
		const struct app_ulimit *limit = &process->ulimits[i];
		FREE_CLEANUP char *type = xasprintf("RLIMIT_%s", limit->name);
		json_t *object = json_object();

		for (char *p = type; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		spec_put(object, "type", json_string(type));
		spec_put(object, "soft", json_integer(limit->soft));
		spec_put(object, "hard", json_integer(limit->hard));
		spec_append(list, object);
	}
	return list;
}

/* The image's WorkingDir as an absolute path; a relative one is meant from the root. */
static int find_cwd(const struct app_config *app, const struct image_config *image, char **cwd,
		    struct err *err)
{
	FREE_CLEANUP char *path = xasprintf("/%s", image->working_dir);

	if (app->process.workdir) {
		*cwd = xstrdup(app->process.workdir);
		return 0;
	}
	if (path_clean(path, cwd, err) < 0)
		return err_context(err, "the image's WorkingDir %.100s", image->working_dir);
	return 0;
}

json_t *spec_process(const struct app_config *app, const struct image_config *image,
		     const struct spec_input *input, const char *hostname, struct err *err)
{
	FREE_CLEANUP char *cwd = NULL;
	json_t *args, *process;

	if (find_cwd(app, image, &cwd, err) < 0)
		return NULL;
	args = build_args(app, image);
	if (json_array_size(args) == 0 || !*json_string_value(json_array_get(args, 0))) {
		json_decref(args);
		err_set(err, -EINVAL, "the image names no program; give the app a command =");
		return NULL;
	}
	process = json_object();
	spec_put(process, "terminal", json_boolean(input->terminal));
	spec_put(process, "user", build_user(app, image));
	spec_put(process, "args", args);
	spec_put(process, "env", build_env(app, image, hostname, input->terminal));
	spec_put(process, "cwd", json_string(cwd));
	spec_put(process, "capabilities", build_capabilities(app));
	spec_put(process, "noNewPrivileges",
		 json_boolean(!app->confine.new_privileges && !app->confine.privileged));
	spec_put(process, "oomScoreAdj", json_integer(app->process.oom_score_adj));
	if (app->process.ulimit_count)
		spec_put(process, "rlimits", build_rlimits(&app->process));
	if (app->process.init)
		spec_put(process, "init", json_true());
	return process;
}
