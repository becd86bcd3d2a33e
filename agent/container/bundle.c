#include "agent/container/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/container/device_nodes.h"
#include "agent/container/labels.h"
#include "agent/helper/shim.h"
#include "agent/networks/networks.h"
#include "config/spec.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/utf8.h"
#include "store/image.h"
#include "store/layer.h"
#include "store/writable.h"

#define SECCOMP_FILE_MAX (256 * 1024)
#define ANONYMOUS_MAX 32 /* VOLUMEs of one image */
#define MOUNT_POINTS_BYTES (256LL * 1024)

/* What is looked up on the device before the spec can be built. */
struct plan {
	struct container *container;
	struct image_config *image;
	char *dir;
	int dirfd;
	struct spec_mount *volumes;
	size_t volume_count;
	struct device_nodes devices;
	char hostname[HOSTNAME_SIZE];
	char *resolv_conf, *hosts, *hostname_file;
	char **attach;
	char *network_namespace;
};

static void plan_release(struct plan *plan)
{
	for (size_t i = 0; i < plan->volume_count; i++)
		free((char *)(uintptr_t)plan->volumes[i].source);
	free(plan->volumes);
	device_nodes_release(&plan->devices);
	free(plan->resolv_conf);
	free(plan->hosts);
	free(plan->hostname_file);
	free_strings(plan->attach);
	free(plan->network_namespace);
	free(plan->dir);
	fd_close(&plan->dirfd);
	if (plan->image)
		image_config_free(plan->image);
}

int bundle_image_config(struct container *container, struct image_config **out, struct err *err)
{
	return image_load(&container->agent->store, &container->config, out, NULL, err);
}

/* Others on the device may enter the bundle, and env often holds passwords. */
#define FOR_AGENT 0600
#define FOR_CONTAINER 0644

static int put_file(struct plan *plan, const char *name, const void *data, size_t size,
		    mode_t mode, struct err *err)
{
	int rc = fd_replace_file_volatile(plan->dirfd, name, data, size, mode);

	if (rc < 0)
		return err_code(err, rc, "write %s/%s", plan->dir, name);
	return 0;
}

static int add_volume(struct plan *plan, const char *name, const char *path, bool read_only,
		      struct err *err)
{
	char source[PATH_MAX];
	int rc = volume_open(&plan->container->agent->store, name, source, err);

	if (rc < 0)
		return rc;
	plan->volumes[plan->volume_count++] = (struct spec_mount){
		.source = xstrdup(source),
		.path = path,
		.read_only = read_only,
	};
	return 0;
}

/* VOLUMEs of the image that the app doesn't cover get one that ends with the container. */
static void anonymous_name(const struct container *container, size_t number, char *name,
			   size_t size)
{
	snprintf(name, size, "%s-%zu", container->id, number);
}

static int plan_volumes(struct plan *plan, struct err *err)
{
	const struct app_config *settings = plan->container->settings;
	size_t image_count = count_strings(plan->image->volumes);
	int rc = 0;

	if (image_count > ANONYMOUS_MAX)
		return err_set(err, -E2BIG, "the image has %zu VOLUMEs, more than %d", image_count,
			       ANONYMOUS_MAX);
	plan->volumes = xcalloc(settings->volume_count + image_count, sizeof(*plan->volumes));
	for (size_t i = 0; i < settings->volume_count && rc >= 0; i++)
		rc = add_volume(plan, settings->volumes[i].source, settings->volumes[i].path,
				settings->volumes[i].read_only, err);
	for (size_t i = 0; i < image_count && rc >= 0; i++) {
		char name[CONTAINER_ID_SIZE + 8];

		if (app_config_mounts(settings, plan->image->volumes[i]))
			continue;
		anonymous_name(plan->container, i, name, sizeof(name));
		rc = add_volume(plan, name, plan->image->volumes[i], false, err);
	}
	return rc;
}

/* Told here in agent.ini's words; mount(2) could only name a number. */
static int check_binds(const struct plan *plan, struct err *err)
{
	const struct app_config *settings = plan->container->settings;

	for (size_t i = 0; i < settings->bind_count; i++)
		if (access(settings->binds[i].source, F_OK) < 0)
			return err_sys(err, "bind = %s:%s (make it, or take the line out)",
				       settings->binds[i].source, settings->binds[i].path);
	return 0;
}

/* Where the shim will have put the container's copy of the bundle's file (agent/helper/shim.h). */
static char *path_in_container(const struct plan *plan, const char *name)
{
	return xasprintf("%s/" SHIM_COPIES "/%s", plan->dir, name);
}

/* Copies, not the device's files themselves: the container may write to them. */
static int plan_names(struct plan *plan, struct err *err)
{
	const struct container *container = plan->container;
	BUF_CLEANUP struct buf hosts = BUF_INIT;
	BUF_CLEANUP struct buf resolv = BUF_INIT;
	FREE_CLEANUP char *line = NULL;
	int rc;

	networks_hostname(container, plan->hostname);
	line = xasprintf("%s\n", plan->hostname);
	plan->hosts = path_in_container(plan, "hosts");
	plan->resolv_conf = path_in_container(plan, "resolv.conf");
	plan->hostname_file = path_in_container(plan, "hostname");
	if ((rc = networks_hosts(container, &hosts, err)) < 0 || (rc = networks_resolv(container, &resolv, err)) < 0 ||
	    (rc = put_file(plan, "hosts", hosts.data, hosts.size, FOR_CONTAINER, err)) < 0 ||
	    (rc = put_file(plan, "resolv.conf", resolv.data, resolv.size, FOR_CONTAINER, err)) < 0)
		return rc;
	return put_file(plan, "hostname", line, strlen(line), FOR_CONTAINER, err);
}

/* A bridge's interface comes by a hook, another app's network by its namespace. */
static int plan_network(struct plan *plan, struct err *err)
{
	plan->attach = networks_attach_args(plan->container);
	if (plan->container->settings->network.kind != NETWORK_CONTAINER)
		return 0;
	return networks_open_joined(plan->container, &plan->network_namespace, err);
}

/*
 * A root that can't be written to has an upper layer nevertheless: for the directories that things
 * are mounted on, and which the image may lack. It costs flash nothing.
 */
static int add_writable(struct plan *plan, struct buf *overlay, struct err *err)
{
	const struct app_storage *storage = &plan->container->settings->storage;
	struct container_dir dir;
	int rc;

	if (app_storage_is_read_only(storage) || storage->writable == WRITABLE_TMPFS) {
		buf_append_format(overlay, "tmpfs %lld\n",
				  app_storage_is_read_only(storage) ?
					  MOUNT_POINTS_BYTES :
					  (long long)storage->ram_bytes);
		return 0;
	}
	rc = container_dir_open(&plan->container->agent->store, plan->container->id,
				storage->quota_bytes, &dir, err);
	if (rc == 0)
		buf_append_format(overlay, "upper %s\nwork %s\n", dir.upper, dir.work);
	return rc;
}

static int write_overlay(struct plan *plan, struct err *err)
{
	struct store *store = &plan->container->agent->store;
	BUF_CLEANUP struct buf text = BUF_INIT;
	char path[PATH_MAX];
	int rc;

	for (size_t i = plan->image->diff_id_count; i-- > 0;) {
		rc = store_layer_path(store, &plan->image->diff_ids[i], path, err);
		if (rc < 0)
			return rc;
		buf_append_format(&text, "lower %s\n", path);
	}
	rc = add_writable(plan, &text, err);
	if (rc < 0)
		return rc;
	if (plan->container->first_id)
		buf_append_format(&text, "idmap 0 %u %d\n", plan->container->first_id, APP_IDS);
	return put_file(plan, "overlay", text.data, text.size, FOR_AGENT, err);
}

/* The file of seccomp = FILE as it is now; the runtime says what is wrong with it. */
static int read_seccomp(const struct plan *plan, json_t **profile, struct err *err)
{
	const char *path = app_confine_seccomp_file(&plan->container->settings->confine);
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = path ? fd_read_file(AT_FDCWD, path, &text, SECCOMP_FILE_MAX) : 0;

	if (rc < 0)
		return err_code(err, rc, "seccomp: read %s", path);
	return path ? json_parse_unsigned(profile, buf_text(&text), text.size, path, err) : 0;
}

static int write_spec(struct plan *plan, struct err *err)
{
	struct container *container = plan->container;
	JSON_CLEANUP json_t *seccomp = NULL;
	int rc = read_seccomp(plan, &seccomp, err);
	struct spec_input input = {
		.id = container->id,
		.hostname = plan->hostname,
		.cgroup_parent = container->agent->config->cgroup_parent,
		.terminal = container->settings->process.tty,
		.cgroup_namespace = access("/proc/self/ns/cgroup", F_OK) == 0,
		.volumes = plan->volumes,
		.volume_count = plan->volume_count,
		.devices = plan->devices.items,
		.device_count = plan->devices.count,
		.first_id = container->first_id,
		.id_count = container->first_id ? APP_IDS : 0,
		.resolv_conf = plan->resolv_conf,
		.hosts = plan->hosts,
		.hostname_file = plan->hostname_file,
		.attach = plan->attach,
		.seccomp = seccomp,
		.network_namespace = plan->network_namespace,
	};
	JSON_CLEANUP json_t *spec =
		rc ? NULL : spec_build(container->settings, plan->image, &input, err);
	BUF_CLEANUP struct buf text = BUF_INIT;
	char **args = NULL;

	if (!spec)
		return rc ?: -EINVAL;
	if (json_get_strings(json_object_get(spec, "process"), "args", &args, err) > 0) {
		free_strings(container->args);
		container->args = args;
	}
	json_append(&text, spec);
	return put_file(plan, "config.json", text.data, text.size, FOR_AGENT, err);
}

json_t *bundle_describe(const struct container *container)
{
	char created[TIME_TEXT_MAX];
	json_t *json;

	time_format_nano(created, container->created_ns);
	json = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:o, s:o, s:o}", "name", container->name,
			 "image", container->image_name, "config", container->config.text,
			 "created", created, "restarts", container->restarts, "stop_signal",
			 container->stop_signal, "args", json_from_strings(container->args),
			 "labels", json_from_strings(container->labels), "settings", app_config_to_json(container->settings));
	if (!json)
		die_no_memory();
	if (container->endpoint.network[0])
		json_object_set_new(json, "network", networks_describe(container));
	return json;
}

static int write_description(struct plan *plan, struct err *err)
{
	JSON_CLEANUP json_t *json = bundle_describe(plan->container);
	BUF_CLEANUP struct buf text = BUF_INIT;

	json_append(&text, json);
	return put_file(plan, "container.json", text.data, text.size, FOR_AGENT, err);
}

static int make_dir(struct plan *plan, struct err *err)
{
	int rc = fd_make_dirs(plan->dir, 0711);

	if (!rc) {
		plan->dirfd = open(plan->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = plan->dirfd < 0 ? -errno : fd_make_dir(plan->dirfd, "rootfs", 0755);
		rc = rc ?: fd_make_dir(plan->dirfd, SHIM_COPIES, 0755);
		rc = rc ?: fd_make_dir(plan->dirfd, SHIM_WRITABLE, 0700);
	}
	return rc < 0 ? err_code(err, rc, "make %s", plan->dir) : 0;
}

int bundle_write(struct container *container, struct err *err)
{
	__attribute__((cleanup(plan_release))) struct plan plan = {
		.container = container,
		.dir = container_dir(container),
		.dirfd = -1,
	};
	const struct app_config *settings = container->settings;
	int rc;

	if ((rc = bundle_image_config(container, &plan.image, err)) < 0 ||
	    (rc = image_check_layers(&container->agent->store, plan.image, err)) < 0 ||
	    (rc = make_dir(&plan, err)) < 0 || (rc = plan_volumes(&plan, err)) < 0 ||
	    (rc = check_binds(&plan, err)) < 0 || (rc = device_nodes_find(&plan.devices, container->settings, err)) < 0 ||
	    (rc = plan_names(&plan, err)) < 0 || (rc = plan_network(&plan, err)) < 0 || (rc = write_overlay(&plan, err)) < 0)
		return rc;
	container->stop_signal = settings->process.stop_signal ?
					 settings->process.stop_signal :
					 image_config_stop_signal(plan.image);
	free_strings(container->labels);
	container->labels = labels_merge(settings, plan.image);
	if ((rc = write_spec(&plan, err)) < 0)
		return rc;
	plugs_begin(container, &plan.devices);
	return write_description(&plan, err);
}

void bundle_remove(struct container *container)
{
	FREE_CLEANUP char *dir = container_dir(container);
	struct err err = ERR_INIT;
	int rc = fd_remove_tree(AT_FDCWD, dir);

	if (rc < 0)
		log_warn("remove %s: %s", dir, strerror(-rc));
	if (container_dir_remove(&container->agent->store, container->id, &err) < 0)
		log_warn("%s", err.text);
	for (size_t i = 0; i < ANONYMOUS_MAX; i++) {
		char name[CONTAINER_ID_SIZE + 8];

		anonymous_name(container, i, name, sizeof(name));
		rc = volume_remove(&container->agent->store, name, &err);
		if (rc < 0 && rc != -ENOENT)
			log_warn("%s", err.text);
	}
}
