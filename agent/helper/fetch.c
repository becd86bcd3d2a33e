/*
 * fetch - the helper that talks to a registry, on behalf of the agent and of decode.
 *
 *	berth fetch head REF		reports {"digest":..,"size":..}: what the tag points to, by one request
 *	berth fetch pull REF DIGEST	writes frames (frame.h) to stdout: index, manifest, config, and the
 *					layers that are not in the settings' "have"
 *
 * REF may also name files of this device (fetch_layout.h). Settings come on stdin (fetch_input.h),
 * what happens is told on descriptor 3 (report.h). It checks the digests of what it reads itself;
 * layers it only passes on, 32 kB at a time, and decode checks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/applets.h"
#include "agent/helper/fetch_input.h"
#include "agent/helper/fetch_layout.h"
#include "agent/helper/fetch_retry.h"
#include "agent/helper/fetch_transfer.h"
#include "agent/helper/frame.h"
#include "agent/helper/report.h"
#include "agent/helper/sandbox.h"
#include "config/image_config.h"
#include "config/manifest.h"
#include "lib/fd.h"
#include "lib/sys.h"
#include "net/failure.h"
#include "net/sources.h"

struct fetch {
	struct fetch_input input;
	struct sources sources;
	struct layout layout; /* instead of them, for images in files */
	struct fetch_retry retry;
	struct manifest *manifest;
	struct image_config *config;
};

static bool is_from_files(const struct fetch *fetch)
{
	return fetch->input.reference.source != REFERENCE_REGISTRY;
}

/* The code for a document that was refused: sound, but not for this machine, is no server's fault. */
static int document_failed(int code)
{
	return code == -ENOTSUP ? FAILURE_PLATFORM : code;
}

static int send_frame(enum frame_type type, const void *data, size_t size, struct err *err)
{
	int ret = frame_write(STDOUT_FILENO, type, data, size);

	if (ret == -EPIPE)
		return err_set(err, FAILURE_RETRY, "decode has gone while the image was fetched");
	return ret < 0 ? err_code(err, ret, "write to decode") : 0;
}

/* Manifest. */

static int select_manifest(struct fetch *fetch, const struct buf *text, struct digest *digest,
			   struct err *err)
{
	struct index *index;
	int ret = index_parse(&index, text->data, text->size, err);

	if (ret < 0)
		return document_failed(ret);
	const struct descriptor *found = index_select(index, &fetch->input.platform, err);

	if (found)
		*digest = found->digest;
	index_free(index);
	return found ? 0 : FAILURE_PLATFORM;
}

static int get_manifest(struct fetch *fetch, const struct digest *digest, struct buf *text,
			char media_type[static REGISTRY_MEDIA_TYPE_MAX + 1], struct err *err)
{
	struct fetch_attempt attempt = { 0 };

	*media_type = '\0';
	if (is_from_files(fetch))
		return layout_get_document(&fetch->layout, digest, text, err);
	do {
		buf_clear(text);
		attempt.code = sources_get_manifest(&fetch->sources, digest, text, media_type, err);
		attempt.retry_after_s = fetch->sources.retry_after_s;
	} while (attempt.code < 0 && fetch_retry_wait(&fetch->retry, &attempt, err));
	if (attempt.code == 0)
		fetch_retry_done(&fetch->retry);
	return attempt.code;
}

/* Gets the document with that digest, and passes it on. */
static int fetch_document(struct fetch *fetch, const struct digest *digest, struct buf *text,
			  enum manifest_kind *kind, struct err *err)
{
	char media_type[REGISTRY_MEDIA_TYPE_MAX + 1];
	int ret = get_manifest(fetch, digest, text, media_type, err);

	if (ret < 0)
		return ret;
	ret = manifest_sniff(text->data, text->size, media_type, kind, err);
	if (ret < 0)
		return document_failed(ret);
	return send_frame(*kind == MANIFEST_INDEX ? FRAME_INDEX : FRAME_MANIFEST, text->data,
			  text->size, err);
}

static int fetch_manifest(struct fetch *fetch, struct err *err)
{
	struct buf text BUF_CLEANUP = BUF_INIT;
	struct digest digest = fetch->input.digest;
	enum manifest_kind kind;
	int ret = fetch_document(fetch, &digest, &text, &kind, err);

	if (ret == 0 && kind == MANIFEST_INDEX) {
		ret = select_manifest(fetch, &text, &digest, err);
		buf_clear(&text);
		if (ret == 0)
			ret = fetch_document(fetch, &digest, &text, &kind, err);
		if (ret == 0 && kind == MANIFEST_INDEX)
			ret = err_set(err, FAILURE_SERVER, "the index names another index");
	}
	if (ret < 0)
		return ret;
	return document_failed(manifest_parse(&fetch->manifest, text.data, text.size, err));
}

static int get_blob(struct fetch *fetch, const struct descriptor *descriptor, blob_sink *sink, void *arg,
		    struct err *err)
{
	if (is_from_files(fetch))
		return layout_get_blob(&fetch->layout, descriptor, sink, arg, err);
	return fetch_transfer(&fetch->sources, &fetch->retry, descriptor, sink, arg, err);
}

/* Config. */

static int append_to_buf(const char *data, size_t size, void *arg)
{
	buf_append(arg, data, size);
	return 0;
}

static int fetch_config(struct fetch *fetch, struct err *err)
{
	const struct descriptor *descriptor = &fetch->manifest->config;
	struct buf text BUF_CLEANUP = BUF_INIT;
	struct digest found;

	if (descriptor->size > (int64_t)MANIFEST_CONFIG_SIZE_MAX)
		return err_set(err, FAILURE_LIMIT, "the image's config has %" PRId64 " bytes",
			       descriptor->size);
	int ret = get_blob(fetch, descriptor, append_to_buf, &text, err);

	if (ret < 0)
		return ret;
	digest_of(&found, text.data ? text.data : "", text.size);
	if (!digest_equal(&found, &descriptor->digest))
		return err_set(err, FAILURE_DIGEST, "the registry's config blob %s has digest %s",
			       descriptor->digest.text, found.text);
	ret = image_config_parse(&fetch->config, text.data, text.size, err);
	if (ret == 0)
		ret = image_config_check(fetch->config, fetch->manifest, &fetch->input.platform, err);
	return ret < 0 ? document_failed(ret) : send_frame(FRAME_CONFIG, text.data, text.size, err);
}

/* Another lane has fetched them. decode checks their digests. */
static int pass_documents(struct fetch *fetch, struct err *err)
{
	const char *manifest = fetch->input.manifest_text, *config = fetch->input.config_text;
	int ret = manifest_parse(&fetch->manifest, manifest, strlen(manifest), err);

	if (ret == 0)
		ret = image_config_parse(&fetch->config, config, strlen(config), err);
	if (ret == 0)
		ret = image_config_check(fetch->config, fetch->manifest, &fetch->input.platform, err);
	if (ret < 0)
		return document_failed(ret);
	ret = send_frame(FRAME_MANIFEST, manifest, strlen(manifest), err);
	return ret < 0 ? ret : send_frame(FRAME_CONFIG, config, strlen(config), err);
}

/* Layers. */

struct layer_transfer {
	struct report_progress progress;
	struct err *err;
};

static int pass_on(const char *data, size_t size, void *arg)
{
	struct layer_transfer *transfer = arg;
	int ret = send_frame(FRAME_DATA, data, size, transfer->err);

	transfer->progress.current += (int64_t)size;
	if (ret == 0)
		report_progress(&transfer->progress);
	return ret;
}

static int fetch_layer(struct fetch *fetch, size_t number, struct err *err)
{
	const struct descriptor *layer = &fetch->manifest->layers[number];
	struct layer_transfer transfer = {
		.progress = { .layer = &fetch->config->diff_ids[number], .total = layer->size },
		.err = err,
	};
	char text[24];

	report_progress(&transfer.progress);
	snprintf(text, sizeof(text), "%zu", number);
	int ret = send_frame(FRAME_LAYER, text, strlen(text), err);

	if (ret == 0 && layer->size > 0)
		ret = get_blob(fetch, layer, pass_on, &transfer, err);
	return ret < 0 ? ret : send_frame(FRAME_LAYER_END, NULL, 0, err);
}

static int fetch_layers(struct fetch *fetch, struct err *err)
{
	const struct image_config *config = fetch->config;
	size_t count = fetch->manifest->layer_count;
	FREE_CLEANUP bool *has = xcalloc(count + 1, sizeof(*has)), *mine = xcalloc(count + 1, sizeof(*mine));

	for (size_t i = 0; i < count; i++)
		has[i] = fetch_input_has(&fetch->input, &config->diff_ids[i]);
	lane_deal(&fetch->input.lane, fetch->manifest, config, has, mine);
	for (size_t i = 0; i < count; i++) {
		int ret = mine[i] ? fetch_layer(fetch, i, err) : 0;

		if (ret < 0)
			return ret;
	}
	return send_frame(FRAME_END, NULL, 0, err);
}

/* The two commands. */

static int pull(struct fetch *fetch, struct err *err)
{
	bool is_given = fetch->input.manifest_text && fetch->input.config_text;
	int ret = is_given ? pass_documents(fetch, err) : fetch_manifest(fetch, err);

	if (ret == 0 && !is_given)
		ret = fetch_config(fetch, err);
	return ret < 0 ? ret : fetch_layers(fetch, err);
}

static int head(struct fetch *fetch, struct err *err)
{
	struct digest digest = DIGEST_NONE;
	int64_t size = 0;
	const char *mirror = NULL;
	int ret = is_from_files(fetch) ? layout_head(&fetch->layout, &digest, &size, err) :
					 sources_head(&fetch->sources, &digest, &size, &mirror, err);

	if (ret < 0)
		return ret;
	report_line(json_pack("{s:s, s:I, s:s*}", "digest", digest.text, "size", (json_int_t)size, "mirror",
			      mirror));
	return 0;
}

static void report_warning(const char *text, void *arg)
{
	(void)arg;
	report_line(json_pack("{s:s}", "warning", text));
}

static void report_sessions(const struct sessions *sessions)
{
	struct buf text BUF_CLEANUP = BUF_INIT;

	sessions_format(sessions, &text);
	report_line(json_pack("{s:s}", "sessions", buf_text(&text)));
}

static int answer(struct fetch *fetch, struct err *err)
{
	return fetch->input.is_pull ? pull(fetch, err) : head(fetch, err);
}

static int read_files(struct fetch *fetch, struct err *err)
{
	int ret = layout_open(&fetch->layout, &fetch->input.reference, err);

	if (ret == 0)
		ret = layout_enter(&fetch->layout, err);
	if (ret == 0)
		ret = answer(fetch, err);
	layout_close(&fetch->layout);
	return ret;
}

static int ask_registry(struct fetch *fetch, struct err *err)
{
	int ret = sandbox_fetch(err);

	if (ret < 0)
		return ret;
	fetch_retry_init(&fetch->retry);
	fetch->input.sources.on_failure = report_warning;
	sources_open(&fetch->sources, &fetch->input.sources, &fetch->input.reference);
	ret = answer(fetch, err);
	report_sessions(&fetch->input.sessions);
	sources_close(&fetch->sources);
	return ret;
}

static int run(struct fetch *fetch, struct err *err)
{
	int ret = is_from_files(fetch) ? read_files(fetch, err) : ask_registry(fetch, err);

	manifest_free(fetch->manifest);
	image_config_free(fetch->config);
	return ret;
}

int fetch_main(int argc, char **argv)
{
	struct fetch fetch = { 0 };
	struct err err = ERR_INIT;

	report_init();
	sys_close_from(REPORT_FD + 1);
	int ret = fetch_input_read(&fetch.input, argc, argv, STDIN_FILENO, &err);

	if (ret == 0)
		ret = run(&fetch, &err);
	if (ret < 0)
		report_error(err.text, failure_name(ret), fetch.sources.retry_after_s);
	else
		report_done();
	fetch_input_release(&fetch.input);
	return ret < 0 ? 1 : 0;
}
