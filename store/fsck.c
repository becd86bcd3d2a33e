#include "store/fsck.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/image_config.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "store/file.h"
#include "store/image.h"
#include "store/tag.h"
#include "store/unfinished.h"

struct fsck_layer {
	struct digest id;
	struct buf users;
};

/* --- who needs what --- */

void fsck_root(struct fsck *fsck, const struct digest *config, const char *user, const char *container)
{
	fsck->versions = xrealloc(fsck->versions,
				  (fsck->version_count + 1) * sizeof(*fsck->versions));
	fsck->versions[fsck->version_count++] = (struct fsck_version){
		.config = *config,
		.user = xstrdup(user),
		.container = container ? xstrdup(container) : NULL,
	};
}

static void release(struct fsck *fsck)
{
	for (size_t i = 0; i < fsck->version_count; i++) {
		free(fsck->versions[i].user);
		free(fsck->versions[i].container);
	}
	for (size_t i = 0; i < fsck->layer_count; i++)
		buf_release(&fsck->layers[i].users);
	free(fsck->versions);
	free(fsck->layers);
}

/* As a whole entry: "app" is none of "app2, web". No name has a comma in it. */
static bool is_listed(const char *users, const char *user)
{
	size_t size = strlen(user);

	for (; *users; users += strcspn(users, ","), users += strspn(users, ", "))
		if (strcspn(users, ",") == size && !strncmp(users, user, size))
			return true;
	return false;
}

static void add_user(struct buf *users, const char *user)
{
	if (!is_listed(buf_text(users), user))
		buf_append_format(users, "%s%s", users->size ? ", " : "", user);
}

static struct fsck_layer *find_layer(const struct fsck *fsck, const struct digest *id)
{
	for (size_t i = 0; i < fsck->layer_count; i++)
		if (digest_equal(&fsck->layers[i].id, id))
			return &fsck->layers[i];
	return NULL;
}

static void need_layer(struct fsck *fsck, const struct digest *id, const char *user)
{
	struct fsck_layer *layer = find_layer(fsck, id);

	if (!layer) {
		fsck->layers = xrealloc(fsck->layers, (fsck->layer_count + 1) * sizeof(*fsck->layers));
		layer = &fsck->layers[fsck->layer_count++];
		*layer = (struct fsck_layer){ .id = *id };
	}
	add_user(&layer->users, user);
}

/* Free it. */
static char *users_of_image(const struct fsck *fsck, const struct digest *config)
{
	struct buf users = BUF_INIT;

	for (size_t i = 0; i < fsck->version_count; i++)
		if (digest_equal(&fsck->versions[i].config, config))
			add_user(&users, fsck->versions[i].user);
	buf_append_text(&users, "");
	return buf_steal(&users);
}

/* --- telling --- */

void fsck_tell_file(struct fsck *fsck, enum damage_kind kind, const char *file, const char *users,
		    const char *text)
{
	const struct fsck_finding finding = {
		.kind = kind, .file = file, .path = "", .text = text, .users = users,
	};

	fsck->on_finding(fsck->data, &finding);
}

__attribute__((format(printf, 5, 6))) static void tell(struct fsck *fsck, enum damage_kind kind,
						       const char *users, const char *text,
						       const char *file, ...)
{
	char name[PATH_MAX];
	va_list args;

	va_start(args, file);
	vsnprintf(name, sizeof(name), file, args);
	va_end(args);
	fsck_tell_file(fsck, kind, name, users, text);
}

/* Calls back for each name in a folder. */
static int each_name(struct fsck *fsck, int dir, const char *folder,
		     void (*look)(struct fsck *fsck, const char *name), struct err *err)
{
	char **names;
	int rc = dir < 0 ? -ENOENT : file_names(dir, &names);

	if (dir < 0) {
		tell(fsck, DAMAGE_RECORD, "", "the folder is not there", "%s", folder);
		return 0;
	}
	for (char **name = names; !rc && *name; name++)
		look(fsck, *name);
	free_strings(names);
	return rc ? err_code(err, rc, "list %s/%s", fsck->store->path, folder) : 0;
}

/* --- small files --- */

static void look_at_tag(struct fsck *fsck, const char *name)
{
	struct err why = ERR_INIT;
	struct tag tag;

	if (tag_load_file(fsck->store, name, &tag, &why) == 0)
		fsck_root(fsck, &tag.config, tag.reference, NULL);
	else
		tell(fsck, DAMAGE_RECORD, "", why.text, "tags/%s", name);
}

static void look_at_image(struct fsck *fsck, const char *name)
{
	struct image_config *config;
	struct err why = ERR_INIT;
	struct digest id;

	if (file_document_digest(&id, name) < 0) {
		tell(fsck, DAMAGE_FOREIGN, "", "is no image", "images/%s", name);
		return;
	}
	FREE_CLEANUP char *users = users_of_image(fsck, &id);

	if (image_load(fsck->store, &id, &config, NULL, &why) < 0)
		tell(fsck, DAMAGE_RECORD, users, why.text, "images/%s", name);
	else
		image_config_free(config);
	if (!*users)
		tell(fsck, DAMAGE_ORPHAN, "", "an image that nothing names", "images/%s", name);
}

static void look_at_manifest(struct fsck *fsck, const char *name)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct err why = ERR_INIT;
	struct digest id;

	if (file_document_digest(&id, name) < 0)
		tell(fsck, DAMAGE_FOREIGN, "", "is no manifest", "manifests/%s", name);
	else if (image_load_manifest(fsck->store, &id, &text, &why) < 0)
		tell(fsck, DAMAGE_RECORD, "", why.text, "manifests/%s", name);
}

/* --- what the images need --- */

static void look_at_version(struct fsck *fsck, const struct fsck_version *version)
{
	struct image_config *config;
	int rc = image_load(fsck->store, &version->config, &config, NULL, NULL);

	if (rc == -ENOENT)
		tell(fsck, DAMAGE_MISSING, version->user, "the image is not there", "images/%.64s.json",
		     digest_hex(&version->config));
	if (rc < 0)
		return;
	for (size_t i = 0; i < config->diff_id_count; i++)
		need_layer(fsck, &config->diff_ids[i], version->user);
	image_config_free(config);
}

static void look_at_unfinished(struct fsck *fsck, const char *name)
{
	struct unfinished *pull = xmalloc(sizeof(*pull));
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct err why = ERR_INIT;
	int rc = file_read(fsck->store->pulls, name, &text, UNFINISHED_FILE_MAX);

	if (rc < 0 || unfinished_parse(pull, buf_text(&text), text.size, &why) < 0)
		tell(fsck, DAMAGE_RECORD, "", rc < 0 ? strerror(-rc) : why.text, "pulls/%s", name);
	else
		for (size_t i = 0; i < pull->layer_count; i++)
			if (store_has_layer(fsck->store, &pull->layers[i]))
				need_layer(fsck, &pull->layers[i], pull->reference);
	free(pull);
}

/* --- layers --- */

struct layer_at_hand {
	struct fsck *fsck;
	const struct fsck_layer *layer;
	char file[DIGEST_HEX_SIZE + 16];
};

static bool layer_has(void *data, enum damage_kind kind, const char *path, const char *text)
{
	struct layer_at_hand *at = data;
	const struct fsck_finding finding = {
		.kind = kind, .file = at->file, .layer = &at->layer->id, .path = path, .text = text,
		.users = buf_text(&at->layer->users),
	};

	at->fsck->on_finding(at->fsck->data, &finding);
	return true;
}

static int check_layers(struct fsck *fsck, struct err *err)
{
	struct layer_at_hand at = { .fsck = fsck };
	const struct layer_check check = { .depth = fsck->depth, .on_damage = layer_has, .data = &at };
	int rc = 0;

	for (size_t i = 0; !rc && i < fsck->layer_count; i++) {
		at.layer = &fsck->layers[i];
		snprintf(at.file, sizeof(at.file), "layers/%.64s", digest_hex(&at.layer->id));
		if (fsck->on_layer)
			fsck->on_layer(fsck->data, &at.layer->id, i, fsck->layer_count);
		rc = layer_check(&check, fsck->store, &at.layer->id, err);
	}
	return rc;
}

static void look_at_layer_name(struct fsck *fsck, const char *name)
{
	struct digest id;

	if (layer_is_old_name(name)) {
		if (!fsck->is_live)
			tell(fsck, DAMAGE_ORPHAN, "", "a layer that was replaced", "layers/%s", name);
	} else if (digest_from_hex(&id, name) < 0) {
		tell(fsck, DAMAGE_FOREIGN, "", "is no layer", "layers/%s", name);
	} else if (!find_layer(fsck, &id)) {
		tell(fsck, DAMAGE_ORPHAN, "", "a layer that no image needs", "layers/%s", name);
	}
}

/* --- the rest --- */

static void look_at_container(struct fsck *fsck, const char *name)
{
	for (size_t i = 0; i < fsck->version_count; i++)
		if (fsck->versions[i].container && !strcmp(fsck->versions[i].container, name))
			return;
	tell(fsck, DAMAGE_ORPHAN, "", "the writable layer of no container", "containers/%s", name);
}

static void look_at_staging(struct fsck *fsck, const char *name)
{
	if (!fsck->is_live)
		tell(fsck, DAMAGE_ORPHAN, "", "left by a pull or a collection that was cut off", "staging/%s",
		     name);
}

static int look_at_all(struct fsck *fsck, struct err *err)
{
	const struct store *store = fsck->store;
	int rc = each_name(fsck, store->tags, "tags", look_at_tag, err) ?:
		 each_name(fsck, store->images, "images", look_at_image, err) ?:
		 each_name(fsck, store->manifests, "manifests", look_at_manifest, err);

	for (size_t i = 0; !rc && i < fsck->version_count; i++)
		look_at_version(fsck, &fsck->versions[i]);
	if (!rc && store->pulls >= 0)
		rc = each_name(fsck, store->pulls, "pulls", look_at_unfinished, err);
	if (!rc)
		rc = check_layers(fsck, err);
	return rc ?: each_name(fsck, store->layers, "layers", look_at_layer_name, err) ?:
	       each_name(fsck, store->containers, "containers", look_at_container, err) ?:
	       each_name(fsck, store->staging, "staging", look_at_staging, err);
}

int fsck(struct fsck *fsck, struct err *err)
{
	int rc = look_at_all(fsck, err);

	release(fsck);
	return rc;
}
