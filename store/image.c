#include "store/image.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/reference.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"
#include "store/file.h"
#include "store/layer.h"

bool image_exists(const struct store *store, const struct digest *config)
{
	char name[FILE_DOCUMENT_SIZE];
	struct stat st;

	file_document_name(name, config);
	return fstatat(store->images, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* A document by its digest. `what`: "image" or "manifest". */
static int load(int dir, const struct digest *digest, const char *what, struct buf *raw,
		struct err *err)
{
	char name[FILE_DOCUMENT_SIZE];
	size_t before = raw->size;
	struct digest actual;
	int rc;

	file_document_name(name, digest);
	rc = file_read(dir, name, raw, MANIFEST_SIZE_MAX);
	if (rc == -ENOENT)
		return err_set(err, rc, "no such %s: %s", what, digest->text);
	if (rc < 0 && rc != -EFBIG)
		return err_code(err, rc, "read %s %s", what, digest->text);
	digest_of(&actual, buf_text(raw) + before, raw->size - before);
	if (rc < 0 || !digest_equal(&actual, digest))
		return err_set(err, -EBADMSG, "%s %s in the store is damaged: pull it again", what,
			       digest->text);
	return 0;
}

int image_load(const struct store *store, const struct digest *config, struct image_config **out,
	       struct buf *raw, struct err *err)
{
	BUF_CLEANUP struct buf own = BUF_INIT;
	struct buf *text = raw ? raw : &own;
	size_t before = text->size;
	int rc = load(store->images, config, "image", text, err);

	if (rc < 0)
		return rc;
	rc = image_config_parse(out, text->data + before, text->size - before, err);
	return rc ? err_context(err, "image %s", config->text) : 0;
}

int image_load_manifest(const struct store *store, const struct digest *manifest, struct buf *raw,
			struct err *err)
{
	return load(store->manifests, manifest, "manifest", raw, err);
}

int image_check_layers(const struct store *store, const struct image_config *config,
		       struct err *err)
{
	struct layer_meta meta;

	int rc = 0;

	for (size_t i = 0; !rc && i < config->diff_id_count; i++)
		rc = layer_read_meta(store, &config->diff_ids[i], &meta, err);
	return rc;
}

/* --- finding --- */

/* The one image whose ID begins with these digits. */
static int find_prefix(const struct store *store, const char *prefix, struct digest *config)
{
	size_t size = strlen(prefix), found = 0;
	struct digest digest;
	char **names;
	int rc;

	if (!size || size > DIGEST_HEX_SIZE || strspn(prefix, "0123456789abcdef") != size)
		return -ENOENT;
	rc = file_names(store->images, &names);
	for (char **name = names; *name; name++)
		if (!strncmp(*name, prefix, size) && file_document_digest(&digest, *name) == 0) {
			*config = digest;
			found++;
		}
	free_strings(names);
	if (rc < 0)
		return rc;
	return found == 1 ? 0 : found ? -EEXIST : -ENOENT;
}

/* repository@digest finds a tag of that repository, whatever its name, with that digest. */
static int find_by_digest(const struct store *store, const struct reference *ref,
			  struct tag *out)
{
	struct tag *tags;
	size_t count;
	int rc = tag_list(store, &tags, &count, NULL);

	if (rc < 0)
		return rc;
	rc = -ENOENT;
	for (size_t i = 0; rc && i < count; i++) {
		struct reference other;

		if (reference_parse(&other, tags[i].reference, NULL) < 0 ||
		    strcmp(other.registry, ref->registry) != 0 ||
		    strcmp(other.repository, ref->repository) != 0)
			continue;
		if (!digest_equal(&tags[i].image, &ref->digest) &&
		    !digest_equal(&tags[i].manifest, &ref->digest))
			continue;
		*out = tags[i];
		rc = 0;
	}
	free(tags);
	return rc;
}

static int find_reference(const struct store *store, const char *text, struct tag *tag,
			  struct err *err)
{
	char canonical[REFERENCE_TEXT_SIZE];
	struct reference ref;
	int rc = reference_parse(&ref, text, err);

	if (rc < 0)
		return rc;
	reference_format(&ref, canonical);
	rc = tag_load(store, canonical, tag, err);
	if (rc == -ENOENT && !digest_is_none(&ref.digest))
		rc = find_by_digest(store, &ref, tag);
	return rc;
}

static int find_id(const struct store *store, const char *text, const char *prefix,
		   struct digest *config, struct err *err)
{
	int rc = find_prefix(store, prefix, config);

	if (rc == -EEXIST)
		return err_set(err, rc, "several images have an ID that begins with %s: give more "
			       "digits", prefix);
	if (rc < 0)
		return err_set(err, rc, "no such image: %s", text);
	return 0;
}

int image_find(const struct store *store, const char *text, struct digest *config, struct tag *tag,
	       struct err *err)
{
	int rc, by_id;

	*tag = (struct tag){ 0 };
	if (!strncmp(text, DIGEST_PREFIX, strlen(DIGEST_PREFIX)))
		return find_id(store, text, text + strlen(DIGEST_PREFIX), config, err);
	rc = find_reference(store, text, tag, err);
	if (rc == 0) {
		*config = tag->config;
		return 0;
	}
	*tag = (struct tag){ 0 };
	if (rc == -EBADMSG)
		return rc;
	/* 64 digits are an ID and can't be a reference, so a bad one can still be found. */
	by_id = find_id(store, text, text, config, rc == -ENOENT ? err : NULL);
	return by_id == -ENOENT ? rc : by_id;
}

/* --- listing --- */

static int64_t image_size(const struct store *store, const struct image_config *config)
{
	int64_t size = 0;

	for (size_t i = 0; i < config->diff_id_count; i++) {
		struct layer_meta meta;

		if (layer_read_meta(store, &config->diff_ids[i], &meta, NULL) == 0)
			size += meta.size_bytes;
	}
	return size;
}

static int describe(const struct store *store, const char *file, struct image *image,
		    struct err *err)
{
	struct image_config *config = NULL;
	int rc;

	*image = (struct image){ 0 };
	if (file_document_digest(&image->config, file) < 0)
		return err_set(err, -EINVAL, "%s is no image", file);
	rc = image_load(store, &image->config, &config, NULL, err);
	if (rc < 0)
		return rc;
	time_parse(config->created, &image->created_ns); /* not there or odd: 1970, as docker shows it */
	image->size_bytes = image_size(store, config);
	image_config_free(config);
	return 0;
}

static void add_tags(struct image *image, const struct tag *tags, size_t count)
{
	image->tags = xcalloc(count, sizeof(*tags));
	for (size_t i = 0; i < count; i++)
		if (digest_equal(&tags[i].config, &image->config))
			image->tags[image->tag_count++] = tags[i];
}

static int newest_first(const void *a, const void *b)
{
	const struct image *one = a, *other = b;

	if (one->created_ns != other->created_ns)
		return one->created_ns < other->created_ns ? 1 : -1;
	return strcmp(one->config.text, other->config.text);
}

int image_list(const struct store *store, struct image **out, size_t *count, struct err *err)
{
	struct tag *tags = NULL;
	char **names = NULL;
	size_t tag_count;
	int rc = tag_list(store, &tags, &tag_count, err);

	*out = NULL;
	*count = 0;
	if (rc < 0)
		return rc;
	rc = file_names(store->images, &names);
	if (rc < 0)
		err_code(err, rc, "list %s/images", store->path);
	*out = xcalloc(rc ? 0 : count_strings(names), sizeof(**out));
	for (char **name = names; !rc && *name; name++) {
		struct image *image = &(*out)[*count];
		struct err why = ERR_INIT;

		if (describe(store, *name, image, &why) < 0) {
			log_warn("%s/images: %s", store->path, why.text);
			continue;
		}
		add_tags(image, tags, tag_count);
		++*count;
	}
	free_strings(names);
	free(tags);
	qsort(*out, *count, sizeof(**out), newest_first);
	return rc;
}

void image_list_free(struct image *images, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(images[i].tags);
	free(images);
}
