/*
 * unpack - the helper that turns what decode brings into verified files.
 *
 *	berth unpack DIGEST STAGE_FD
 *
 * Reads frames (frame.h) from stdin and settings from descriptor 6 (unpack_input.h), works below
 * the stage directory only, and tells on descriptor 3 (report.h):
 *
 *	{"plan":[{"diff_id":D,"size":bytes,"compressed":bool}]}	all layers, before the first one
 *	{"layer":{"number":n,"diff_id":D,"size":bytes,"files":n,"compressed":bytes,
 *		 "index":"16 hex digits","held":n,"shared":{D:bytes}}}
 *	{"image":{"digest":ASKED,"manifest":D,"config":D,"layers":[diff IDs]}}
 *	{"done":true} or {"error":TEXT,"code":CODE}
 *
 * When a layer is reported it is in <number>/fs of the stage, whole, verified and on disk; with n files held back
 * (store/held.h), which other layers have, it is so when relink has run. When the plan is reported,
 * manifest.json and config.json are in the stage. Plan and image come from lane 0 (lane.h). Codes:
 * feed_code_name(). Nothing that
 * decode has checked is taken for granted: not the documents, and of a layer the diff ID counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/applets.h"
#include "agent/helper/feed.h"
#include "agent/helper/report.h"
#include "agent/helper/unpack_input.h"
#include "agent/helper/unpack_sandbox.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "store/extract.h"
#include "store/layer.h"
#include "store/space.h"
#include "store/stage.h"
#include "store/verify.h"

/* 0.6 MiB is what it takes; the rest is for large documents, long names and sparse maps. */
#define MEMORY_MAX ((size_t)6 << 20)

struct unpack {
	struct unpack_input input;
	struct feed feed;
	int root; /* the stage */
	struct base base; /* the layers of the current version */
};

/* --- layers --- */

/* *index is made beside it. */
static int open_layer_dir(const struct unpack *unpack, size_t number, int *index, struct err *err)
{
	char name[24];
	int dir;

	snprintf(name, sizeof(name), "%zu", number);
	dir = fd_open_dir(unpack->root, name, 0700);
	if (dir < 0)
		return err_code(err, dir, "make the layer's directory");
	*index = openat(dir, "index", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*index < 0) {
		close(dir);
		return err_sys(err, "make the layer's index");
	}
	return dir;
}

/*
 * When the archive makes no sense, the blob may have been damaged on its way: decode knows at its
 * end, and says so instead of ending the layer.
 */
static int blame(struct feed_layer *source, int rc, struct err *err)
{
	struct err stopped = ERR_INIT;
	const unsigned char *data;
	ssize_t got;

	if (rc != -EINVAL)
		return rc;
	do
		got = stream_next(&source->stream, &data, &stopped);
	while (got > 0);
	if (got == -EPIPE) {
		*err = stopped;
		rc = -EPIPE;
	}
	return rc;
}

/* Frames in, files out; what was not right with it is found before it returns. */
static int unpack_stream(struct unpack *unpack, size_t number, int dir,
			 const struct extract_reuse *reuse, struct index_writer *index,
			 struct extract_result *result, struct err *err)
{
	struct feed_layer source;
	struct space_guard guard;
	struct verify content;
	int rc;

	feed_open_layer(&source, &unpack->feed);
	space_guard_init(&guard, &source.stream, dir, &unpack->input.floor);
	verify_init(&content, &guard.stream, "its content (the diff ID in the image's config)",
		    &unpack->feed.chain.config->diff_ids[number], VERIFY_SIZE_UNKNOWN,
		    manifest_layer_unpacked_max(unpack->feed.chain.manifest->layers[number].size));
	rc = extract(&content.stream, dir, reuse, index, result, err);
	if (!rc)
		rc = verify_finish(&content, err);
	return blame(&source, rc, err);
}

/* The tree in `fs`, and beside it what is held back. */
static int unpack_files(struct unpack *unpack, size_t number, int dir, struct index_writer *index,
			struct held *held, struct extract_result *result, struct err *err)
{
	FD_CLEANUP int fs = fd_open_dir(dir, "fs", 0755);
	const struct extract_reuse reuse = { .base = &unpack->base, .held = held };
	int rc;

	if (fs < 0)
		return err_code(err, fs, "make the layer's directory");
	rc = unpack_stream(unpack, number, fs, unpack->base.count ? &reuse : NULL, index, result,
			   err);
	return rc ? rc : held_finish(held, err);
}

/* Sizes as they come over the wire. */
static void report_plan(const struct unpack *unpack)
{
	const struct chain *chain = &unpack->feed.chain;
	json_t *layers = json_array();

	for (size_t i = 0; i < chain->manifest->layer_count; i++) {
		const struct descriptor *layer = &chain->manifest->layers[i];

		json_array_append_new(layers, json_pack("{s:s, s:I, s:b}", "diff_id",
							chain->config->diff_ids[i].text, "size",
							(json_int_t)layer->size, "compressed",
							layer->compression != COMPRESSION_NONE));
	}
	report_line(json_pack("{s:o, s:s}", "plan", layers, "manifest", chain->manifest_digest.text));
}

static json_t *shared_json(const struct layer_meta *meta)
{
	json_t *shared = json_object();

	for (size_t i = 0; i < meta->shared_count; i++)
		json_object_set_new(shared, meta->shared[i].diff_id.text,
				    json_integer((json_int_t)meta->shared[i].bytes));
	return shared;
}

static void report_layer(const struct unpack *unpack, size_t number, const struct layer_meta *meta,
			 const struct held *held)
{
	char checksum[17];

	snprintf(checksum, sizeof(checksum), "%016llx", (unsigned long long)meta->index);
	report_line(json_pack("{s:{s:I, s:s, s:I, s:I, s:I, s:s, s:I, s:o}}", "layer", "number",
			      (json_int_t)number, "diff_id", meta->diff_id.text, "size",
			      (json_int_t)meta->size_bytes, "files", (json_int_t)meta->files,
			      "compressed", (json_int_t)unpack->feed.chain.manifest->layers[number].size,
			      "index", checksum, "held", (json_int_t)held->files, "shared",
			      shared_json(meta)));
}

static void fill_meta(struct layer_meta *meta, const struct unpack *unpack, size_t number,
		      const struct extract_result *result, const struct held *held)
{
	*meta = (struct layer_meta){
		.diff_id = unpack->feed.chain.config->diff_ids[number],
		.size_bytes = result->bytes,
		.files = result->files,
		.has_index = true,
	};
	for (size_t i = unpack->input.base_count; i--;)
		if (held->bytes[i])
			layer_meta_add_shared(meta, &unpack->input.base[i], held->bytes[i]);
}

/* What the agent would write into the layer (store/stage.h), so that it needn't be synced apart. */
static int write_meta(const struct layer_meta *meta, int dir, struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc;

	layer_meta_format(meta, &text);
	rc = fd_replace_file_volatile(dir, "meta", text.data, text.size, 0600);
	return rc ? err_code(err, rc, "write the layer's meta") : 0;
}

static int unpack_layer(struct unpack *unpack, size_t number, struct err *err)
{
	FD_CLEANUP int index_fd = -1;
	FD_CLEANUP int dir = open_layer_dir(unpack, number, &index_fd, err);
	struct extract_result result;
	struct index_writer index;
	struct layer_meta meta;
	struct held held;
	int rc;

	if (dir < 0)
		return dir;
	index_write_begin(&index, index_fd);
	held_init(&held, dir);
	rc = unpack_files(unpack, number, dir, &index, &held, &result, err);
	fill_meta(&meta, unpack, number, &result, &held);
	rc = rc ?: index_write_end(&index, &meta.index, err) ?: write_meta(&meta, dir, err);
	/* What relink has to do something with, it syncs as well. */
	if (!rc && !held.files && syncfs(dir) < 0)
		rc = err_sys(err, "write it to disk");
	if (rc < 0)
		err_context(err, "layer %zu (%s)", number,
			    unpack->feed.chain.manifest->layers[number].digest.text);
	else
		report_layer(unpack, number, &meta, &held);
	held_release(&held);
	return rc;
}

/* Layers that the new image has as well have nothing that is missing. */
static int open_base(struct unpack *unpack, struct err *err)
{
	const struct image_config *config = unpack->feed.chain.config;
	int dir = open(SANDBOX_BASE, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(err, "open the current version");
	base_open(&unpack->base, dir, unpack->input.base_count);
	for (size_t i = 0; i < unpack->input.base_count; i++)
		for (size_t j = 0; j < config->diff_id_count; j++)
			unpack->base.is_left_out[i] |=
				digest_equal(&unpack->input.base[i], &config->diff_ids[j]);
	return 0;
}

static int unpack_layers(struct unpack *unpack, struct err *err)
{
	size_t number;
	int rc;

	while ((rc = feed_next_layer(&unpack->feed, &number, err)) > 0) {
		rc = unpack_layer(unpack, number, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* --- the image --- */

static int check_complete(const struct unpack *unpack, struct err *err)
{
	const struct chain *chain = &unpack->feed.chain;
	size_t count = chain->manifest->layer_count;
	FREE_CLEANUP bool *has = xcalloc(count + 1, sizeof(*has)), *mine = xcalloc(count + 1, sizeof(*mine));

	for (size_t i = 0; i < count; i++)
		has[i] = unpack_input_has(&unpack->input, &chain->config->diff_ids[i]);
	lane_deal(&unpack->input.lane, chain->manifest, chain->config, has, mine);
	for (size_t i = 0; i < count; i++)
		if (mine[i] && !unpack->feed.was_announced[i])
			return err_set(err, -EPROTO, "layer %zu (%s) was not sent", i,
				       chain->config->diff_ids[i].text);
	return 0;
}

/* Not synced: the agent checks them and writes them into the store itself (stage_commit_image). */
static int write_document(const struct unpack *unpack, const char *name, const struct buf *text,
			  struct err *err)
{
	int rc = fd_replace_file_volatile(unpack->root, name, text->data, text->size, 0600);

	return rc ? err_code(err, rc, "write %s", name) : 0;
}

static int write_documents(const struct unpack *unpack, struct err *err)
{
	int rc = write_document(unpack, STAGE_MANIFEST, &unpack->feed.chain.manifest_text, err);

	return rc ? rc : write_document(unpack, STAGE_CONFIG, &unpack->feed.chain.config_text, err);
}

static void report_image(const struct unpack *unpack)
{
	const struct chain *chain = &unpack->feed.chain;
	json_t *layers = json_array();

	for (size_t i = 0; i < chain->config->diff_id_count; i++)
		json_array_append_new(layers, json_string(chain->config->diff_ids[i].text));
	report_line(json_pack("{s:{s:s, s:s, s:s, s:o}}", "image", "digest", chain->asked.text,
			      "manifest", chain->manifest_digest.text, "config",
			      chain->manifest->config.digest.text, "layers", layers));
}

static int run(struct unpack *unpack, struct err *err)
{
	bool is_first = !unpack->input.lane.number;
	const struct sandbox_view view = {
		.stage_fd = unpack->input.stage_fd,
		.base = unpack->input.base,
		.base_count = unpack->input.base_count,
	};
	int rc = sandbox_unpack(&view, MEMORY_MAX, err);

	if (rc < 0)
		return rc;
	unpack->root = open(SANDBOX_STAGE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (unpack->root < 0)
		return err_sys(err, "open the stage");
	rc = feed_documents(&unpack->feed, -1, err);
	if (!rc)
		rc = open_base(unpack, err);
	if (!rc && is_first)
		rc = write_documents(unpack, err);
	if (rc < 0)
		return rc;
	if (is_first)
		report_plan(unpack);
	rc = unpack_layers(unpack, err);
	if (!rc)
		rc = check_complete(unpack, err);
	if (!rc && is_first)
		report_image(unpack);
	return rc;
}

int unpack_main(int argc, char **argv)
{
	struct unpack unpack = { .root = -1 };
	struct err err = ERR_INIT;
	int rc;

	report_init();
	rc = unpack_input_read(&unpack.input, argc, argv, UNPACK_SETTINGS_FD, &err);
	feed_init(&unpack.feed, STDIN_FILENO, &unpack.input.digest, &unpack.input.platform);
	if (!rc)
		rc = run(&unpack, &err);
	if (rc < 0)
		report_error(err.text, feed_code_name(rc), 0);
	else
		report_done();
	feed_release(&unpack.feed);
	base_release(&unpack.base);
	unpack_input_release(&unpack.input);
	fd_close(&unpack.root);
	return rc < 0 ? 1 : 0;
}
