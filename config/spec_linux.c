#include <stdlib.h>
#include <string.h>

#include "config/spec_parts.h"
#include "lib/fd.h"
#include "lib/json.h"

#define CPU_PERIOD_US 100000
#define ANY (-1)

/* moby oci/defaults.go */
static char *const masked_paths[] = {
	"/proc/acpi",	     "/proc/asound",	  "/proc/interrupts",
	"/proc/kcore",	     "/proc/keys",	  "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi",	  "/proc/timer_list",
	"/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	NULL,
};
static char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

struct device_rule {
	bool allow;
	const char *type;
	int major, minor;
	const char *access;
};

/*
 * Nothing but the devices that every container has. Any node may be made (mknod), as only its
 * use does harm.
 */
static const struct device_rule device_rules[] = {
	{ false, "a", ANY, ANY, "rwm" },
	{ true, "c", ANY, ANY, "m" },
	{ true, "b", ANY, ANY, "m" },
	{ true, "c", 1, 3, "rwm" },	/* null */
	{ true, "c", 1, 5, "rwm" },	/* zero */
	{ true, "c", 1, 7, "rwm" },	/* full */
	{ true, "c", 1, 8, "rwm" },	/* random */
	{ true, "c", 1, 9, "rwm" },	/* urandom */
	{ true, "c", 5, 0, "rwm" },	/* tty */
	{ true, "c", 5, 1, "rwm" },	/* console */
	{ true, "c", 5, 2, "rwm" },	/* ptmx */
	{ true, "c", 136, ANY, "rwm" }, /* pts */
};

static void append_rule(json_t *rules, const struct device_rule *rule)
{
	json_t *object = json_object();

	spec_put(object, "allow", json_boolean(rule->allow));
	spec_put(object, "type", json_string(rule->type));
	if (rule->major != ANY)
		spec_put(object, "major", json_integer(rule->major));
	if (rule->minor != ANY)
		spec_put(object, "minor", json_integer(rule->minor));
	spec_put(object, "access", json_string(rule->access));
	spec_append(rules, object);
}

static json_t *build_rules(const struct app_config *app, const struct spec_input *input)
{
	json_t *rules = json_array();

	if (app->confine.privileged) {
		append_rule(rules, &(struct device_rule){ true, "a", ANY, ANY, "rwm" });
		return rules;
	}
	for (size_t i = 0; i < sizeof(device_rules) / sizeof(*device_rules); i++)
		append_rule(rules, &device_rules[i]);
	for (size_t i = 0; i < input->device_count; i++)
		append_rule(rules, &(struct device_rule){
					   .allow = true,
					   .type = input->devices[i].type == 'b' ? "b" : "c",
					   .major = (int)input->devices[i].major,
					   .minor = (int)input->devices[i].minor,
					   .access = input->devices[i].access,
				   });
	return rules;
}

static json_t *build_devices(const struct spec_input *input)
{
	json_t *devices = json_array();

	/* A user namespace can't make nodes: they are mounts then. */
	for (size_t i = 0; i < input->device_count && !input->id_count; i++) {
		const struct spec_device *found = &input->devices[i];
		json_t *object = json_object();

		spec_put(object, "path", json_string(found->path));
		spec_put(object, "type", json_string(found->type == 'b' ? "b" : "c"));
		spec_put(object, "major", json_integer(found->major));
		spec_put(object, "minor", json_integer(found->minor));
		spec_put(object, "fileMode", json_integer(found->mode));
		spec_put(object, "uid", json_integer(found->uid));
		spec_put(object, "gid", json_integer(found->gid));
		spec_append(devices, object);
	}
	return devices;
}

static void append_namespace(json_t *list, const char *type)
{
	json_t *object = json_object();

	spec_put(object, "type", json_string(type));
	spec_append(list, object);
}

static json_t *build_namespaces(const struct app_config *app, const struct spec_input *input)
{
	json_t *list = json_array();

	if (!app->confine.host_pid)
		append_namespace(list, "pid");
	append_namespace(list, "mount");
	if (!app->confine.host_ipc)
		append_namespace(list, "ipc");
	append_namespace(list, "uts");
	if (input->cgroup_namespace)
		append_namespace(list, "cgroup");
	if (app->network.kind != NETWORK_HOST)
		append_namespace(list, "network"); /* a new one has lo and nothing else */
	if (input->network_namespace)
		spec_put(json_array_get(list, json_array_size(list) - 1), "path",
			 json_string(input->network_namespace));
	if (input->id_count)
		append_namespace(list, "user");
	return list;
}

static json_t *build_mappings(const struct spec_input *input)
{
	json_t *list = json_array(), *object = json_object();

	spec_put(object, "containerID", json_integer(0));
	spec_put(object, "hostID", json_integer(input->first_id));
	spec_put(object, "size", json_integer(input->id_count));
	spec_append(list, object);
	return list;
}

/* "kernel.sem=250 32000 32 128" */
static json_t *build_sysctls(char *const *sysctls)
{
	json_t *object = json_object();

	for (; *sysctls; sysctls++) {
		size_t size = strcspn(*sysctls, "=");
		FREE_CLEANUP char *name = xstrndup(*sysctls, size);

		spec_put(object, name, json_string(*sysctls + size + 1));
	}
	return object;
}

/* 0 is no limit. */
static void put_limit(json_t *resources, const char *controller, const char *name, int64_t value)
{
	if (!value)
		return;
	if (!json_object_get(resources, controller))
		spec_put(resources, controller, json_object());
	spec_put(json_object_get(resources, controller), name, json_integer(value));
}

static void put_cpuset(json_t *resources, const char *cpuset)
{
	if (!cpuset)
		return;
	if (!json_object_get(resources, "cpu"))
		spec_put(resources, "cpu", json_object());
	spec_put(json_object_get(resources, "cpu"), "cpus", json_string(cpuset));
}

static json_t *build_resources(const struct app_config *app, const struct spec_input *input)
{
	json_t *resources = json_object();

	spec_put(resources, "devices", build_rules(app, input));
	put_limit(resources, "memory", "limit", app->memory_bytes);
	put_limit(resources, "memory", "reservation", app->memory_reservation_bytes);
	put_limit(resources, "memory", "swap", app->memory_swap_bytes);
	put_limit(resources, "cpu", "shares", app->cpu_shares);
	if (app->cpus_milli) {
		put_limit(resources, "cpu", "quota", app->cpus_milli * CPU_PERIOD_US / 1000);
		put_limit(resources, "cpu", "period", CPU_PERIOD_US);
	}
	put_limit(resources, "pids", "limit", app->pids);
	put_limit(resources, "blockIO", "weight", app->blkio_weight);
	put_cpuset(resources, app->cpuset);
	return resources;
}

/* NULL: none. Docker's default profile is in the runtime (agent/run/seccomp_profile.h), not in each config.json. */
static json_t *choose_seccomp(const struct app_config *app, const struct spec_input *input)
{
	const char *given = app->confine.seccomp;
	json_t *profile;

	if (input->seccomp) {
		profile = json_copy(input->seccomp);
		if (!profile)
			die_no_memory();
		return profile;
	}
	if (given ? !strcmp(given, APP_SECCOMP_NONE) : app->confine.privileged)
		return NULL;
	profile = json_object();
	spec_put(profile, "profile", json_string("docker"));
	if (given)
		spec_put(profile, "required", json_true());
	return profile;
}

static void put_seccomp(json_t *object, const struct app_config *app, const struct spec_input *input)
{
	json_t *profile = choose_seccomp(app, input);

	if (!profile)
		return;
	/* From a user namespace the kernel itself lets nobody change projects. */
	if (app->storage.quota_bytes && !input->id_count && !app->confine.privileged)
		spec_put(profile, "keepProjects", json_true());
	spec_put(object, "seccomp", profile);
}

json_t *spec_linux(const struct app_config *app, const struct spec_input *input)
{
	const char *parent = strcmp(input->cgroup_parent, "/") ? input->cgroup_parent : "";
	FREE_CLEANUP char *cgroup = xasprintf("%s/%s", parent, input->id);
	json_t *object = json_object();

	spec_put(object, "cgroupsPath", json_string(cgroup));
	spec_put(object, "namespaces", build_namespaces(app, input));
	spec_put(object, "devices", build_devices(input));
	spec_put(object, "resources", build_resources(app, input));
	if (input->id_count) {
		spec_put(object, "uidMappings", build_mappings(input));
		spec_put(object, "gidMappings", build_mappings(input));
	}
	if (app->confine.sysctls)
		spec_put(object, "sysctl", build_sysctls(app->confine.sysctls));
	put_seccomp(object, app, input);
	if (app->confine.privileged)
		return object;
	spec_put(object, "maskedPaths", json_from_strings(masked_paths));
	spec_put(object, "readonlyPaths", json_from_strings(readonly_paths));
	return object;
}
