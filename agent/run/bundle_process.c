/* config.json's "process": what is executed, as whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "agent/run/bundle_read.h"
#include "lib/capname.h"
#include "lib/log.h"

#define ID_MAX 4294967294LL /* 2^32 - 1 means "no change" to the kernel */

static const struct {
	const char *name;
	int resource;
} rlimits[] = {
	{ "RLIMIT_CPU", RLIMIT_CPU },		{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_DATA", RLIMIT_DATA },		{ "RLIMIT_STACK", RLIMIT_STACK },
	{ "RLIMIT_CORE", RLIMIT_CORE },		{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE }, { "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
};

static int find_rlimit(const char *name)
{
	for (size_t i = 0; i < sizeof(rlimits) / sizeof(*rlimits); i++)
		if (!strcasecmp(name, rlimits[i].name))
			return rlimits[i].resource;
	return -EINVAL;
}

const char *process_rlimit_name(int resource)
{
	for (size_t i = 0; i < sizeof(rlimits) / sizeof(*rlimits); i++)
		if (rlimits[i].resource == resource)
			return rlimits[i].name;
	return "?";
}

static int read_rlimit(const json_t *object, void *item, struct err *err)
{
	struct process_rlimit *rlimit = item;
	const char *name = "";
	int64_t soft = 0, hard = 0;

	if (json_get_string(object, "type", &name, err) < 0 ||
	    json_get_int(object, "soft", &soft, err) < 0 ||
	    json_get_int(object, "hard", &hard, err) < 0)
		return -EINVAL;
	rlimit->resource = find_rlimit(name);
	if (rlimit->resource < 0)
		return err_set(err, -EINVAL, "\"type\" is \"%s\", not a resource limit", name);
	/* -1 is "unlimited", and what RLIM_INFINITY comes as (json_parse_unsigned()). */
	rlimit->soft = (uint64_t)soft;
	rlimit->hard = (uint64_t)hard;
	if (rlimit->soft > rlimit->hard)
		return err_set(err, -EINVAL, "\"soft\" is more than \"hard\"");
	return 0;
}

/* The specification wants a type that is there twice to be an error (config.md, rlimits). */
static int read_rlimits(struct process *process, const json_t *object, struct err *err)
{
	unsigned int seen = 0;
	int rc = read_list(object, "rlimits", sizeof(*process->rlimits), (void **)&process->rlimits,
			   &process->rlimit_count, read_rlimit, err);

	for (size_t i = 0; i < process->rlimit_count && rc >= 0; i++) {
		unsigned int bit = 1u << process->rlimits[i].resource;

		if (seen & bit)
			rc = err_set(err, -EINVAL, "rlimits[%zu]: one before has the same \"type\"",
				     i);
		seen |= bit;
	}
	return rc;
}

static int read_groups(struct process *process, const json_t *user, struct err *err)
{
	json_t *array, *item;
	size_t i;
	int rc = json_get_array(user, "additionalGids", &array, err);

	if (rc <= 0)
		return rc;
	process->groups = xcalloc(json_array_size(array), sizeof(*process->groups));
	process->group_count = json_array_size(array);
	json_array_foreach(array, i, item) {
		json_int_t id = json_integer_value(item);

		if (!json_is_integer(item) || id < 0 || id > ID_MAX)
			return err_set(err, -EINVAL, "additionalGids[%zu]: not a group ID", i);
		process->groups[i] = (gid_t)id;
	}
	return 0;
}

static int read_user(struct process *process, const json_t *object, struct err *err)
{
	int64_t uid = 0, gid = 0, mask = -1;
	json_t *user;
	int rc = json_get_object(object, "user", &user, err);

	if (rc <= 0)
		return rc;
	if (read_range(user, "uid", 0, ID_MAX, &uid, err) < 0 ||
	    read_range(user, "gid", 0, ID_MAX, &gid, err) < 0 ||
	    read_range(user, "umask", 0, 0777, &mask, err) < 0 ||
	    read_copy(user, "username", &process->username, err) < 0 ||
	    read_groups(process, user, err) < 0 ||
	    json_get_strings(user, "additionalGroups", &process->group_names, err) < 0)
		return err_context(err, "user");
	process->uid = (uid_t)uid;
	process->gid = (gid_t)gid;
	process->umask = (int)mask;
	return 0;
}

/* Newer than this runtime, or mistyped: a warning and no error, as the specification has it (config.md). */
static void leave_out(struct process *process, const char *name)
{
	char *before = process->unknown_caps;

	if (before && strstr(before, name))
		return;
	process->unknown_caps = before ? xasprintf("%s, %s", before, name) : xstrdup(name);
	free(before);
}

static int read_cap_set(struct process *process, const json_t *object, const char *name, uint64_t *set,
			struct err *err)
{
	json_t *array, *item;
	size_t i;
	int rc = json_get_array(object, name, &array, err);

	if (rc <= 0)
		return rc;
	json_array_foreach(array, i, item) {
		int number;

		if (!json_is_string(item))
			return err_set(err, -EINVAL, "%s[%zu]: not a string", name, i);
		number = cap_parse(json_string_value(item));
		if (number < 0)
			leave_out(process, json_string_value(item));
		else
			*set |= UINT64_C(1) << number;
	}
	return 0;
}

static int read_caps(struct process *process, const json_t *object, struct err *err)
{
	struct caps *caps = &process->caps;
	const struct {
		const char *name;
		uint64_t *set;
	} sets[] = {
		{ "bounding", &caps->bounding },       { "effective", &caps->effective },
		{ "permitted", &caps->permitted },     { "inheritable", &caps->inheritable },
		{ "ambient", &caps->ambient },
	};
	json_t *all;
	int rc = json_get_object(object, "capabilities", &all, err);

	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		if (read_cap_set(process, all, sets[i].name, sets[i].set, err) < 0)
			return err_context(err, "capabilities");
	return 0;
}

static int read_console_size(struct process *process, const json_t *object, struct err *err)
{
	int64_t rows = 0, columns = 0;
	json_t *size;
	int rc = json_get_object(object, "consoleSize", &size, err);

	if (rc <= 0)
		return rc;
	if (read_range(size, "height", 0, 65535, &rows, err) < 0 ||
	    read_range(size, "width", 0, 65535, &columns, err) < 0)
		return err_context(err, "consoleSize");
	process->rows = (unsigned short)rows;
	process->columns = (unsigned short)columns;
	return 0;
}

static int read_command(struct process *process, const json_t *object, struct err *err)
{
	if (json_get_strings(object, "args", &process->args, err) < 0 ||
	    json_get_strings(object, "env", &process->env, err) < 0 ||
	    read_path(object, "cwd", &process->cwd, err) < 0)
		return -EINVAL;
	if (!process->args || !process->args[0])
		return err_set(err, -EINVAL, "\"args\" is missing or empty: nothing to run");
	if (!process->cwd)
		return err_set(err, -EINVAL, "\"cwd\" is missing");
	return 0;
}

static int read_oom_score(struct process *process, const json_t *object, struct err *err)
{
	int64_t value;
	int rc = read_range(object, "oomScoreAdj", -1000, 1000, &value, err);

	if (rc > 0) {
		process->has_oom_score_adj = true;
		process->oom_score_adj = (int)value;
	}
	return rc;
}

int process_parse(struct process *process, const json_t *object, struct err *err)
{
	*process = (struct process){ .umask = -1 };
	if (read_command(process, object, err) < 0 || read_user(process, object, err) < 0 ||
	    read_caps(process, object, err) < 0 ||
	    sched_read(&process->sched, object, err) < 0 ||
	    read_rlimits(process, object, err) < 0 ||
	    json_get_bool(object, "terminal", &process->terminal, err) < 0 ||
	    json_get_bool(object, "init", &process->init, err) < 0 ||
	    json_get_bool(object, "noNewPrivileges", &process->no_new_privileges, err) < 0 ||
	    read_copy(object, "apparmorProfile", &process->apparmor_profile, err) < 0 ||
	    read_copy(object, "selinuxLabel", &process->selinux_label, err) < 0 ||
	    read_console_size(process, object, err) < 0 || read_oom_score(process, object, err) < 0)
		return err ? err->code : -EINVAL;
	return 0;
}

void process_warn(const struct process *process)
{
	if (process->unknown_caps)
		log_warn("process.capabilities: %s: not known to this version of berth, left out",
			 process->unknown_caps);
}

void process_release(struct process *process)
{
	free_strings(process->args);
	free_strings(process->env);
	free(process->cwd);
	free(process->groups);
	free_strings(process->group_names);
	free(process->username);
	free(process->unknown_caps);
	free(process->rlimits);
	sched_release(&process->sched);
	free(process->apparmor_profile);
	free(process->selinux_label);
	*process = (struct process){ 0 };
}

static bool has_name(const char *assignment, const char *name, size_t length)
{
	return !strncmp(assignment, name, length) && assignment[length] == '=';
}

const char *process_getenv(const struct process *process, const char *name)
{
	size_t length = strlen(name);

	for (char **e = process->env; e && *e; e++)
		if (has_name(*e, name, length))
			return *e + length + 1;
	return NULL;
}

void process_setenv(struct process *process, char *assignment)
{
	size_t length = strcspn(assignment, "="), count = count_strings(process->env);

	for (size_t i = 0; i < count; i++) {
		if (!has_name(process->env[i], assignment, length))
			continue;
		free(process->env[i]);
		process->env[i] = assignment;
		return;
	}
	process->env = xrealloc(process->env, (count + 2) * sizeof(*process->env));
	process->env[count] = assignment;
	process->env[count + 1] = NULL;
}
