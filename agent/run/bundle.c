/* config.json's top level: root, mounts, names. */
#include "agent/run/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "agent/run/bundle_read.h"
#include "lib/fd.h"

static int read_root(struct bundle *bundle, const json_t *config, struct err *err)
{
	FREE_CLEANUP char *path = NULL;
	json_t *root;
	int rc = json_get_object(config, "root", &root, err);

	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, -EINVAL, "\"root\" is missing");
	rc = read_copy(root, "path", &path, err);
	if (rc < 0 || json_get_bool(root, "readonly", &bundle->root_readonly, err) < 0)
		return err_context(err, "root");
	if (!rc)
		return err_set(err, -EINVAL, "root: \"path\" is missing");
	bundle->root_path = *path == '/' ? steal_pointer(&path) :
					   xasprintf("%s/%s", bundle->directory, path);
	return 0;
}

static int read_options(struct bundle_mount *mount, const json_t *object, struct err *err)
{
	char **options = NULL;
	int rc = json_get_strings(object, "options", &options, err);

	if (rc < 0)
		return rc;
	rc = mount_options_parse(&mount->options, options, err);
	free_strings(options);
	return rc < 0 ? err_context(err, "options") : 0;
}

static int read_mount(const json_t *object, void *item, struct err *err)
{
	struct bundle_mount *mount = item;

	if (read_path(object, "destination", &mount->destination, err) < 0 ||
	    read_copy(object, "source", &mount->source, err) < 0 ||
	    read_copy(object, "type", &mount->type, err) < 0 ||
	    read_options(mount, object, err) < 0 ||
	    id_maps_read(&mount->uid_maps, object, "uidMappings", err) < 0 ||
	    id_maps_read(&mount->gid_maps, object, "gidMappings", err) < 0)
		return -EINVAL;
	if (!mount->destination)
		return err_set(err, -EINVAL, "\"destination\" is missing");
	/* Without a type of its own, or with the bind option, it is a bind mount. */
	if (!mount->type || !strcmp(mount->type, "bind") || !strcmp(mount->type, "none"))
		mount->options.flags |= MS_BIND;
	if (mount->options.flags & MS_BIND && !mount->source)
		return err_set(err, -EINVAL, "\"source\" is missing");
	/* Mappings of the mount ask for their use, as runc has it. */
	if (mount->uid_maps.count && !mount->options.idmap)
		mount->options.idmap = MOUNT_IDMAP_ONE;
	if (!mount->uid_maps.count != !mount->gid_maps.count)
		return err_set(err, -EINVAL, "uidMappings and gidMappings go together");
	if (mount->options.idmap && !(mount->options.flags & MS_BIND))
		return err_set(err, -EINVAL, "only a bind mount can shift owners (idmap)");
	return 0;
}

static void resolve_sources(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->mount_count; i++) {
		struct bundle_mount *mount = &bundle->mounts[i];
		char *relative = mount->source;

		if (!(mount->options.flags & MS_BIND) || *relative == '/')
			continue;
		mount->source = xasprintf("%s/%s", bundle->directory, relative);
		free(relative);
	}
}

static int read_annotations(struct bundle *bundle, const json_t *config, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	json_t *annotations, *value;
	const char *name;
	int rc = json_get_object(config, "annotations", &annotations, err);

	if (rc <= 0)
		return rc;
	json_object_foreach(annotations, name, value)
		if (!json_is_string(value))
			return err_set(err, -EINVAL, "annotations: \"%.100s\" is not a string", name);
	json_append(&text, annotations);
	bundle->annotations = buf_steal(&text);
	return 0;
}

static int read_hooks(struct bundle *bundle, const json_t *config, struct err *err)
{
	JSON_CLEANUP json_t *alone = NULL;
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = hooks_read(&bundle->hooks, config, err);

	bundle->hooks.directory = bundle->directory;
	if (rc < 0 || !hooks_any(&bundle->hooks))
		return rc < 0 ? rc : 0;
	alone = json_pack("{s:O}", "hooks", json_object_get(config, "hooks"));
	json_append(&text, alone);
	bundle->hooks_text = buf_steal(&text);
	return 0;
}

static int read_process(struct bundle *bundle, const json_t *config, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	json_t *process;
	int rc = json_get_object(config, "process", &process, err);

	if (rc <= 0)
		return rc;
	bundle->has_process = true;
	json_append(&text, process);
	bundle->process_text = buf_steal(&text);
	if (process_parse(&bundle->process, process, err) < 0)
		return err_context(err, "process");
	return 0;
}

static int check_version(const json_t *config, struct err *err)
{
	const char *version;
	int rc = json_get_string(config, "ociVersion", &version, err);

	if (rc < 0)
		return rc;
	if (!rc)
		return err_set(err, -EINVAL, "\"ociVersion\" is missing");
	if (strncmp(version, "1.", 2))
		return err_set(err, -EINVAL, "\"ociVersion\" is \"%s\": only 1.x is known",
			       version);
	return 0;
}

static int read_config(struct bundle *bundle, const json_t *config, struct err *err)
{
	static const char *const other_systems[] = { "solaris", "windows", "vm", "zos" };
	json_t *linux_object;
	int rc;

	if (check_version(config, err) < 0 ||
	    refuse_members(config, "", other_systems, 4, err) < 0 ||
	    read_root(bundle, config, err) < 0 || read_process(bundle, config, err) < 0 ||
	    read_copy(config, "hostname", &bundle->hostname, err) < 0 ||
	    read_copy(config, "domainname", &bundle->domainname, err) < 0 ||
	    read_list(config, "mounts", sizeof(*bundle->mounts), (void **)&bundle->mounts,
		      &bundle->mount_count, read_mount, err) < 0 ||
	    read_annotations(bundle, config, err) < 0 || read_hooks(bundle, config, err) < 0)
		return -EINVAL;
	resolve_sources(bundle);
	rc = json_get_object(config, "linux", &linux_object, err);
	if (rc > 0 && bundle_read_linux(bundle, linux_object, err) < 0)
		return err_context(err, "linux");
	return rc < 0 ? rc : 0;
}

/* What only a new UTS namespace may be given, or it would be the host's. */
static int check_names(const struct bundle *bundle, struct err *err)
{
	bool own = bundle->namespaces.make[NS_UTS] || bundle->namespaces.join[NS_UTS];

	if ((bundle->hostname || bundle->domainname) && !own)
		return err_set(err, -EINVAL, "%s needs a uts namespace in linux.namespaces",
			       bundle->hostname ? "hostname" : "domainname");
	return 0;
}

int bundle_parse(struct bundle *bundle, const char *directory, const char *text, size_t size,
		 struct err *err)
{
	JSON_CLEANUP json_t *config = NULL;

	*bundle = (struct bundle){ .process.umask = -1 };
	bundle->directory = xstrdup(directory);
	bundle->text = xstrndup(text, size);
	bundle->text_size = size;
	if (json_parse_unsigned(&config, text, size, "config.json", err) < 0)
		return -EINVAL;
	if (read_config(bundle, config, err) < 0 || check_names(bundle, err) < 0)
		return err_context(err, "config.json");
	return 0;
}

static int resolve_root(struct bundle *bundle, struct err *err)
{
	char *real = realpath(bundle->root_path, NULL);

	if (!real)
		return err_sys(err, "config.json: root.path %s", bundle->root_path);
	free(bundle->root_path);
	bundle->root_path = real;
	return 0;
}

int bundle_load(struct bundle *bundle, const char *directory, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	FREE_CLEANUP char *real = realpath(directory, NULL);
	FREE_CLEANUP char *file = NULL;
	int rc;

	*bundle = (struct bundle){ 0 };
	if (!real)
		return err_sys(err, "bundle %s", directory);
	file = xasprintf("%s/config.json", real);
	rc = fd_read_file(AT_FDCWD, file, &text, BUNDLE_CONFIG_MAX);
	if (rc < 0)
		return err_code(err, rc, "read %s", file);
	rc = bundle_parse(bundle, real, buf_text(&text), text.size, err);
	return rc ?: resolve_root(bundle, err);
}

static void release_mounts(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->mount_count; i++) {
		struct bundle_mount *mount = &bundle->mounts[i];

		free(mount->destination);
		free(mount->source);
		free(mount->type);
		mount_options_release(&mount->options);
		id_maps_release(&mount->uid_maps);
		id_maps_release(&mount->gid_maps);
	}
	free(bundle->mounts);
}

void bundle_release(struct bundle *bundle)
{
	process_release(&bundle->process);
	release_mounts(bundle);
	bundle_release_linux(bundle);
	free(bundle->directory);
	free(bundle->text);
	free(bundle->process_text);
	free(bundle->root_path);
	free(bundle->hostname);
	free(bundle->domainname);
	free(bundle->annotations);
	hooks_release(&bundle->hooks);
	free(bundle->hooks_text);
	*bundle = (struct bundle){ 0 };
}
