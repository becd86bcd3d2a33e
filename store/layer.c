#include "store/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "store/file.h"
#include "store/suspect.h"

static int get_count(const json_t *json, const char *name, int64_t *out, struct err *err)
{
	int rc = json_get_int(json, name, out, err);

	if (rc < 0)
		return rc;
	if (!rc || *out < 0)
		return err_set(err, -EINVAL, "\"%s\" is missing or negative", name);
	return 0;
}

/* A hash doesn't fit into a number of JSON. */
int layer_meta_set_index(struct layer_meta *meta, const char *text)
{
	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return -EINVAL;
	meta->index = strtoull(text, NULL, 16);
	meta->has_index = true;
	return 0;
}

static int get_index(const json_t *json, struct layer_meta *meta, struct err *err)
{
	const char *text = "";
	int rc = json_get_string(json, "index", &text, err);

	if (rc <= 0)
		return rc;
	if (layer_meta_set_index(meta, text) < 0)
		return err_set(err, -EINVAL, "\"index\" is no checksum");
	return 0;
}

void layer_meta_add_shared(struct layer_meta *meta, const struct digest *diff_id, int64_t bytes)
{
	if (meta->shared_count < LAYER_SHARED_MAX)
		meta->shared[meta->shared_count++] =
			(struct layer_shared){ .diff_id = *diff_id, .bytes = bytes };
}

int layer_meta_get_shared(struct layer_meta *meta, const json_t *json, struct err *err)
{
	json_t *shared = NULL, *bytes;
	const char *name;
	int rc = json_get_object(json, "shared", &shared, err);

	if (rc <= 0)
		return rc;
	json_object_foreach(shared, name, bytes) {
		struct digest diff_id;

		if (digest_parse(&diff_id, name) < 0 || !json_is_integer(bytes) ||
		    json_integer_value(bytes) < 0 ||
		    json_integer_value(bytes) > meta->size_bytes)
			return err_set(err, -EINVAL, "\"shared\" is damaged");
		layer_meta_add_shared(meta, &diff_id, json_integer_value(bytes));
	}
	return 0;
}

int layer_meta_parse(struct layer_meta *meta, const void *data, size_t size, struct err *err)
{
	JSON_CLEANUP json_t *json = NULL;
	const char *diff_id = "";
	int rc;

	*meta = (struct layer_meta){ 0 };
	if (size > LAYER_META_MAX)
		return err_set(err, -EINVAL, "meta: more than %d bytes", LAYER_META_MAX);
	rc = json_parse(&json, data, size, "meta", err);
	if (rc < 0)
		return rc;
	rc = json_get_string(json, "diff_id", &diff_id, err);
	if (rc < 0)
		return rc;
	if (digest_parse(&meta->diff_id, diff_id) < 0)
		return err_set(err, -EINVAL, "\"diff_id\" is no digest");
	rc = get_count(json, "size", &meta->size_bytes, err);
	return rc ?: get_count(json, "files", &meta->files, err) ?: get_index(json, meta, err) ?:
		     layer_meta_get_shared(meta, json, err);
}

void layer_meta_format(const struct layer_meta *meta, struct buf *out)
{
	buf_append_format(out, "{\"diff_id\":\"%s\",\"size\":%lld,\"files\":%lld",
			  meta->diff_id.text, (long long)meta->size_bytes, (long long)meta->files);
	if (meta->has_index)
		buf_append_format(out, ",\"index\":\"%016llx\"", (unsigned long long)meta->index);
	for (size_t i = 0; i < meta->shared_count; i++)
		buf_append_format(out, "%s\"%s\":%lld", i ? "," : ",\"shared\":{",
				  meta->shared[i].diff_id.text, (long long)meta->shared[i].bytes);
	buf_append_text(out, meta->shared_count ? "}}\n" : "}\n");
}

int layer_read_meta(const struct store *store, const struct digest *diff_id,
		    struct layer_meta *meta, struct err *err)
{
	FD_CLEANUP int dir = openat(store->layers, digest_hex(diff_id),
				    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct err why = ERR_INIT;
	int rc = dir < 0 ? -errno : file_read(dir, "meta", &text, LAYER_META_MAX);

	if (dir < 0 && rc == -ENOENT)
		return err_set(err, rc, "layer %s is not in the store", diff_id->text);
	if (rc == -ENOENT || rc == -EFBIG || rc == -ENOTDIR)
		rc = -EBADMSG;
	if (!rc && layer_meta_parse(meta, buf_text(&text), text.size, &why) < 0)
		return err_set(err, -EBADMSG, "layer %s is damaged: %s", diff_id->text, why.text);
	if (!rc && !digest_equal(&meta->diff_id, diff_id))
		return err_set(err, -EBADMSG, "layer %s is damaged: it says it is %s",
			       diff_id->text, meta->diff_id.text);
	return rc ? err_code(err, rc, "read layer %s", diff_id->text) : 0;
}

bool store_has_layer(const struct store *store, const struct digest *diff_id)
{
	struct layer_meta meta;

	return layer_read_meta(store, diff_id, &meta, NULL) == 0 && !suspect_is(store, diff_id);
}

int store_layer_path(const struct store *store, const struct digest *diff_id,
		     char path[static PATH_MAX], struct err *err)
{
	struct stat st;
	int rc = file_path(store, path, err, "/layers/%s/fs", digest_hex(diff_id));

	if (!rc && lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, -EBADMSG, "layer %s: its tree is no directory", diff_id->text);
	return rc;
}

int layer_list(const struct store *store, struct digest **out, size_t *count, struct err *err)
{
	char **names;
	int rc = file_names(store->layers, &names);

	*count = 0;
	*out = xcalloc(count_strings(names), sizeof(**out));
	for (char **name = names; *name; name++) {
		struct digest *id = &(*out)[*count];

		if (digest_from_hex(id, *name) == 0 && store_has_layer(store, id))
			++*count;
	}
	free_strings(names);
	return rc ? err_code(err, rc, "list %s/layers", store->path) : 0;
}

void layer_old_name(const struct store *store, const char *hex, char name[static LAYER_OLD_SIZE])
{
	struct stat st;
	unsigned int number = 1;

	do
		snprintf(name, LAYER_OLD_SIZE, "%.64s.old%u", hex, number++);
	while (fstatat(store->layers, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
}

bool layer_is_old_name(const char *name)
{
	char hex[DIGEST_HEX_SIZE + 1] = { 0 };
	struct digest digest;

	if (strlen(name) < DIGEST_HEX_SIZE || strncmp(name + DIGEST_HEX_SIZE, ".old", 4) != 0)
		return false;
	memcpy(hex, name, DIGEST_HEX_SIZE);
	return digest_from_hex(&digest, hex) == 0;
}

int layer_retire_old(struct store *store)
{
	char **names;
	int rc = file_names(store->layers, &names), count = 0;

	for (char **name = names; !rc && *name; name++) {
		if (!layer_is_old_name(*name))
			continue;
		rc = file_throw_away(store, store->layers, *name);
		count++;
	}
	free_strings(names);
	return rc ? rc : count;
}
