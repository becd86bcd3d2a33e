#include "store/tag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/sha256.h"
#include "lib/log.h"
#include "store/file.h"

/* A reference can be longer than a file name may be. */
static void file_of(const char *reference, char name[static SHA256_HEX + 1])
{
	sha256_hex(reference, strlen(reference), name);
}

static int get_digest(const json_t *json, const char *name, struct digest *out, struct err *err)
{
	const char *text = "";
	int rc = json_get_string(json, name, &text, err);

	if (rc < 0)
		return rc;
	if (digest_parse(out, text) < 0)
		return err_set(err, -EINVAL, "\"%s\" is no digest", name);
	return 0;
}

int tag_parse(struct tag *tag, const void *data, size_t size, struct err *err)
{
	JSON_CLEANUP json_t *json = NULL;
	const char *reference = "";
	int rc;

	*tag = (struct tag){ 0 };
	if (size > TAG_FILE_MAX)
		return err_set(err, -EINVAL, "tag: more than %d bytes", TAG_FILE_MAX);
	rc = json_parse(&json, data, size, "tag", err);
	if (rc < 0)
		return rc;
	rc = json_get_string(json, "reference", &reference, err);
	if (rc < 0)
		return rc;
	if (!*reference || strlen(reference) >= sizeof(tag->reference))
		return err_set(err, -EINVAL, "\"reference\" is missing or too long");
	strcpy(tag->reference, reference);
	rc = get_digest(json, "image", &tag->image, err);
	if (!rc)
		rc = get_digest(json, "manifest", &tag->manifest, err);
	return rc ? rc : get_digest(json, "config", &tag->config, err);
}

void tag_format(const struct tag *tag, struct buf *out)
{
	JSON_CLEANUP json_t *json =
		json_pack("{s:s, s:s, s:s, s:s}", "reference", tag->reference, "image",
			  tag->image.text, "manifest", tag->manifest.text, "config",
			  tag->config.text);

	if (!json)
		die_no_memory();
	json_append(out, json);
	buf_append_text(out, "\n");
}

struct fd_content tag_file(const struct store *store, const struct tag *tag, struct buf *text,
			   char name[static TAG_FILE_NAME_SIZE])
{
	tag_format(tag, text);
	file_of(tag->reference, name);
	return (struct fd_content){ store->tags, name, text->data, text->size };
}

int image_tag(struct store *store, const struct tag *tag, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char name[TAG_FILE_NAME_SIZE];
	const struct fd_content file = tag_file(store, tag, &text, name);
	int rc = file_write_all(store, &file, 1, -1);

	return rc ? err_code(err, rc, "tag %s", tag->reference) : 0;
}

int image_untag(struct store *store, const char *reference, struct err *err)
{
	char name[SHA256_HEX + 1];
	int rc;

	file_of(reference, name);
	rc = file_remove(store->tags, name);
	if (rc == -ENOENT)
		return err_set(err, rc, "no such image: %s", reference);
	return rc ? err_code(err, rc, "remove the tag %s", reference) : 0;
}

int tag_remove_file(struct store *store, const char *name, struct err *err)
{
	int rc = strchr(name, '/') ? -EINVAL : file_remove(store->tags, name);

	return rc ? err_code(err, rc, "remove tags/%s", name) : 0;
}

int tag_load_file(const struct store *store, const char *name, struct tag *tag, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	char expected[SHA256_HEX + 1];
	int rc = file_read(store->tags, name, &text, TAG_FILE_MAX);

	if (rc == -EFBIG)
		rc = -EBADMSG;
	if (rc < 0)
		return err_set(err, rc, "%s", strerror(-rc));
	if (tag_parse(tag, text.data, text.size, err) < 0)
		return -EBADMSG;
	file_of(tag->reference, expected);
	if (strcmp(name, expected) != 0)
		return err_set(err, -EBADMSG, "it is about %s", tag->reference);
	return 0;
}

int tag_load(const struct store *store, const char *reference, struct tag *tag, struct err *err)
{
	char name[SHA256_HEX + 1];
	struct err why = ERR_INIT;
	int rc;

	file_of(reference, name);
	rc = tag_load_file(store, name, tag, &why);
	if (rc == -ENOENT)
		return err_set(err, rc, "no such image: %s", reference);
	return rc ? err_set(err, rc, "the tag %s is damaged, pull it again: %s", reference,
			    why.text)
		  : 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct tag *)a)->reference, ((const struct tag *)b)->reference);
}

/* A tag that can't be read now may be read the next time, so that is an error; a damaged one is gone. */
static int list_files(const struct store *store, char **names, struct tag *tags, size_t *count,
		      struct err *err)
{
	int rc = 0;

	for (char **name = names; !rc && *name; name++) {
		struct err why = ERR_INIT;

		rc = tag_load_file(store, *name, &tags[*count], &why);
		if (rc == 0) {
			++*count;
		} else if (rc == -EBADMSG) {
			log_warn("%s/tags/%s is left out: %s", store->path, *name, why.text);
			rc = 0;
		} else {
			err_set(err, rc, "read %s/tags/%s: %s", store->path, *name, why.text);
		}
	}
	return rc;
}

int tag_list(const struct store *store, struct tag **out, size_t *count, struct err *err)
{
	char **names;
	int rc = file_names(store->tags, &names);

	*count = 0;
	*out = NULL;
	if (rc < 0)
		err_code(err, rc, "list %s/tags", store->path);
	else
		*out = xcalloc(count_strings(names), sizeof(**out));
	if (!rc)
		rc = list_files(store, names, *out, count, err);
	free_strings(names);
	if (rc < 0) {
		free(*out);
		*out = NULL;
		*count = 0;
		return rc;
	}
	qsort(*out, *count, sizeof(**out), compare);
	return 0;
}
