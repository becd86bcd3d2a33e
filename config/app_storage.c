#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/app_parts.h"
#include "config/path.h"
#include "config/units.h"
#include "lib/fd.h"

void app_storage_release(struct app_storage *storage)
{
	for (size_t i = 0; i < storage->tmpfs_count; i++) {
		free(storage->tmpfs[i].path);
		free(storage->tmpfs[i].options);
	}
	free(storage->tmpfs);
}

static struct app_storage *storage_of(void *object)
{
	return &((struct app_config *)object)->storage;
}

int set_read_only(void *object, const char *value, struct err *err)
{
	return app_set_flag(&storage_of(object)->read_only, value, err);
}

static int parse_bytes(const char *value, int64_t *bytes, struct err *err)
{
	int64_t found;

	if (size_parse(value, &found, err) < 0)
		return -EINVAL;
	if (found < APP_STORAGE_MIN)
		return err_set(err, -EINVAL, "less than 64K, in which nothing fits");
	*bytes = found;
	return 0;
}

static int check_number(const char *text, int64_t max, int base, struct err *err)
{
	char *end;
	long long number = strtoll(text, &end, base);

	if (end == text || *end || *text == '-' || *text == '+' || number > max)
		return err_set(err, -EINVAL, "\"%.40s\" is not a number for this option", text);
	return 0;
}

static int check_size(const char *text, struct err *err)
{
	int64_t bytes;

	if (text[strlen(text) - (*text != '\0')] == '%')
		return err_set(err, -EINVAL, "a size in percent is another one on each device; use "
					     "a number with K, M or G");
	return parse_bytes(text, &bytes, err);
}

/* What tmpfs(5) takes, and the flags of any mount; an argument where there is a '='. */
static int check_option(const char *option, struct err *err)
{
	static const char *const flags[] = {
		"ro",	"rw",	 "exec", "noexec", "suid",   "nosuid",
		"dev",	"nodev", "atime", "noatime", "nodiratime", "relatime",
		"strictatime", "sync", "tmpcopyup", NULL,
	};

	if (!strncmp(option, "size=", 5))
		return check_size(option + 5, err);
	if (!strncmp(option, "mode=", 5))
		return check_number(option + 5, 07777, 8, err);
	if (!strncmp(option, "uid=", 4) || !strncmp(option, "gid=", 4))
		return check_number(option + 4, UINT32_MAX - 1, 10, err);
	if (!strncmp(option, "nr_inodes=", 10))
		return check_number(option + 10, INT32_MAX, 10, err);
	for (size_t i = 0; flags[i]; i++)
		if (!strcmp(option, flags[i]))
			return 0;
	return err_set(err, -EINVAL, "\"%.40s\" is not an option of a tmpfs; such are size=16M, "
				     "mode=1777, uid=, gid=, nr_inodes=, ro and exec", option);
}

static int check_options(const char *options, struct err *err)
{
	FREE_CLEANUP char *copy = xstrdup(options);
	char *save = NULL;

	for (char *option = strtok_r(copy, ",", &save); option; option = strtok_r(NULL, ",", &save))
		if (check_option(option, err) < 0)
			return -EINVAL;
	return 0;
}

int add_tmpfs(void *object, const char *value, struct err *err)
{
	struct app_config *app = object;
	struct app_storage *storage = &app->storage;
	FREE_CLEANUP char *copy = xstrdup(value);
	char *options = strchr(copy, ':'), *path;

	if (options)
		*options++ = '\0';
	if (check_options(options ?: "", err) < 0 ||
	    app_check_count(storage->tmpfs_count, err) < 0 || path_clean(copy, &path, err) < 0)
		return err ? err->code : -EINVAL;
	if (app_check_mount_path(app, path, err) < 0) {
		free(path);
		return -EINVAL;
	}
	storage->tmpfs = xrealloc(storage->tmpfs,
				  (storage->tmpfs_count + 1) * sizeof(*storage->tmpfs));
	storage->tmpfs[storage->tmpfs_count++] = (struct app_tmpfs){ path,
								     xstrdup(options ?: "") };
	return 0;
}

int set_shm_size(void *object, const char *value, struct err *err)
{
	return parse_bytes(value, &storage_of(object)->shm_bytes, err);
}

int set_writable(void *object, const char *value, struct err *err)
{
	static const char *const words[] = { [WRITABLE_FLASH] = "flash",
					     [WRITABLE_TMPFS] = "tmpfs",
					     [WRITABLE_NONE] = "none",
					     NULL };
	FREE_CLEANUP char *copy = xstrdup(value);
	char *size = strchr(copy, ':');
	int64_t bytes = APP_WRITABLE_RAM;
	int found;

	if (size)
		*size++ = '\0';
	found = key_choose(words, copy, err);
	if (found < 0)
		return found;
	if (size && found != WRITABLE_TMPFS)
		return err_set(err, -EINVAL, "only tmpfs takes a size here; use writable_size for "
					     "flash");
	if (size && parse_bytes(size, &bytes, err) < 0)
		return -EINVAL;
	storage_of(object)->writable = (enum writable_kind)found;
	storage_of(object)->ram_bytes = found == WRITABLE_TMPFS ? bytes : 0;
	return 0;
}

int set_writable_size(void *object, const char *value, struct err *err)
{
	return parse_bytes(value, &storage_of(object)->quota_bytes, err);
}

void app_storage_put(json_t *object, const struct app_storage *storage)
{
	app_put_yes(object, "read_only", storage->read_only);
	for (size_t i = 0; i < storage->tmpfs_count; i++) {
		const struct app_tmpfs *tmpfs = &storage->tmpfs[i];

		app_put_item(object, "tmpfs",
			     xasprintf("%s%s%s", tmpfs->path, *tmpfs->options ? ":" : "",
				       tmpfs->options));
	}
	if (storage->shm_bytes)
		app_put_number(object, "shm_size", storage->shm_bytes, "");
	if (storage->writable == WRITABLE_TMPFS)
		app_put_text(object, "writable",
			     xasprintf("tmpfs:%lld", (long long)storage->ram_bytes));
	if (storage->writable == WRITABLE_NONE)
		app_put_text(object, "writable", xstrdup("none"));
	if (storage->quota_bytes)
		app_put_number(object, "writable_size", storage->quota_bytes, "");
}

bool app_storage_is_read_only(const struct app_storage *storage)
{
	return storage->read_only || storage->writable == WRITABLE_NONE;
}

const struct app_tmpfs *app_storage_tmpfs(const struct app_storage *storage, const char *path)
{
	for (size_t i = 0; i < storage->tmpfs_count; i++)
		if (!strcmp(storage->tmpfs[i].path, path))
			return &storage->tmpfs[i];
	return NULL;
}
