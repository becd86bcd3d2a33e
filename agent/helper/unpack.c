/*
 * unpack - the helper that turns what fetch brings into verified files.
 *
 *	berth unpack DIGEST STAGE_FD
 *
 * Reads frames (frame.h) from stdin and settings from descriptor 6 (unpack_input.h), works below
 * the stage directory only, and tells on descriptor 3 (report.h):
 *
 *	{"layer":{"number":n,"diff_id":D,"size":bytes,"files":n,"compressed":bytes}}
 *	{"image":{"digest":ASKED,"manifest":D,"config":D,"layers":[diff IDs]}}
 *	{"done":true} or {"error":TEXT,"code":CODE}
 *
 * When a layer is reported it is in <number>/fs of the stage, whole, verified and on disk; when the
 * image is, manifest.json and config.json are in the stage. Codes: incomplete (fetch stopped: its own report
 * says why), digest, format, platform, limit, space, protocol, io.
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
#include "agent/helper/chain.h"
#include "agent/helper/frame.h"
#include "agent/helper/report.h"
#include "agent/helper/unpack_input.h"
#include "agent/helper/unpack_sandbox.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "store/decompress.h"
#include "store/extract.h"
#include "store/stage.h"
#include "store/verify.h"

#define LAYER_UNPACKED_MAX (INT64_C(64) << 30) /* bytes of a layer's tar */
/* Besides zstd's window. 0.8 MiB is what it takes; the rest is for long names and sparse maps. */
#define MEMORY_MAX ((size_t)2 << 20)

struct unpack {
	struct unpack_input input;
	struct chain chain;
	struct frame frame; /* the one at hand */
	bool is_pending;    /* it has not been used */
	bool *is_unpacked;  /* by layer number */
	int root;	    /* the stage */
};

static const char *code_name(int code)
{
	switch (code) {
	case -EPIPE:
		return "incomplete";
	case -EBADMSG:
		return "digest";
	case -EINVAL:
		return "format";
	case -ENOTSUP:
		return "platform";
	case -E2BIG:
	case -EFBIG:
	case -ENOMEM: /* the sandbox bounds it */
	case -ENAMETOOLONG:
		return "limit";
	case -ENOSPC:
	case -EDQUOT:
		return "space";
	case -EPROTO:
		return "protocol";
	default:
		return "io";
	}
}

/* --- frames --- */

static int next_frame(struct unpack *unpack, struct err *err)
{
	int rc;

	if (unpack->is_pending) {
		unpack->is_pending = false;
		return 0;
	}
	rc = frame_read(STDIN_FILENO, &unpack->frame, err);
	if (!rc)
		return err_set(err, -EPIPE, "the image is incomplete: fetch has stopped");
	return rc < 0 ? rc : 0;
}

static int unexpected(const struct unpack *unpack, const char *where, struct err *err)
{
	return err_set(err, -EPROTO, "a frame of type %d %s", (int)unpack->frame.type, where);
}

/* The document that the frame at hand begins. */
static int read_document(struct unpack *unpack, struct buf *text, struct err *err)
{
	enum frame_type type = unpack->frame.type;
	int rc;

	do {
		if (text->size + unpack->frame.size > FRAME_DOCUMENT_MAX)
			return err_set(err, -E2BIG, "a manifest or config of more than %d bytes",
				       FRAME_DOCUMENT_MAX);
		buf_append(text, unpack->frame.data, unpack->frame.size);
		rc = next_frame(unpack, err);
	} while (!rc && unpack->frame.type == type);
	unpack->is_pending = true;
	return rc;
}

static int take_document(struct unpack *unpack, enum frame_type type,
			 int (*take)(struct chain *, const void *, size_t, struct err *),
			 struct err *err)
{
	BUF_CLEANUP struct buf text = BUF_INIT;
	int rc = next_frame(unpack, err);

	if (rc < 0)
		return rc;
	if (unpack->frame.type != type)
		return unexpected(unpack, "among the documents", err);
	rc = read_document(unpack, &text, err);
	return rc ? rc : take(&unpack->chain, text.data, text.size, err);
}

static int take_documents(struct unpack *unpack, struct err *err)
{
	int rc = next_frame(unpack, err);

	unpack->is_pending = true;
	if (!rc && unpack->frame.type == FRAME_INDEX)
		rc = take_document(unpack, FRAME_INDEX, chain_index, err);
	if (!rc)
		rc = take_document(unpack, FRAME_MANIFEST, chain_manifest, err);
	return rc ? rc : take_document(unpack, FRAME_CONFIG, chain_config, err);
}

/* The DATA frames of one layer as a stream. */
struct frames {
	struct stream stream;
	struct unpack *unpack;
	bool ended;
};

static ssize_t frames_next(struct stream *stream, const unsigned char **data, struct err *err)
{
	struct frames *frames = (struct frames *)stream;
	struct frame *frame = &frames->unpack->frame;

	while (!frames->ended) {
		int rc = next_frame(frames->unpack, err);

		if (rc < 0)
			return rc;
		frames->ended = frame->type == FRAME_LAYER_END;
		if (!frames->ended && frame->type != FRAME_DATA)
			return unexpected(frames->unpack, "within a layer", err);
		*data = (unsigned char *)frame->data;
		if (!frames->ended && frame->size)
			return (ssize_t)frame->size;
	}
	return 0;
}

/* --- layers --- */

static int open_layer_dir(const struct unpack *unpack, size_t number, struct err *err)
{
	FD_CLEANUP int dir = -1;
	char name[24];
	int fs;

	snprintf(name, sizeof(name), "%zu", number);
	dir = fd_open_dir(unpack->root, name, 0700);
	fs = dir < 0 ? dir : fd_open_dir(dir, "fs", 0755);
	return fs < 0 ? err_set(err, fs, "make the layer's directory: %s", strerror(-fs)) : fs;
}

/*
 * When the archive makes no sense, the blob may have been damaged on its way: then that is the
 * reason to tell, since trying again helps.
 */
static int blame(struct verify *blob, int rc, struct err *err)
{
	struct err damaged = ERR_INIT;

	if (rc == -EINVAL && verify_finish(blob, &damaged) == -EBADMSG) {
		*err = damaged;
		rc = -EBADMSG;
	}
	return rc;
}

/* Frames in, files out; what was not right with it is found before it returns. */
static int unpack_stream(struct unpack *unpack, size_t number, int dir,
			 struct extract_result *result, struct err *err)
{
	const struct descriptor *layer = &unpack->chain.manifest->layers[number];
	struct frames frames = { .stream.next = frames_next, .unpack = unpack };
	struct verify blob, content;
	struct decompress plain;
	int rc;

	verify_init(&blob, &frames.stream, "the blob", &layer->digest, layer->size, layer->size);
	decompress_init(&plain, &blob.stream, unpack->input.window_log);
	verify_init(&content, &plain.stream, "its content (the diff ID in the image's config)",
		    &unpack->chain.config->diff_ids[number], VERIFY_SIZE_UNKNOWN,
		    LAYER_UNPACKED_MAX);
	rc = extract(&content.stream, dir, result, err);
	if (!rc)
		rc = verify_finish(&content, err);
	if (!rc)
		rc = verify_finish(&blob, err);
	decompress_release(&plain);
	return blame(&blob, rc, err);
}

static void report_layer(const struct unpack *unpack, size_t number,
			 const struct extract_result *result)
{
	report_line(json_pack("{s:{s:I, s:s, s:I, s:I, s:I}}", "layer", "number",
			      (json_int_t)number, "diff_id",
			      unpack->chain.config->diff_ids[number].text, "size",
			      (json_int_t)result->bytes, "files", (json_int_t)result->files,
			      "compressed", (json_int_t)unpack->chain.manifest->layers[number].size));
}

static int unpack_layer(struct unpack *unpack, size_t number, struct err *err)
{
	FD_CLEANUP int dir = open_layer_dir(unpack, number, err);
	struct extract_result result;
	int rc;

	if (dir < 0)
		return dir;
	rc = unpack_stream(unpack, number, dir, &result, err);
	if (rc < 0)
		return err_context(err, "layer %zu (%s)", number,
				   unpack->chain.manifest->layers[number].digest.text);
	if (syncfs(dir) < 0)
		return err_sys(err, "write layer %zu to disk", number);
	unpack->is_unpacked[number] = true;
	report_layer(unpack, number, &result);
	return 0;
}

/* Which layer the LAYER frame at hand announces. */
static int read_number(const struct unpack *unpack, size_t *number, struct err *err)
{
	const char *text = unpack->frame.data;
	char *end;

	*number = strtoul(text, &end, 10);
	if (!unpack->frame.size || unpack->frame.size > 4 || text[0] < '0' || text[0] > '9' || *end ||
	    *number >= unpack->chain.manifest->layer_count || unpack->is_unpacked[*number])
		return err_set(err, -EPROTO, "the stream announces a layer that is not wanted");
	return 0;
}

static int take_layers(struct unpack *unpack, struct err *err)
{
	unpack->is_unpacked = xcalloc(unpack->chain.manifest->layer_count + 1, sizeof(bool));
	for (;;) {
		size_t number;
		int rc = next_frame(unpack, err);

		if (rc < 0)
			return rc;
		if (unpack->frame.type == FRAME_END)
			return 0;
		if (unpack->frame.type != FRAME_LAYER)
			return unexpected(unpack, "between layers", err);
		rc = read_number(unpack, &number, err);
		if (!rc)
			rc = unpack_layer(unpack, number, err);
		if (rc < 0)
			return rc;
	}
}

/* --- the image --- */

/* In the store, or unpacked now: under its own number or that of an equal layer. */
static bool has_layer(const struct unpack *unpack, const struct digest *diff_id)
{
	const struct image_config *config = unpack->chain.config;

	for (size_t i = 0; i < config->diff_id_count; i++)
		if (unpack->is_unpacked[i] && digest_equal(&config->diff_ids[i], diff_id))
			return true;
	return unpack_input_has(&unpack->input, diff_id);
}

/* Not synced: the agent checks them and writes them into the store itself (stage_commit_image). */
static int write_document(const struct unpack *unpack, const char *name, const struct buf *text,
			  struct err *err)
{
	int rc = fd_replace_file_volatile(unpack->root, name, text->data, text->size, 0600);

	return rc ? err_set(err, rc, "write %s: %s", name, strerror(-rc)) : 0;
}

static int finish_image(struct unpack *unpack, struct err *err)
{
	const struct chain *chain = &unpack->chain;
	json_t *layers = json_array();
	int rc = 0;

	for (size_t i = 0; !rc && i < chain->config->diff_id_count; i++) {
		const struct digest *diff_id = &chain->config->diff_ids[i];

		json_array_append_new(layers, json_string(diff_id->text));
		if (!has_layer(unpack, diff_id))
			rc = err_set(err, -EPROTO, "layer %zu (%s) was not sent", i, diff_id->text);
	}
	if (!rc)
		rc = write_document(unpack, STAGE_MANIFEST, &chain->manifest_text, err);
	if (!rc)
		rc = write_document(unpack, STAGE_CONFIG, &chain->config_text, err);
	if (rc < 0) {
		json_decref(layers);
		return rc;
	}
	report_line(json_pack("{s:{s:s, s:s, s:s, s:o}}", "image", "digest", chain->asked.text,
			      "manifest", chain->manifest_digest.text, "config",
			      chain->manifest->config.digest.text, "layers", layers));
	return 0;
}

static int run(struct unpack *unpack, struct err *err)
{
	size_t window = (size_t)1 << unpack->input.window_log;
	int rc = sandbox_unpack(unpack->input.stage_fd, window + MEMORY_MAX, err);

	if (rc < 0)
		return rc;
	unpack->root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (unpack->root < 0)
		return err_sys(err, "open the stage");
	rc = take_documents(unpack, err);
	if (!rc)
		rc = take_layers(unpack, err);
	return rc ? rc : finish_image(unpack, err);
}

int unpack_main(int argc, char **argv)
{
	struct unpack unpack = { .root = -1 };
	struct err err = ERR_INIT;
	int rc;

	report_init();
	frame_init(&unpack.frame);
	rc = unpack_input_read(&unpack.input, argc, argv, UNPACK_SETTINGS_FD, &err);
	chain_init(&unpack.chain, &unpack.input.digest, &unpack.input.platform);
	if (!rc)
		rc = run(&unpack, &err);
	if (rc < 0)
		report_error(err.text, code_name(rc), 0);
	else
		report_done();
	chain_release(&unpack.chain);
	unpack_input_release(&unpack.input);
	frame_release(&unpack.frame);
	free(unpack.is_unpacked);
	fd_close(&unpack.root);
	return rc < 0 ? 1 : 0;
}
