#include "store/unfinished.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/json.h"
#include "lib/log.h"
#include "store/file.h"

static int parse_layers(struct unfinished *unfinished, const json_t *json, struct err *err)
{
	json_t *layers = NULL, *layer;
	size_t i;
	int rc = json_get_array(json, "layers", &layers, err);

	if (rc < 0)
		return rc;
	if (!rc || json_array_size(layers) > MANIFEST_LAYERS_MAX)
		return err_set(err, -EINVAL, "\"layers\" is missing or too long");
	json_array_foreach(layers, i, layer)
		if (!json_is_string(layer) ||
		    digest_parse(&unfinished->layers[i], json_string_value(layer)) < 0)
			return err_set(err, -EINVAL, "\"layers\" has what is no digest");
	unfinished->layer_count = i;
	return 0;
}

int unfinished_parse(struct unfinished *unfinished, const void *data, size_t size,
		     struct err *err)
{
	JSON_CLEANUP json_t *json = NULL;
	const char *image = "", *reference = "";
	int rc;

	*unfinished = (struct unfinished){ 0 };
	if (size > UNFINISHED_FILE_MAX)
		return err_set(err, -EINVAL, "more than %d bytes", UNFINISHED_FILE_MAX);
	rc = json_parse(&json, data, size, "an unfinished pull", err);
	if (rc < 0 || (rc = json_get_string(json, "image", &image, err)) < 0 ||
	    (rc = json_get_string(json, "reference", &reference, err)) < 0 ||
	    (rc = json_get_bool(json, "by_hand", &unfinished->by_hand, err)) < 0 ||
	    (rc = json_get_int(json, "starts", &unfinished->starts, err)) < 0)
		return rc;
	if (digest_parse(&unfinished->image, image) < 0)
		return err_set(err, -EINVAL, "\"image\" is no digest");
	if (!*reference || strlen(reference) >= sizeof(unfinished->reference))
		return err_set(err, -EINVAL, "\"reference\" is missing or too long");
	if (unfinished->starts < 0 || unfinished->starts > UNFINISHED_STARTS_MAX)
		return err_set(err, -EINVAL, "\"starts\" is out of range");
	strcpy(unfinished->reference, reference);
	return parse_layers(unfinished, json, err);
}

void unfinished_format(const struct unfinished *unfinished, struct buf *out)
{
	JSON_CLEANUP json_t *json = NULL;
	json_t *layers = json_array();

	for (size_t i = 0; i < unfinished->layer_count; i++)
		json_array_append_new(layers, json_string(unfinished->layers[i].text));
	json = json_pack("{s:s, s:s, s:b, s:I, s:o}", "image", unfinished->image.text, "reference",
			 unfinished->reference, "by_hand", unfinished->by_hand, "starts",
			 (json_int_t)unfinished->starts, "layers", layers);
	if (!json)
		die_no_memory();
	json_append(out, json);
	buf_append_text(out, "\n");
}

int unfinished_save(struct store *store, const struct unfinished *unfinished, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc;

	unfinished_format(unfinished, &text);
	rc = file_write(store, store->pulls, digest_hex(&unfinished->image), text.data, text.size);
	return rc ? err_code(err, rc, "note the pull of %.19s in the store",
			    unfinished->image.text) :
		    0;
}

int unfinished_remove(struct store *store, const struct digest *image, struct err *err)
{
	int rc = file_remove(store->pulls, digest_hex(image));

	return rc && rc != -ENOENT ? err_code(err, rc, "forget the pull of %.19s", image->text) :
				     0;
}

static int load(const struct store *store, const char *name, struct unfinished *out,
		struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct stat st;
	int rc = file_read(store->pulls, name, &text, UNFINISHED_FILE_MAX);

	if (rc == -EFBIG)
		rc = -EBADMSG;
	if (rc < 0)
		return err_set(err, rc, "%s", strerror(-rc));
	if (unfinished_parse(out, buf_text(&text), text.size, err) < 0)
		return -EBADMSG;
	if (strcmp(name, digest_hex(&out->image)) != 0)
		return err_set(err, -EBADMSG, "it is about %s", out->image.text);
	if (fstatat(store->pulls, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		out->written_s = st.st_mtime;
	return 0;
}

/* One that is damaged would keep what nobody can tell. All that is lost are bytes to be fetched again. */
static int take(const struct store *store, const char *name, struct unfinished *out,
		struct err *err)
{
	struct err why = ERR_INIT;
	int rc = load(store, name, out, &why);

	if (!rc)
		return 1;
	if (rc != -EBADMSG)
		return err_set(err, rc, "read %s/pulls/%s: %s", store->path, name, why.text);
	log_warn("%s/pulls/%s is removed: %s", store->path, name, why.text);
	rc = file_remove(store->pulls, name);
	if (rc < 0)
		log_warn("%s/pulls/%s: %s", store->path, name, strerror(-rc));
	return 0;
}

int unfinished_list(struct store *store, struct unfinished **out, size_t *count,
		    struct err *err)
{
	char **names;
	int rc = file_names(store->pulls, &names);

	*count = 0;
	*out = xcalloc(count_strings(names) + 1, sizeof(**out));
	if (rc < 0)
		err_code(err, rc, "list %s/pulls", store->path);
	for (char **name = names; rc >= 0 && *name; name++) {
		rc = take(store, *name, &(*out)[*count], err);
		*count += rc > 0;
	}
	free_strings(names);
	if (rc >= 0)
		return 0;
	free(*out);
	*out = NULL;
	*count = 0;
	return rc;
}
