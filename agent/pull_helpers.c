#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/collect.h"
#include "agent/fetch_settings.h"
#include "agent/job.h"
#include "agent/pull_parts.h"
#include "config/platform.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "store/layer.h"

#define RESOLVE_DEADLINE_MS 120000
#define RETRY_AFTER_MAX_S (24 * 60 * 60) /* more is no wish but a mistake, or an attack */
#define UNPACK_STAGE_FD 4
#define UNPACK_SETTINGS_FD 6
#define ZSTD_WINDOW_LOG_MAX 23 /* 8 MiB: what the memory bound of a pull allows */

/* --- what they report --- */

/* What is wrong with the image and not with the link to it (net/failure.h, and what unpack adds). */
static bool is_fault_of_image(const char *code)
{
	static const char *const faults[] = { "platform", "limit", "digest", "format" };

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (!strcmp(code, faults[i]))
			return true;
	return false;
}

/* What a helper says in its last line when it fails. */
static void take_error(struct pull *pull, const json_t *line, struct err *err)
{
	const char *text = NULL, *code = "";
	int64_t retry_after_s = 0;

	if (json_get_string(line, "error", &text, NULL) <= 0)
		return;
	json_get_string(line, "code", &code, NULL);
	json_get_int(line, "retry_after_s", &retry_after_s, NULL);
	if (retry_after_s > 0 && retry_after_s <= RETRY_AFTER_MAX_S)
		pull->result.retry_after_s = retry_after_s;
	err_set(err, !strcmp(code, "not-found") ? -ENOENT : -EIO, "%s", text);
	if (err == &pull->fetch_err) {
		pull->fetch_blames_image = is_fault_of_image(code);
	} else {
		pull->unpack_blames_image = is_fault_of_image(code);
		pull->unpack_is_incomplete = !strcmp(code, "incomplete");
	}
}

static json_t *parse_line(struct pull *pull, const char *line)
{
	json_t *json = NULL;
	struct err err = ERR_INIT;

	if (json_parse(&json, line, strlen(line), "helper's report", &err) < 0)
		log_warn("pull %s: %s", pull->name, err.text);
	return json;
}

static void fetch_says(struct job *job, char *line, void *data)
{
	struct pull *pull = data;
	JSON_CLEANUP json_t *json = parse_line(pull, line);
	const char *digest = NULL;

	(void)job;
	if (!json)
		return;
	take_error(pull, json, &pull->fetch_err);
	if (pull->step == STEP_RESOLVING && json_get_string(json, "digest", &digest, NULL) > 0 &&
	    digest_parse(&pull->result.image, digest) < 0)
		err_set(&pull->fetch_err, -EBADMSG, "the registry's digest is not one: %s", digest);
	if (pull->request.on_progress && !pull->is_cancelled)
		pull->request.on_progress(pull, json, pull->request.data);
}

static void commit_layer(struct pull *pull, const json_t *layer)
{
	struct layer_meta meta = { 0 };
	const char *diff_id = "";
	int64_t number = -1, compressed = 0;

	if (json_get_string(layer, "diff_id", &diff_id, NULL) <= 0 ||
	    json_get_int(layer, "number", &number, NULL) <= 0 ||
	    json_get_int(layer, "size", &meta.size_bytes, NULL) <= 0 ||
	    json_get_int(layer, "files", &meta.files, NULL) <= 0 ||
	    digest_parse(&meta.diff_id, diff_id) < 0 || number < 0 || number > UINT16_MAX) {
		err_set(&pull->unpack_err, -EINVAL, "the unpack helper reports a bad layer");
		return;
	}
	json_get_int(layer, "compressed", &compressed, NULL);
	pull->result.fetched_bytes += compressed;
	if (stage_commit_layer(&pull->stage, &meta, (unsigned int)number, &pull->unpack_err) == 0)
		collect_pin(pull->agent, &meta.diff_id);
}

static void take_image(struct pull *pull, const json_t *image)
{
	const char *asked = "", *manifest = "", *config = "";

	json_get_string(image, "digest", &asked, NULL);
	json_get_string(image, "manifest", &manifest, NULL);
	json_get_string(image, "config", &config, NULL);
	if (strcmp(asked, pull->result.image.text) ||
	    digest_parse(&pull->result.manifest, manifest) < 0 ||
	    digest_parse(&pull->result.config, config) < 0)
		err_set(&pull->unpack_err, -EINVAL, "the unpack helper reports a bad image");
}

static void unpack_says(struct job *job, char *line, void *data)
{
	struct pull *pull = data;
	JSON_CLEANUP json_t *json = parse_line(pull, line);
	json_t *object;

	(void)job;
	if (!json || pull->unpack_err.code)
		return;
	take_error(pull, json, &pull->unpack_err);
	if (json_get_object(json, "layer", &object, NULL) > 0)
		commit_layer(pull, object);
	else if (json_get_object(json, "image", &object, NULL) > 0)
		take_image(pull, object);
	if (pull->unpack_err.code && pull->unpack)
		job_stop(pull->unpack);
	if (pull->request.on_progress && !pull->is_cancelled)
		pull->request.on_progress(pull, json, pull->request.data);
}

/* --- how they end --- */

static void head_ended(struct job *job, int status, void *data)
{
	struct pull *pull = data;

	(void)job;
	pull->fetch = NULL;
	if (!status && digest_is_none(&pull->result.image) && !pull->fetch_err.code)
		err_set(&pull->fetch_err, -EIO, "the fetch helper ended without an answer");
	else if (status && !pull->fetch_err.code)
		err_set(&pull->fetch_err, -EIO, "the fetch helper was killed (status %d)", status);
	pull_resolved(pull);
}

static void fetch_ended(struct job *job, int status, void *data)
{
	struct pull *pull = data;

	(void)job;
	if (status && !pull->fetch_err.code && !pull->unpack_err.code)
		err_set(&pull->fetch_err, -EIO, "the fetch helper was killed (status %d)", status);
	pull->fetch = NULL;
	if (!pull->unpack)
		pull_finish(pull);
}

static void unpack_ended(struct job *job, int status, void *data)
{
	struct pull *pull = data;

	(void)job;
	if (status && !pull->unpack_err.code)
		err_set(&pull->unpack_err, -EIO, "the unpack helper was killed (status %d)", status);
	pull->unpack = NULL;
	if (!pull->fetch)
		pull_finish(pull);
	else if (pull->unpack_err.code)
		job_stop(pull->fetch);
}

/* --- starting them --- */

static int start_fetch(struct pull *pull, json_t *have, int output_fd,
		       void (*on_end)(struct job *, int, void *), struct err *err)
{
	char reference[REFERENCE_TEXT_SIZE];
	bool is_head = output_fd < 0;
	struct job_spec spec = {
		.argv = (char *[]){ "berth", "fetch", is_head ? "head" : "pull", reference,
				    is_head ? NULL : pull->result.image.text, NULL },
		.fd_count = is_head ? 1 : 2,
		.deadline_ms = is_head ? RESOLVE_DEADLINE_MS : 0,
		.on_line = fetch_says,
		.on_end = on_end,
		.data = pull,
	};
	JSON_CLEANUP json_t *settings = NULL;
	BUF_CLEANUP struct buf text = BUF_INIT;
	FD_CLEANUP int input = -1;
	int rc = fetch_settings(pull->agent->config, &pull->request.reference, pull->request.auth,
				have, &settings, err);

	if (rc < 0)
		return rc;
	json_append(&text, settings);
	input = memory_file(text.data, text.size);
	if (input < 0)
		return err_set(err, input, "settings for fetch: %s", strerror(-input));
	reference_format(&pull->request.reference, reference);
	spec.fds[0] = (struct job_fd){ .from = input, .to = STDIN_FILENO };
	spec.fds[1] = (struct job_fd){ .from = output_fd, .to = STDOUT_FILENO };
	pull->fetch = job_start(&pull->agent->loop, &spec, err);
	return pull->fetch ? 0 : err->code;
}

static json_t *layers_at_hand(struct agent *agent)
{
	struct digest *layers;
	size_t count;
	json_t *have = json_array();

	if (layer_list(&agent->store, &layers, &count, NULL) < 0)
		return have;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(have, json_string(layers[i].text));
	free(layers);
	return have;
}

static int start_unpack(struct pull *pull, json_t *have, int input_fd, struct err *err)
{
	char stage_fd[8];
	struct job_spec spec = {
		.argv = (char *[]){ "berth", "unpack", pull->result.image.text, stage_fd, NULL },
		.fd_count = 3,
		.on_line = unpack_says,
		.on_end = unpack_ended,
		.data = pull,
	};
	struct platform platform;
	JSON_CLEANUP json_t *settings = NULL;
	BUF_CLEANUP struct buf text = BUF_INIT;
	FD_CLEANUP int settings_fd = -1;

	platform_current(&platform);
	settings = json_pack("{s:{s:s, s:s, s:s}, s:O, s:{s:i}}", "platform", "os", platform.os,
			     "architecture", platform.architecture, "variant", platform.variant,
			     "have", have, "limits", "window_log", ZSTD_WINDOW_LOG_MAX);
	json_append(&text, settings);
	settings_fd = memory_file(text.data, text.size);
	if (settings_fd < 0)
		return err_set(err, settings_fd, "settings for unpack: %s", strerror(-settings_fd));
	snprintf(stage_fd, sizeof(stage_fd), "%d", UNPACK_STAGE_FD);
	spec.fds[0] = (struct job_fd){ .from = input_fd, .to = STDIN_FILENO };
	spec.fds[1] = (struct job_fd){ .from = pull->stage.dirfd, .to = UNPACK_STAGE_FD };
	spec.fds[2] = (struct job_fd){ .from = settings_fd, .to = UNPACK_SETTINGS_FD };
	pull->unpack = job_start(&pull->agent->loop, &spec, err);
	return pull->unpack ? 0 : err->code;
}

int pull_start_head(struct pull *pull, struct err *err)
{
	return start_fetch(pull, NULL, -1, head_ended, err);
}

int pull_start_helpers(struct pull *pull, struct err *err)
{
	JSON_CLEANUP json_t *have = layers_at_hand(pull->agent);
	int pipe_fds[2], rc;

	rc = stage_open(&pull->stage, &pull->agent->store, err);
	if (rc < 0)
		return rc;
	pull->has_stage = true;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(err, "pipe between fetch and unpack");
	rc = start_unpack(pull, have, pipe_fds[0], err);
	if (!rc)
		rc = start_fetch(pull, have, pipe_fds[1], fetch_ended, err);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return rc;
}

void pull_stop_helpers(struct pull *pull)
{
	if (pull->fetch)
		job_stop(pull->fetch);
	if (pull->unpack)
		job_stop(pull->unpack);
}
