/* config.json's "linux": namespaces, devices, resources, paths. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/run/bundle_read.h"

#define SIZE_OF(array) (sizeof(array) / sizeof(*(array)))

static int read_namespace(struct namespaces *namespaces, const json_t *object, struct err *err)
{
	const char *name = "", *path = NULL;
	int type;

	if (json_get_string(object, "type", &name, err) < 0 ||
	    json_get_string(object, "path", &path, err) < 0)
		return -EINVAL;
	type = ns_parse_type(name);
	if (type < 0)
		return err_set(err, -EINVAL, "\"type\" is \"%s\", not a namespace", name);
	if (namespaces->make[type] || namespaces->join[type])
		return err_set(err, -EINVAL, "the %s namespace is named twice", name);
	if (path && *path)
		namespaces->join[type] = xstrdup(path);
	else
		namespaces->make[type] = true;
	return 0;
}

static int read_offset(struct time_offset *offset, const json_t *offsets, const char *clock,
		       struct err *err)
{
	json_t *object;
	int rc = json_get_object(offsets, clock, &object, err);

	if (rc <= 0)
		return rc;
	if (json_get_int(object, "secs", &offset->secs, err) < 0 ||
	    read_range(object, "nanosecs", 0, 999999999, &offset->nanosecs, err) < 0)
		return err_context(err, "%s", clock);
	return 0;
}

static int read_time_offsets(struct namespaces *namespaces, const json_t *object, struct err *err)
{
	json_t *offsets, *value;
	const char *clock;
	int rc = json_get_object(object, "timeOffsets", &offsets, err);

	if (rc <= 0 || !json_object_size(offsets))
		return rc < 0 ? rc : 0;
	if (!namespaces->make[NS_TIME])
		return err_set(err, -EINVAL, "timeOffsets: a new time namespace is needed");
	json_object_foreach(offsets, clock, value)
		if (strcmp(clock, "monotonic") && strcmp(clock, "boottime"))
			return err_set(err, -EINVAL, "timeOffsets: \"%.64s\" is not monotonic or "
						     "boottime: no other clock can be shifted", clock);
	if (read_offset(&namespaces->monotonic, offsets, "monotonic", err) < 0 ||
	    read_offset(&namespaces->boottime, offsets, "boottime", err) < 0)
		return err_context(err, "timeOffsets");
	return 0;
}

static int read_id_maps(struct bundle *bundle, const json_t *object, struct err *err)
{
	bool mapped;

	if (id_maps_read(&bundle->uid_maps, object, "uidMappings", err) < 0 ||
	    id_maps_read(&bundle->gid_maps, object, "gidMappings", err) < 0)
		return -EINVAL;
	mapped = bundle->uid_maps.count && bundle->gid_maps.count;
	if (bundle->namespaces.make[NS_USER] && !mapped)
		return err_set(err, -EINVAL,
			       "a new user namespace needs uidMappings and gidMappings");
	if (bundle->uid_maps.count && !ns_is_own(&bundle->namespaces, NS_USER))
		return err_set(err, -EINVAL, "uidMappings without a user namespace");
	return 0;
}

static int read_namespaces(struct bundle *bundle, const json_t *object, struct err *err)
{
	json_t *array, *item;
	size_t i;
	int rc = json_get_array(object, "namespaces", &array, err);

	if (rc < 0)
		return rc;
	if (rc)
		json_array_foreach(array, i, item)
			if (read_namespace(&bundle->namespaces, item, err) < 0)
				return err_context(err, "namespaces[%zu]", i);
	/* Everything that follows mounts and masks: never in the mount namespace of the host. */
	if (!bundle->namespaces.make[NS_MNT])
		return err_set(err, -ENOTSUP, "namespaces: a new mount namespace is needed");
	return 0;
}

static int read_device(const json_t *object, void *item, struct err *err)
{
	struct bundle_device *device = item;
	int64_t major = 0, minor = 0, mode = 0666, uid = 0, gid = 0;
	const char *type = "";

	if (read_path(object, "path", &device->path, err) < 0 ||
	    json_get_string(object, "type", &type, err) < 0 ||
	    read_range(object, "major", 0, 0xfff, &major, err) < 0 ||
	    read_range(object, "minor", 0, 0xfffff, &minor, err) < 0 ||
	    read_range(object, "fileMode", 0, 0177777, &mode, err) < 0 ||
	    read_range(object, "uid", 0, UINT32_MAX - 1, &uid, err) < 0 ||
	    read_range(object, "gid", 0, UINT32_MAX - 1, &gid, err) < 0)
		return -EINVAL;
	if (!device->path)
		return err_set(err, -EINVAL, "\"path\" is missing");
	if (strlen(type) != 1 || !strchr("bcup", *type))
		return err_set(err, -EINVAL, "\"type\" is \"%s\", not b, c, u or p", type);
	device->type = *type == 'u' ? 'c' : *type; /* "u" is mknod(1)'s old name of "c" */
	device->major = (unsigned int)major;
	device->minor = (unsigned int)minor;
	device->mode = (mode_t)mode & 07777;
	device->uid = (uid_t)uid;
	device->gid = (gid_t)gid;
	return 0;
}

static int read_resources(struct bundle *bundle, const json_t *object, struct err *err)
{
	json_t *resources;
	int rc = json_get_object(object, "resources", &resources, err);

	if (rc > 0 && limits_read(&bundle->limits, resources, err) < 0)
		return err_context(err, "resources");
	return rc;
}

static int read_sysctls(struct bundle *bundle, const json_t *object, struct err *err)
{
	const char *name;
	json_t *sysctls, *value;
	int rc = json_get_object(object, "sysctl", &sysctls, err);

	if (rc <= 0)
		return rc;
	bundle->sysctls = xcalloc(json_object_size(sysctls), sizeof(*bundle->sysctls));
	json_object_foreach(sysctls, name, value) {
		if (!json_is_string(value))
			return err_set(err, -EINVAL, "sysctl: \"%s\" is not a string", name);
		bundle->sysctls[bundle->sysctl_count++] = (struct bundle_sysctl){
			.name = xstrdup(name), .value = xstrdup(json_string_value(value))
		};
	}
	return 0;
}

static int read_propagation(struct bundle *bundle, const json_t *object, struct err *err)
{
	const char *name;
	int rc = json_get_string(object, "rootfsPropagation", &name, err);

	if (rc <= 0 || !*name)
		return rc < 0 ? rc : 0;
	bundle->root_propagation = mount_propagation(name);
	if (!bundle->root_propagation)
		return err_set(err, -EINVAL, "\"rootfsPropagation\" is \"%s\", not a propagation",
			       name);
	return 0;
}

static int read_seccomp(struct bundle *bundle, const json_t *object, struct err *err)
{
	json_t *profile;
	int rc = json_get_object(object, "seccomp", &profile, err);

	if (rc <= 0 || !json_object_size(profile))
		return rc < 0 ? rc : 0;
	bundle->has_seccomp = true;
	rc = seccomp_profile_parse(&bundle->seccomp, profile, bundle->process.caps.bounding, err);
	return rc < 0 ? err_context(err, "seccomp") : 0;
}

int bundle_read_linux(struct bundle *bundle, const json_t *object, struct err *err)
{
	static const char *const later[] = { "intelRdt", "netDevices",
					     "memoryPolicy" };

	if (refuse_members(object, "", later, SIZE_OF(later), err) < 0 ||
	    read_namespaces(bundle, object, err) < 0 ||
	    read_time_offsets(&bundle->namespaces, object, err) < 0 ||
	    read_id_maps(bundle, object, err) < 0 ||
	    sched_read_personality(&bundle->process.sched, object, err) < 0 ||
	    read_list(object, "devices", sizeof(*bundle->devices), (void **)&bundle->devices,
		      &bundle->device_count, read_device, err) < 0 ||
	    read_resources(bundle, object, err) < 0 || read_sysctls(bundle, object, err) < 0 ||
	    read_copy(object, "cgroupsPath", &bundle->cgroup_path, err) < 0 ||
	    json_get_strings(object, "maskedPaths", &bundle->masked_paths, err) < 0 ||
	    json_get_strings(object, "readonlyPaths", &bundle->readonly_paths, err) < 0 ||
	    read_propagation(bundle, object, err) < 0 ||
	    read_copy(object, "mountLabel", &bundle->mount_label, err) < 0 ||
	    read_seccomp(bundle, object, err) < 0)
		return err ? err->code : -EINVAL;
	return 0;
}

void bundle_release_linux(struct bundle *bundle)
{
	id_maps_release(&bundle->uid_maps);
	id_maps_release(&bundle->gid_maps);
	for (size_t i = 0; i < NS_TYPES; i++)
		free(bundle->namespaces.join[i]);
	for (size_t i = 0; i < bundle->device_count; i++)
		free(bundle->devices[i].path);
	for (size_t i = 0; i < bundle->sysctl_count; i++) {
		free(bundle->sysctls[i].name);
		free(bundle->sysctls[i].value);
	}
	free(bundle->devices);
	free(bundle->sysctls);
	limits_release(&bundle->limits);
	free(bundle->cgroup_path);
	free(bundle->mount_label);
	seccomp_profile_release(&bundle->seccomp);
	free_strings(bundle->masked_paths);
	free_strings(bundle->readonly_paths);
}
