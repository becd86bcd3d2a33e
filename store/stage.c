#include "store/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/image_config.h"
#include "config/manifest.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/sys.h"
#include "store/file.h"
#include "store/image.h"
#include "store/suspect.h"

_Static_assert(sizeof(((struct stage *)0)->name) >= FILE_STAGED_SIZE, "the name has to fit");

int stage_open(struct stage *stage, struct store *store, struct err *err)
{
	*stage = (struct stage){ .store = store, .dirfd = -1 };
	file_staged_name(store, stage->name, 's');
	stage->dirfd = fd_open_dir(store->staging, stage->name, 0700);
	if (stage->dirfd < 0)
		return err_set(err, stage->dirfd, "make %s/staging/%s: %s", store->path,
			       stage->name, strerror(-stage->dirfd));
	return 0;
}

void stage_discard(struct stage *stage)
{
	int rc;

	if (stage->dirfd < 0)
		return;
	fd_close(&stage->dirfd);
	rc = file_throw_away(stage->store, stage->store->staging, stage->name);
	if (rc < 0)
		log_warn("remove %s/staging/%s: %s (it goes at the next start)", stage->store->path,
			 stage->name, strerror(-rc));
}

/* --- layers --- */

static int write_meta(struct store *store, const struct layer_meta *meta, int dir)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	struct stat st;

	if (fstatat(dir, "fs", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	layer_meta_format(meta, &text);
	/* As a rule the helper has written the same, and synced it with the rest. */
	return file_write(store, dir, "meta", text.data, text.size);
}

/*
 * Something is there: a damaged layer. It changes places with the new one in one step, or in two where the
 * file system can't (then a power cut between them leaves a layer to be fetched), and keeps an old name
 * (layer.h): a container that runs may be using it.
 */
static int replace(struct stage *stage, const char *from, const char *name)
{
	int layers = stage->store->layers;
	char old[LAYER_OLD_SIZE], aside[LAYER_OLD_SIZE];
	int rc;

	layer_old_name(stage->store, name, old);
	if (renameat(stage->dirfd, from, layers, old) < 0)
		return -errno;
	if (sys_exchange(layers, old, name) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno; /* a failing disk: what is there stays */
	layer_old_name(stage->store, name, aside);
	if (renameat(layers, name, layers, aside) < 0)
		return -errno;
	if (renameat(layers, old, layers, name) == 0)
		return 0;
	rc = -errno;
	renameat(layers, aside, layers, name);
	return rc;
}

static int move_in(struct stage *stage, const char *from, const struct digest *diff_id)
{
	struct store *store = stage->store;
	int rc;

	if (renameat(stage->dirfd, from, store->layers, digest_hex(diff_id)) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
		return -errno;
	rc = replace(stage, from, digest_hex(diff_id));
	return !rc && fsync(store->layers) < 0 ? -errno : rc;
}

static int commit_layer(struct stage *stage, const struct layer_meta *meta, const char *from)
{
	FD_CLEANUP int dir =
		openat(stage->dirfd, from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = dir < 0 ? -errno : write_meta(stage->store, meta, dir);

	return rc ? rc : move_in(stage, from, &meta->diff_id);
}

int stage_commit_layer(struct stage *stage, const struct layer_meta *meta, unsigned int number,
		       struct err *err)
{
	char from[16];
	int rc;

	stage->store->written_bytes += meta->size_bytes;
	for (size_t i = 0; i < meta->shared_count; i++)
		stage->store->written_bytes -= meta->shared[i].bytes;
	if (store_has_layer(stage->store, &meta->diff_id))
		return 0;
	snprintf(from, sizeof(from), "%u", number);
	rc = commit_layer(stage, meta, from);
	if (rc == 0)
		suspect_clear(stage->store, &meta->diff_id);
	if (rc < 0)
		return err_code(err, rc, "put layer %s into the store", meta->diff_id.text);
	return 0;
}

/* --- the image --- */

static int read_unchecked(const struct stage *stage, const char *name, struct buf *out, struct err *err)
{
	int rc = file_read(stage->dirfd, name, out, MANIFEST_SIZE_MAX);

	return rc < 0 ? err_code(err, rc, "read %s of the stage", name) : 0;
}

int stage_read_documents(const struct stage *stage, struct buf *manifest, struct buf *config,
			 struct err *err)
{
	int rc = read_unchecked(stage, STAGE_MANIFEST, manifest, err);

	return rc ? rc : read_unchecked(stage, STAGE_CONFIG, config, err);
}

static int read_document(const struct stage *stage, const char *name, const struct digest *expected,
			 struct buf *out, struct err *err)
{
	struct digest digest;
	int rc = read_unchecked(stage, name, out, err);

	if (rc < 0)
		return rc;
	digest_of(&digest, out->data, out->size);
	if (!digest_equal(&digest, expected))
		return err_set(err, -EBADMSG, "%s of the stage is %s instead of %s", name,
			       digest.text, expected->text);
	return 0;
}

static int check_image(const struct stage *stage, const struct digest *config,
		       const struct buf *manifest_text, const struct buf *config_text,
		       struct err *err)
{
	struct manifest *manifest = NULL;
	struct image_config *image = NULL;
	int rc = manifest_parse(&manifest, manifest_text->data, manifest_text->size, err);

	if (!rc)
		rc = image_config_parse(&image, config_text->data, config_text->size, err);
	if (!rc && !digest_equal(&manifest->config.digest, config))
		rc = err_set(err, -EBADMSG, "the manifest's config is %s instead of %s",
			     manifest->config.digest.text, config->text);
	if (!rc && manifest->layer_count != image->diff_id_count)
		rc = err_set(err, -EBADMSG, "the manifest has %zu layers, the config %zu",
			     manifest->layer_count, image->diff_id_count);
	if (!rc)
		rc = image_check_layers(stage->store, image, err);
	manifest_free(manifest);
	image_config_free(image);
	return rc;
}

int stage_commit_image(struct stage *stage, const struct digest *manifest,
		       const struct digest *config, const struct tag *tag, struct err *err)
{
	BUF_CLEANUP struct buf manifest_text = BUF_INIT, config_text = BUF_INIT, tag_text = BUF_INIT;
	char manifest_name[FILE_DOCUMENT_SIZE], config_name[FILE_DOCUMENT_SIZE];
	char tag_name[TAG_FILE_NAME_SIZE];
	struct store *store = stage->store;
	struct fd_content files[3];
	int rc = read_document(stage, STAGE_MANIFEST, manifest, &manifest_text, err);

	if (!rc)
		rc = read_document(stage, STAGE_CONFIG, config, &config_text, err);
	if (!rc)
		rc = check_image(stage, config, &manifest_text, &config_text, err);
	if (rc < 0)
		return rc;
	file_document_name(manifest_name, manifest);
	file_document_name(config_name, config);
	files[0] = (struct fd_content){ store->manifests, manifest_name, manifest_text.data,
					manifest_text.size };
	files[1] = (struct fd_content){ store->images, config_name, config_text.data,
					config_text.size };
	if (tag)
		files[2] = tag_file(store, tag, &tag_text, tag_name);
	/*
	 * Written anew instead of renamed: what was checked is what gets in. The layers' names come
	 * first, then the config, which is the image, and what names it. What is left of the stage
	 * goes now, so that its end is in the same commits of a journal.
	 */
	stage_discard(stage);
	rc = file_write_all(store, files, tag ? 3 : 2, store->layers);
	return rc ? err_code(err, rc, "write the image %s", config->text) : 0;
}
