#include "agent/container/plug.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/container/device_find.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"

#define FILE_NAME "devices"
#define FILE_MAX (256 * 1024)
#define RETRY_MS 1000
#define RETRY_MAX_MS (5 * 60 * 1000)

/* Is it the same device? */
static bool is_same(const struct plug_node *a, const struct plug_node *b)
{
	return a->type == b->type && (!a->type || (a->major == b->major && a->minor == b->minor));
}

/* udev sets owner and mode a moment after the kernel has made the node. */
static bool is_equal(const struct plug_node *a, const struct plug_node *b)
{
	return is_same(a, b) && a->mode == b->mode && a->uid == b->uid && a->gid == b->gid;
}

static struct plug *add(struct container *container, struct app_device *device)
{
	struct plug *plug = xcalloc(1, sizeof(*plug));

	plug->device = *device;
	list_insert(&container->plugs.list, &plug->node);
	return plug;
}

static void tell(struct plug *plug, const struct err *err)
{
	void (*done)(const struct err *err, void *data) = plug->done;

	plug->done = NULL;
	if (done)
		done(err, plug->data);
}

static void drop(struct plug *plug)
{
	list_remove(&plug->node);
	app_device_release(&plug->device);
	free(plug);
}

static struct plug *find(const struct container *container, const char *path)
{
	list_for_each(node, &container->plugs.list) {
		struct plug *plug = list_entry(node, struct plug, node);

		if (!plug->is_removed && !strcmp(plug->device.path, path))
			return plug;
	}
	return NULL;
}

/* --- the file --------------------------------------------------------------------------------- */

static json_t *node_json(const struct plug_node *node)
{
	return json_pack("[i, i, i, i, I, I]", node->type, node->major, node->minor, node->mode,
			 (json_int_t)node->uid, (json_int_t)node->gid);
}

static void read_node(const json_t *json, const char *name, struct plug_node *node)
{
	const json_t *array = json_object_get(json, name);
	uint32_t values[6];

	/* What isn't there, as in the file of a former version, is 0. */
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		values[i] = (uint32_t)json_integer_value(json_array_get(array, i));
	*node = (struct plug_node){ .type = values[0] == 'b' || values[0] == 'c' ? (char)values[0] : 0,
				    .major = values[1],
				    .minor = values[2],
				    .mode = values[3],
				    .uid = values[4],
				    .gid = values[5] };
}

static void save(const struct container *container)
{
	FREE_CLEANUP char *dir = container_dir(container);
	FD_CLEANUP int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	JSON_CLEANUP json_t *array = json_array();
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = dirfd < 0 ? -errno : 0;

	list_for_each(node, &container->plugs.list) {
		const struct plug *plug = list_entry(node, struct plug, node);
		FREE_CLEANUP char *device = app_device_format(&plug->device);

		json_array_append_new(array, json_pack("{s:s, s:b, s:b, s:o, s:o}", "device", device,
						       "own", plug->is_own, "removed",
						       plug->is_removed, "first",
						       node_json(&plug->first), "now",
						       node_json(&plug->now)));
	}
	json_append(&text, array);
	if (!rc)
		rc = fd_replace_file_volatile(dirfd, FILE_NAME, text.data, text.size, 0600);
	if (rc < 0)
		log_warn("write %s/" FILE_NAME ": %s", dir, strerror(-rc));
}

void plugs_load(struct container *container)
{
	FREE_CLEANUP char *dir = container_dir(container);
	FREE_CLEANUP char *path = xasprintf("%s/" FILE_NAME, dir);
	BUF_CLEANUP struct buf text = BUF_INIT;
	JSON_CLEANUP json_t *array = NULL;
	struct app_device device;
	json_t *item;
	size_t i;

	if (fd_read_file(AT_FDCWD, path, &text, FILE_MAX) < 0)
		return; /* it has none */
	array = json_loadb(buf_text(&text), text.size, 0, NULL);
	json_array_foreach (array, i, item) {
		const char *form = json_string_value(json_object_get(item, "device"));
		struct plug *plug;

		if (!form || app_device_parse(&device, form, NULL) < 0)
			continue;
		plug = add(container, &device);
		plug->is_own = json_is_true(json_object_get(item, "own"));
		plug->is_removed = json_is_true(json_object_get(item, "removed"));
		read_node(item, "first", &plug->first);
		read_node(item, "now", &plug->now);
	}
	if (!list_is_empty(&container->plugs.list))
		plugs_watch(container->agent);
}

/* --- one change ------------------------------------------------------------------------------- */

static void append_rule(struct buf *rules, char sign, const struct plug_node *node, const char *access)
{
	if (node->type)
		buf_append_format(rules, "%s%c%c:%u:%u:%s", rules->size ? "," : "", sign, node->type,
				  node->major, node->minor, access);
}

/* All beyond config.json's: what it allows and isn't there any more, then what is there. */
static void make_rules(const struct container *container, struct buf *rules)
{
	const struct plugs *plugs = &container->plugs;

	if (container->settings->confine.privileged)
		return; /* everything is allowed */
	list_for_each(node, &plugs->list) {
		const struct plug *plug = list_entry(node, struct plug, node);

		if (!is_same(&plug->first, plug == plugs->at ? &plugs->wanted : &plug->now))
			append_rule(rules, '-', &plug->first, "rw");
	}
	if (!is_same(&plugs->at->now, &plugs->wanted))
		append_rule(rules, '-', &plugs->at->now, "rw");
	list_for_each(node, &plugs->list) {
		const struct plug *plug = list_entry(node, struct plug, node);

		append_rule(rules, '+', plug == plugs->at ? &plugs->wanted : &plug->now,
			    plug->device.permissions);
	}
}

static bool is_up(const struct container *container)
{
	return container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED;
}

static void try_again(struct timer *timer)
{
	struct container *container = timer->data;

	list_for_each(node, &container->plugs.list)
		list_entry(node, struct plug, node)->is_due = true;
	plugs_look(container);
}

static void try_later(struct container *container)
{
	struct plugs *plugs = &container->plugs;
	int64_t delay = plugs->retry_ms ? 2 * plugs->retry_ms : RETRY_MS;

	plugs->retry_ms = delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
	timer_start(&container->agent->loop, &plugs->retry, plugs->retry_ms, try_again, container);
}

/* The change of plugs->at is over; it may be gone afterwards. */
static void finish(struct container *container, const struct err *err)
{
	struct plug *plug = container->plugs.at;
	bool is_new = plug->done && !plug->is_leaving;
	bool is_told = plug->is_refused && is_equal(&plug->refused, &container->plugs.wanted);

	container->plugs.at = NULL;
	plug->is_refused = err->code;
	plug->is_due = false;
	if (err->code) {
		if (is_up(container) && !is_told)
			log_warn("container %s: %s", container->name, err->text);
		plug->refused = container->plugs.wanted;
		if (!plug->done)
			try_later(container);
	} else {
		plug->now = container->plugs.wanted;
		container->plugs.retry_ms = 0;
		log_info("container %s: %s is %s", container->name, plug->device.path,
			 plug->now.type ? plug->device.source : "gone");
	}
	tell(plug, err);
	plug->is_removed = plug->is_own && plug->is_leaving && !err->code;
	if (err->code ? is_new : plug->is_leaving && !plug->is_own)
		drop(plug);
	else
		plug->is_leaving = false;
	save(container);
}

static void ended(const struct err *err, void *data)
{
	finish(data, err);
	plugs_look(data);
}

static int change(struct container *container, struct plug *plug, const struct plug_node *wanted,
		  const char *source, struct err *err)
{
	struct plugs *plugs = &container->plugs;
	BUF_CLEANUP struct buf rules = BUF_INIT;
	const char *words[10];
	size_t count = 0;
	char node[64];

	plugs->at = plug;
	plugs->wanted = *wanted;
	make_rules(container, &rules);
	snprintf(node, sizeof(node), "%c:%u:%u:%o:%u:%u", wanted->type, wanted->major, wanted->minor,
		 wanted->mode, wanted->uid, wanted->gid);
	if (wanted->type) {
		words[count++] = "--node";
		words[count++] = node;
		words[count++] = "--source";
		words[count++] = source;
	}
	if (rules.size) {
		words[count++] = "--rules";
		words[count++] = buf_text(&rules);
	}
	words[count++] = plug->device.path;
	words[count] = NULL;
	return runtime_job_start(&plugs->job, container, "device", words, ended, container, err);
}

/* The node on the host now; none when it isn't plugged in, or when it shall go. */
static void look_up(const struct plug *plug, struct plug_node *node, char path[static PATH_MAX])
{
	struct stat st;

	*node = (struct plug_node){ 0 };
	if (plug->is_leaving || plug->is_removed || device_find(&plug->device, path, &st, NULL) < 0)
		return;
	*node = (struct plug_node){ .type = S_ISCHR(st.st_mode) ? 'c' : 'b',
				    .major = major(st.st_rdev),
				    .minor = minor(st.st_rdev),
				    .mode = st.st_mode & 07777,
				    .uid = st.st_uid,
				    .gid = st.st_gid };
}

static bool is_settled(const struct plug *plug, const struct plug_node *wanted)
{
	if (plug->is_leaving || (plug->done && !wanted->type))
		return false;
	return is_equal(wanted, &plug->now) || (plug->is_refused && !plug->is_due && is_equal(wanted, &plug->refused));
}

/* True when a change was begun, or has failed, which may have removed it from the list. */
static bool is_changed(struct container *container, struct plug *plug)
{
	char path[PATH_MAX] = "";
	struct plug_node wanted;
	struct err err = ERR_INIT;

	look_up(plug, &wanted, path);
	/* It came or went since: the next change is tried, though it may be the same one. */
	if (wanted.type != plug->refused.type)
		plug->is_refused = false;
	if (is_settled(plug, &wanted))
		return false;
	if (plug->done && !plug->is_leaving && !wanted.type) {
		container->plugs.at = plug;
		err_set(&err, -ENOENT, "device %s was unplugged", plug->device.source);
	} else if (change(container, plug, &wanted, path, &err) == 0) {
		return true;
	}
	finish(container, &err);
	return true;
}

void plugs_look(struct container *container)
{
	if (!is_up(container) || runtime_job_is_running(&container->plugs.job))
		return; /* ended() comes back */
	list_for_each(node, &container->plugs.list)
		if (is_changed(container, list_entry(node, struct plug, node)))
			return;
}

/* --- for the others --------------------------------------------------------------------------- */

void plugs_init(struct container *container)
{
	list_init(&container->plugs.list);
}

void plugs_release(struct container *container)
{
	struct err err = ERR_INIT;

	runtime_job_stop(&container->plugs.job);
	timer_stop(&container->plugs.retry);
	container->plugs.retry_ms = 0;
	container->plugs.at = NULL;
	err_set(&err, -ENOENT, "container %s has ended", container->name);
	list_for_each_safe(node, &container->plugs.list) {
		tell(list_entry(node, struct plug, node), &err);
		drop(list_entry(node, struct plug, node));
	}
}

static void set_nodes(struct plug *plug, const struct device_nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++) {
		const struct spec_device *device = &nodes->items[i];

		if (!strcmp(device->path, plug->device.path))
			plug->first = plug->now = (struct plug_node){ .type = device->type,
								      .major = device->major,
								      .minor = device->minor,
								      .mode = device->mode,
								      .uid = device->uid,
								      .gid = device->gid };
	}
}

void plugs_begin(struct container *container, const struct device_nodes *nodes)
{
	const struct app_config *settings = container->settings;

	plugs_release(container);
	for (size_t i = 0; i < settings->device_count; i++) {
		FREE_CLEANUP char *form = app_device_format(&settings->devices[i]);
		struct app_device device;
		struct plug *plug;

		if (app_device_parse(&device, form, NULL) < 0)
			continue;
		plug = add(container, &device);
		plug->is_own = true;
		set_nodes(plug, nodes);
	}
	save(container);
	if (settings->device_count)
		plugs_watch(container->agent);
}

static size_t count(const struct container *container)
{
	size_t number = 0;

	list_for_each(node, &container->plugs.list)
		number++;
	return number;
}

static int check_new(const struct container *container, const struct app_device *device, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;

	if (find(container, device->path))
		return err_set(err, -EEXIST, "container %s has a device at %s already",
			       container->name, device->path);
	if (count(container) >= APP_LIST_MAX)
		return err_set(err, -EBUSY, "container %s has %d devices already", container->name,
			       APP_LIST_MAX);
	return device_find(device, path, &st, err);
}

static int check_state(const struct container *container, struct err *err)
{
	if (is_up(container))
		return 0;
	return err_set(err, -EBUSY, "container %s is not running", container->name);
}

int plugs_add(struct container *container, const char *text,
	      void (*done)(const struct err *err, void *data), void *data, struct err *err)
{
	struct app_device device;
	struct plug *plug;
	int rc = check_state(container, err) ?: app_device_parse(&device, text, err);

	if (rc < 0)
		return rc;
	rc = check_new(container, &device, err);
	if (rc < 0) {
		app_device_release(&device);
		return rc;
	}
	plug = add(container, &device);
	plug->done = done;
	plug->data = data;
	plugs_watch(container->agent);
	plugs_look(container);
	return 0;
}

int plugs_remove(struct container *container, const char *path,
		 void (*done)(const struct err *err, void *data), void *data, struct err *err)
{
	struct plug *plug = find(container, path);
	int rc = check_state(container, err);

	if (rc < 0)
		return rc;
	if (!plug)
		return err_set(err, -ENOENT, "container %s has no device %s that can be taken away",
			       container->name, path);
	if (plug->done || plug->is_leaving)
		return err_set(err, -EBUSY, "device %s is being changed", path);
	plug->is_leaving = true;
	plug->done = done;
	plug->data = data;
	plugs_look(container);
	return 0;
}

json_t *plugs_json(const struct container *container)
{
	json_t *array = json_array();

	list_for_each(node, &container->plugs.list) {
		const struct plug *plug = list_entry(node, struct plug, node);
		char number[40] = "";

		if (plug->is_removed)
			continue;
		if (plug->now.type)
			snprintf(number, sizeof(number), "%c %u:%u", plug->now.type,
				 plug->now.major, plug->now.minor);
		json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:b}", "PathOnHost",
						       plug->device.source, "PathInContainer",
						       plug->device.path, "CgroupPermissions",
						       plug->device.permissions, "Device", number,
						       "Added", !plug->is_own));
	}
	return array;
}
