/* df: what takes the room in the store. Looks at it by itself, since walking it takes long. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/app/update.h"
#include "agent/cli/cli.h"
#include "agent/cli/table.h"
#include "config/agent_config.h"
#include "lib/fd.h"
#include "lib/human.h"
#include "lib/json.h"
#include "store/image.h"
#include "store/layer.h"
#include "store/record.h"

#define DEPTH_MAX 100 /* of directories: one descriptor each */

struct usage {
	size_t total, active;
	int64_t bytes, reclaimable;
};

struct look {
	struct store store;
	struct digest *used; /* configs that records name */
	char (*containers)[CONTAINER_ID_SIZE];
	char **owners; /* the apps whose containers these are */
	size_t used_count;
	struct image *images;
	size_t image_count;
};

/* --- who needs what --- */

static void use(struct look *look, const char *app, const struct generation *generation)
{
	size_t count = look->used_count + 1;

	if (!generation_exists(generation))
		return;
	look->used = xrealloc(look->used, count * sizeof(*look->used));
	look->containers = xrealloc(look->containers, count * sizeof(*look->containers));
	look->owners = xrealloc(look->owners, count * sizeof(*look->owners));
	look->owners[look->used_count] = xstrdup(app);
	look->used[look->used_count] = generation->config;
	memcpy(look->containers[look->used_count++], generation->container, CONTAINER_ID_SIZE);
}

static int read_records(struct look *look, struct err *err)
{
	char **apps;
	int rc = record_list(&look->store, &apps, err);

	for (char **app = apps; !rc && *app; app++) {
		BUF_CLEANUP struct buf text = BUF_INIT;
		struct record record;

		if (record_load(&look->store, *app, &text, NULL) < 0 ||
		    record_parse(&record, buf_text(&text), text.size, NULL) < 0)
			continue;
		use(look, *app, &record.current);
		use(look, *app, &record.previous);
		use(look, *app, &record.trying);
		record_release(&record);
	}
	if (!rc)
		free_strings(apps);
	return rc;
}

static bool is_used(const struct look *look, const struct digest *config)
{
	for (size_t i = 0; i < look->used_count; i++)
		if (digest_equal(&look->used[i], config))
			return true;
	return false;
}

/* --- layers: what was linked into another one is counted there --- */

static int64_t own_bytes(const struct look *look, const struct digest *diff_id)
{
	struct layer_meta meta, other;
	int64_t bytes;

	if (layer_read_meta(&look->store, diff_id, &meta, NULL) < 0)
		return 0;
	bytes = meta.size_bytes;
	for (size_t i = 0; i < meta.shared_count; i++)
		if (layer_read_meta(&look->store, &meta.shared[i].diff_id, &other, NULL) == 0)
			bytes -= meta.shared[i].bytes;
	return bytes;
}

static bool has_layer(const struct look *look, const struct digest *config, const struct digest *diff_id)
{
	struct image_config *image;
	bool has = false;

	if (image_load(&look->store, config, &image, NULL, NULL) < 0)
		return false;
	for (size_t i = 0; !has && i < image->diff_id_count; i++)
		has = digest_equal(&image->diff_ids[i], diff_id);
	image_config_free(image);
	return has;
}

static bool is_shared(const struct look *look, size_t image, const struct digest *diff_id)
{
	for (size_t i = 0; i < look->image_count; i++)
		if (i != image && has_layer(look, &look->images[i].config, diff_id))
			return true;
	return false;
}

/* Bytes that would be free without this image. */
static int64_t unique_bytes(const struct look *look, size_t number)
{
	struct image_config *image;
	int64_t bytes = 0;

	if (image_load(&look->store, &look->images[number].config, &image, NULL, NULL) < 0)
		return 0;
	for (size_t i = 0; i < image->diff_id_count; i++)
		if (!is_shared(look, number, &image->diff_ids[i]))
			bytes += own_bytes(look, &image->diff_ids[i]);
	image_config_free(image);
	return bytes;
}

/* --- trees --- */

/* The room it takes; a file with several names counts in parts. */
static int64_t tree_bytes(int dirfd, const char *name, int depth)
{
	int64_t bytes;
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	bytes = (int64_t)st.st_blocks * 512;
	if (!S_ISDIR(st.st_mode))
		return bytes / (int64_t)(st.st_nlink ? st.st_nlink : 1);
	fd = depth < DEPTH_MAX ? openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return bytes;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			bytes += tree_bytes(fd, entry->d_name, depth + 1);
	closedir(dir);
	return bytes;
}

/* NULL: no app needs it. */
static const char *container_owner(const struct look *look, const char *name)
{
	for (size_t i = 0; i < look->used_count; i++)
		if (!strcmp(look->containers[i], name))
			return look->owners[i];
	return NULL;
}

enum tree_kind { TREE_CONTAINER, TREE_VOLUME, TREE_STAGING };

/* Each directory in `dirfd`; in detail when there is a table. */
static struct usage look_at_trees(const struct look *look, int dirfd, enum tree_kind kind, struct table *table)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct usage usage = { 0 };
	struct dirent *entry;
	char size[HUMAN_TEXT_MAX];

	if (!dir) {
		fd_close(&fd);
		return usage;
	}
	while ((entry = readdir(dir))) {
		const char *owner = kind == TREE_CONTAINER ? container_owner(look, entry->d_name) : NULL;
		bool active = kind == TREE_VOLUME || owner;
		int64_t bytes;

		if (entry->d_name[0] == '.')
			continue;
		bytes = tree_bytes(fd, entry->d_name, 0);
		usage.total++;
		usage.active += active;
		usage.bytes += bytes;
		usage.reclaimable += active ? 0 : bytes;
		if (!table)
			continue;
		human_size(size, (uint64_t)bytes, 4);
		table_cell_format(table, "%.*s", kind == TREE_CONTAINER ? 12 : 64, entry->d_name);
		if (kind == TREE_CONTAINER)
			table_cell(table, owner ? owner : "-");
		table_cell(table, size);
		table_end_row(table);
	}
	closedir(dir);
	return usage;
}

/* --- tables --- */

static void add_usage(struct table *table, const char *type, const struct usage *usage)
{
	char size[HUMAN_TEXT_MAX], reclaimable[HUMAN_TEXT_MAX];
	int64_t percent = usage->bytes ? usage->reclaimable * 100 / usage->bytes : 0;

	human_size(size, (uint64_t)usage->bytes, 4);
	human_size(reclaimable, (uint64_t)usage->reclaimable, 4);
	table_cell(table, type);
	table_cell_format(table, "%zu", usage->total);
	table_cell_format(table, "%zu", usage->active);
	table_cell(table, size);
	table_cell_format(table, "%s (%lld%%)", reclaimable, (long long)percent);
	table_end_row(table);
}

static void add_image(struct table *table, const struct image *image, int64_t unique)
{
	char size[HUMAN_TEXT_MAX], shared[HUMAN_TEXT_MAX], own[HUMAN_TEXT_MAX];

	human_size(size, (uint64_t)image->size_bytes, 4);
	human_size(shared, (uint64_t)(image->size_bytes - unique), 4);
	human_size(own, (uint64_t)unique, 4);
	table_cell(table, image->tag_count ? image->tags[0].reference : "<none>");
	table_cell_format(table, "%.12s", digest_hex(&image->config));
	table_cell(table, size);
	table_cell(table, shared);
	table_cell(table, own);
	table_end_row(table);
}

static struct usage look_at_images(const struct look *look, struct table *table)
{
	struct usage usage = { .total = look->image_count };
	struct digest *layers = NULL;
	size_t count;

	for (size_t i = 0; i < look->image_count; i++) {
		bool active = is_used(look, &look->images[i].config);
		int64_t unique = unique_bytes(look, i);

		usage.active += active;
		usage.reclaimable += active ? 0 : unique;
		if (table)
			add_image(table, &look->images[i], unique);
	}
	if (layer_list(&look->store, &layers, &count, NULL) == 0)
		for (size_t i = 0; i < count; i++)
			usage.bytes += own_bytes(look, &layers[i]);
	free(layers);
	return usage;
}

static void add_headings(struct table *table, const char *const *headings)
{
	for (; *headings; headings++)
		table_cell(table, *headings);
	table_end_row(table);
}

static void print(struct table *table, const char *title)
{
	if (title)
		printf("%s\n\n", title);
	table_print(table, stdout);
	if (title)
		printf("\n");
	table_release(table);
}

static void print_summary(const struct look *look)
{
	static const char *const headings[] = { "TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE", NULL };
	const struct usage images = look_at_images(look, NULL);
	const struct usage containers = look_at_trees(look, look->store.containers, TREE_CONTAINER, NULL);
	const struct usage volumes = look_at_trees(look, look->store.volumes, TREE_VOLUME, NULL);
	const struct usage staging = look_at_trees(look, look->store.staging, TREE_STAGING, NULL);
	struct table table = TABLE_INIT;

	add_headings(&table, headings);
	add_usage(&table, "Images", &images);
	add_usage(&table, "Containers", &containers);
	add_usage(&table, "Local Volumes", &volumes);
	add_usage(&table, "Staging", &staging);
	print(&table, NULL);
}

static void print_trees(const struct look *look, int dirfd, enum tree_kind kind, const char *title,
			const char *name)
{
	struct table table = TABLE_INIT;

	table_cell(&table, name);
	if (kind == TREE_CONTAINER)
		table_cell(&table, "APP");
	add_headings(&table, (const char *const[]){ "SIZE", NULL });
	look_at_trees(look, dirfd, kind, &table);
	print(&table, title);
}

static void print_details(const struct look *look)
{
	static const char *const headings[] = { "IMAGE", "IMAGE ID", "SIZE", "SHARED SIZE", "UNIQUE SIZE", NULL };
	struct table table = TABLE_INIT;

	add_headings(&table, headings);
	look_at_images(look, &table);
	print(&table, "Images space usage:");
	print_trees(look, look->store.containers, TREE_CONTAINER, "Containers space usage:", "CONTAINER ID");
	print_trees(look, look->store.volumes, TREE_VOLUME, "Local Volumes space usage:", "VOLUME NAME");
	print_trees(look, look->store.staging, TREE_STAGING, "Staging space usage:", "NAME");
}

/* --- which store --- */

static int open_store(struct cli *cli, struct store *store)
{
	json_t *info JSON_CLEANUP = NULL;
	struct agent_config *config;
	int rc;

	if (!cli->options.config && cli_connect(cli) == 0 &&
	    daemon_get(&cli->daemon, "/info", &info, &cli->err) == 0)
		return store_look(store, cli_text(info, "DockerRootDir"), false, &cli->err);
	rc = agent_config_load(cli->options.config ? cli->options.config : AGENT_CONFIG_PATH, &config,
			       NULL, &cli->err);
	if (rc < 0 && !cli->options.config)
		return err_context(&cli->err, CLI_NO_STORE);
	if (rc < 0)
		return rc;
	rc = store_look(store, config->store, false, &cli->err);
	agent_config_free(config);
	return rc;
}

int cli_df(struct cli *cli)
{
	struct look look = { 0 };
	int rc = open_store(cli, &look.store);

	if (rc < 0)
		return cli_fail(cli);
	rc = read_records(&look, &cli->err);
	if (!rc)
		rc = image_list(&look.store, &look.images, &look.image_count, &cli->err);
	if (!rc && cli->options.verbose)
		print_details(&look);
	else if (!rc)
		print_summary(&look);
	image_list_free(look.images, look.image_count);
	free(look.used);
	free(look.containers);
	for (size_t i = 0; i < look.used_count; i++)
		free(look.owners[i]);
	free(look.owners);
	store_close(&look.store);
	return rc ? cli_fail(cli) : EXIT_DONE;
}
