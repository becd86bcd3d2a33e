#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/container/container.h"
#include "agent/helper/feed.h"
#include "agent/helper/seccomp.h"
#include "agent/job.h"
#include "agent/pull/fetch_settings.h"
#include "agent/pull/pull_parts.h"
#include "config/platform.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/time.h"
#include "store/layer.h"
#include "store/suspect.h"

#define RESOLVE_DEADLINE_MS 120000
#define RETRY_AFTER_MAX_S (24 * 60 * 60) /* more is no wish but a mistake, or an attack */
#define UNPACK_STAGE_FD 4
#define UNPACK_SETTINGS_FD 6
#define PIPE_SIZE (512 * 1024)
#define ZSTD_WINDOW_LOG_MAX 23 /* 8 MiB: what the memory bound of a pull allows */

static const char *const role_names[] = { "fetch", "decode", "unpack", "relink" };

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

/* Those codes that mean more to the agent than their text. */
static int code_number(const char *code)
{
	if (!strcmp(code, "not-found"))
		return -ENOENT;
	return strcmp(code, "space") ? -EIO : -ENOSPC;
}

/* What a helper says in its last line when it fails. */
static void take_error(struct pull_helper *helper, const json_t *line)
{
	struct pull_result *result = &helper->pull->result;
	const char *text = NULL, *code = "";
	int64_t retry_after_s = 0;

	if (json_get_string(line, "error", &text, NULL) <= 0)
		return;
	json_get_string(line, "code", &code, NULL);
	json_get_int(line, "retry_after_s", &retry_after_s, NULL);
	if (retry_after_s > 0 && retry_after_s <= RETRY_AFTER_MAX_S)
		result->retry_after_s = retry_after_s;
	err_set(&helper->err, code_number(code), "%s", text);
	if (!strcmp(code, SECCOMP_CODE))
		err_set(&helper->err, -EIO, "the %s helper was %s", role_names[helper->role], text);
	helper->blames_image = is_fault_of_image(code);
	helper->is_echo = helper->pull->is_stopping || !strcmp(code, FEED_CODE_INCOMPLETE) ||
			  !strcmp(code, FEED_CODE_UNREAD);
}

/*
 * When several complain, those further behind know better: fetch only sees the pipe break when
 * what it brought was refused.
 */
const struct pull_helper *pull_find_culprit(const struct pull *pull)
{
	const struct pull_helper *echo = NULL;

	for (int role = ROLE_RELINK; role >= ROLE_FETCH; role--)
		for (size_t lane = 0; lane < LANES_MAX; lane++) {
			const struct pull_helper *helper = &pull->helpers[lane][role];

			if (helper->err.code && !helper->is_echo)
				return helper;
			if (helper->err.code && !echo)
				echo = helper;
		}
	return echo;
}

static json_t *parse_line(struct pull *pull, const char *line)
{
	json_t *json = NULL;
	struct err err = ERR_INIT;

	if (json_parse(&json, line, strlen(line), "helper's report", &err) < 0)
		log_warn("pull %s: %s", pull->name, err.text);
	return json;
}

void pull_take_error(struct pull_helper *helper, const char *line)
{
	JSON_CLEANUP json_t *json = parse_line(helper->pull, line);

	if (json)
		take_error(helper, json);
}

int pull_take_digest(struct pull *pull, const char *text, struct err *err)
{
	const struct digest *asked = &pull->request.reference.digest;
	struct digest found;

	if (digest_parse(&found, text) < 0)
		return err_set(err, -EBADMSG, "the registry's digest is not one: %s", text);
	if (!digest_is_none(asked) && !digest_equal(asked, &found))
		return err_set(err, -EBADMSG, "the fetch helper names %s when asked for %s", found.text, asked->text);
	pull->result.image = found;
	return 0;
}

static void fetch_says(struct job *job, char *line, void *data)
{
	struct pull_helper *fetch = data;
	struct pull *pull = fetch->pull;
	JSON_CLEANUP json_t *json = parse_line(pull, line);
	const char *digest = NULL, *text = NULL;

	(void)job;
	pull_moves(pull);
	if (!json)
		return;
	if (json_get_string(json, "sessions", &text, NULL) > 0) {
		fetch_sessions_put(&pull->agent->sessions, pull->session_key, text, time_boot_ms());
		return;
	}
	take_error(fetch, json);
	if (json_object_get(json, "waiting"))
		fetch->is_waiting = json_is_string(json_object_get(json, "waiting"));
	if (json_get_string(json, "warning", &text, NULL) > 0)
		log_warn("pull %s: %s", pull->name, text);
	if (json_get_string(json, "mirror", &text, NULL) > 0) {
		log_warn("check %s: the registry is out of reach, its mirror %s answers", pull->name, text);
		pull->result.is_by_mirror = true;
	}
	if (pull->step == STEP_RESOLVING && json_get_string(json, "digest", &digest, NULL) > 0)
		pull_take_digest(pull, digest, &fetch->err);
	if (pull->request.on_progress && !pull->is_cancelled)
		pull->request.on_progress(pull, json, pull->request.data);
}

bool pull_is_waiting(const struct pull *pull)
{
	for (size_t lane = 0; lane < LANES_MAX; lane++)
		if (pull->helpers[lane][ROLE_FETCH].job && pull->helpers[lane][ROLE_FETCH].is_waiting)
			return true;
	return false;
}

static void decode_says(struct job *job, char *line, void *data)
{
	(void)job;
	pull_take_error(data, line);
}

/* A damaged layer makes room: those that run may have its tree mounted. */
static void note_replacement(struct agent *agent, const struct digest *diff_id)
{
	struct layer_meta old;
	int rc = layer_read_meta(&agent->store, diff_id, &old, NULL);

	if (rc == -ENOENT || (!rc && !suspect_is(&agent->store, diff_id)))
		return;
	list_for_each(node, &agent->containers)
		list_entry(node, struct container, node)->keeps_old = true;
}

int pull_commit_layer(struct pull *pull, const struct layer_meta *meta, unsigned int number,
		      struct err *err)
{
	note_replacement(pull->agent, &meta->diff_id);
	return stage_commit_layer(&pull->stage, meta, number, err);
}

static void take_layer(struct pull *pull, const json_t *layer, struct err *err)
{
	struct layer_meta meta = { 0 };
	const char *diff_id = "", *index = "";
	int64_t number = -1, compressed = 0, held = 0;

	if (json_get_string(layer, "diff_id", &diff_id, NULL) <= 0 ||
	    json_get_int(layer, "number", &number, NULL) <= 0 ||
	    json_get_int(layer, "size", &meta.size_bytes, NULL) <= 0 ||
	    json_get_int(layer, "files", &meta.files, NULL) <= 0 ||
	    json_get_string(layer, "index", &index, NULL) <= 0 ||
	    layer_meta_set_index(&meta, index) < 0 ||
	    layer_meta_get_shared(&meta, layer, NULL) < 0 ||
	    digest_parse(&meta.diff_id, diff_id) < 0 || number < 0 || number > UINT16_MAX) {
		err_set(err, -EINVAL, "the unpack helper reports a bad layer");
		return;
	}
	json_get_int(layer, "compressed", &compressed, NULL);
	json_get_int(layer, "held", &held, NULL);
	if (compressed > 0 && compressed <= MANIFEST_LAYER_SIZE_MAX)
		pull->result.fetched_bytes += compressed;
	if (!pull_plan_has(pull, &meta.diff_id)) {
		err_set(err, -EINVAL, "the unpack helper reports a layer that it did not announce");
		return;
	}
	if (held)
		pull_hold_layer(pull, &meta, (unsigned int)number, err);
	else
		pull_commit_layer(pull, &meta, (unsigned int)number, err);
}

static void take_image(struct pull *pull, const json_t *image, struct err *err)
{
	const char *asked = "", *manifest = "", *config = "";

	json_get_string(image, "digest", &asked, NULL);
	json_get_string(image, "manifest", &manifest, NULL);
	json_get_string(image, "config", &config, NULL);
	if (strcmp(asked, pull->result.image.text) ||
	    digest_parse(&pull->result.manifest, manifest) < 0 ||
	    digest_parse(&pull->result.config, config) < 0)
		err_set(err, -EINVAL, "the unpack helper reports a bad image");
}

static void take_plan(struct pull *pull, const json_t *json, const json_t *layers, struct err *err)
{
	const char *manifest = "";

	json_get_string(json, "manifest", &manifest, NULL);
	if (pull->is_stopping)
		return; /* what would be started now, nobody would stop */
	if (pull_take_plan(pull, layers, err) == 0)
		pull_start_lanes(pull, manifest, err);
}

static void unpack_says(struct job *job, char *line, void *data)
{
	struct pull_helper *unpack = data;
	struct pull *pull = unpack->pull;
	JSON_CLEANUP json_t *json = parse_line(pull, line);
	json_t *object;

	(void)job;
	pull_moves(pull);
	if (!json || unpack->err.code)
		return;
	take_error(unpack, json);
	if (unpack->lane == 0 && json_get_array(json, "plan", &object, NULL) > 0)
		take_plan(pull, json, object, &unpack->err);
	else if (json_get_object(json, "layer", &object, NULL) > 0)
		take_layer(pull, object, &unpack->err);
	else if (unpack->lane == 0 && json_get_object(json, "image", &object, NULL) > 0)
		take_image(pull, object, &unpack->err);
	if (unpack->err.code && unpack->job)
		job_stop(unpack->job);
	if (pull->request.on_progress && !pull->is_cancelled)
		pull->request.on_progress(pull, json, pull->request.data);
}

/* --- how they end --- */

void pull_take_end(struct pull_helper *helper, int status)
{
	helper->job = NULL;
	if (!status || helper->err.code)
		return;
	err_set(&helper->err, -EIO, "the %s helper was killed (status %d)", role_names[helper->role],
		status);
	helper->is_echo = helper->pull->is_stopping;
}

static void head_ended(struct job *job, int status, void *data)
{
	struct pull_helper *fetch = data;

	(void)job;
	pull_take_end(fetch, status);
	if (digest_is_none(&fetch->pull->result.image) && !fetch->err.code)
		err_set(&fetch->err, -EIO, "the fetch helper ended without an answer");
	pull_resolved(fetch->pull);
}

/*
 * When fetch fails the others finish what they have got; when one of those fails, fetch brings
 * bytes for no one.
 */
static void helper_ended(struct job *job, int status, void *data)
{
	struct pull_helper *helper = data;
	struct pull *pull = helper->pull;

	(void)job;
	pull_take_end(helper, status);
	if (!pull_has_helpers(pull)) {
		if (!pull_start_relink(pull))
			pull_finish(pull);
	} else if (helper->err.code && !helper->is_echo && helper->role != ROLE_FETCH) {
		pull_stop_helpers(pull);
	}
}

/* --- starting them --- */

static struct pull_helper *begin_helper(struct pull *pull, unsigned int lane, enum pull_role role)
{
	pull->helpers[lane][role] = (struct pull_helper){ .pull = pull, .lane = lane, .role = role };
	return &pull->helpers[lane][role];
}

/* Without a lane it only asks. */
static int start_fetch(struct pull *pull, const struct pull_lane *lane, int output_fd, struct err *err)
{
	struct pull_helper *fetch = begin_helper(pull, lane ? lane->number : 0, ROLE_FETCH);
	char reference[REFERENCE_TEXT_SIZE];
	bool is_head = !lane;
	struct job_spec spec = {
		.argv = (char *[]){ "berth", "fetch", is_head ? "head" : "pull", reference,
				    is_head ? NULL : (char *)(uintptr_t)lane->asked->text, NULL },
		.fd_count = is_head ? 1 : 2,
		.deadline_ms = is_head ? RESOLVE_DEADLINE_MS : 0,
		.budget = &pull->agent->budget,
		.on_line = fetch_says,
		.on_end = is_head ? head_ended : helper_ended,
		.data = fetch,
	};
	JSON_CLEANUP json_t *settings = NULL;
	BUF_CLEANUP struct buf text = BUF_INIT;
	FD_CLEANUP int input = -1;
	const struct fetch_request request = {
		.reference = &pull->request.reference,
		.auth = pull->request.auth,
		.have = pull->have,
		.without_mirrors = pull->without_mirrors,
		.last_seen_s = pull->agent->last_seen_s,
		.lane = { lane ? lane->number : 0, is_head ? 0 : pull->lane_count },
		.manifest = is_head ? NULL : lane->manifest,
		.config = is_head ? NULL : lane->config,
		.sessions = &pull->agent->sessions,
		.session_key = pull->session_key,
	};
	int rc = fetch_settings(pull->agent->config, &request, &settings, err);

	if (rc < 0)
		return rc;
	json_append(&text, settings);
	input = memory_file(text.data, text.size);
	if (input < 0)
		return err_code(err, input, "settings for fetch");
	reference_format(&pull->request.reference, reference);
	spec.fds[0] = (struct job_fd){ .from = input, .to = STDIN_FILENO };
	spec.fds[1] = (struct job_fd){ .from = output_fd, .to = STDOUT_FILENO };
	fetch->job = job_start(&pull->agent->loop, &spec, err);
	return fetch->job ? 0 : err->code;
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

/* A descriptor with what decode and unpack are told (agent/helper/unpack_input.h), or negative. */
static int unpack_settings(const struct pull *pull, const struct pull_lane *lane, struct err *err)
{
	struct platform platform;
	JSON_CLEANUP json_t *settings = NULL;
	BUF_CLEANUP struct buf text = BUF_INIT;
	int fd;

	platform_current(&platform);
	settings = json_pack("{s:{s:s, s:s, s:s}, s:O, s:o, s:{s:i, s:I, s:I}, s:o}", "platform", "os",
			     platform.os, "architecture", platform.architecture, "variant",
			     platform.variant, "have", pull->have, "base", pull_base_json(pull), "limits",
			     "window_log", ZSTD_WINDOW_LOG_MAX, "free_bytes",
			     (json_int_t)pull->floor.bytes, "free_inodes",
			     (json_int_t)pull->floor.inodes, "lane",
			     lane_settings(&(struct lane){ lane->number, pull->lane_count }));
	json_append(&text, settings);
	fd = memory_file(text.data, text.size);
	return fd < 0 ? err_code(err, fd, "settings for unpack") : fd;
}

static int start_decode(struct pull *pull, const struct pull_lane *lane, int input_fd, int output_fd,
			struct err *err)
{
	struct pull_helper *decode = begin_helper(pull, lane->number, ROLE_DECODE);
	FD_CLEANUP int settings_fd = unpack_settings(pull, lane, err);
	const struct job_spec spec = {
		.argv = (char *[]){ "berth", "decode", (char *)(uintptr_t)lane->asked->text, NULL },
		.fds = { { .from = input_fd, .to = STDIN_FILENO },
			 { .from = output_fd, .to = STDOUT_FILENO },
			 { .from = settings_fd, .to = UNPACK_SETTINGS_FD } },
		.fd_count = 3,
		.budget = &pull->agent->budget,
		.on_line = decode_says,
		.on_end = helper_ended,
		.data = decode,
	};

	if (settings_fd < 0)
		return settings_fd;
	decode->job = job_start(&pull->agent->loop, &spec, err);
	return decode->job ? 0 : err->code;
}

static int start_unpack(struct pull *pull, const struct pull_lane *lane, int input_fd, struct err *err)
{
	struct pull_helper *unpack = begin_helper(pull, lane->number, ROLE_UNPACK);
	FD_CLEANUP int settings_fd = unpack_settings(pull, lane, err);
	char stage_fd[8];
	const struct job_spec spec = {
		.argv = (char *[]){ "berth", "unpack", (char *)(uintptr_t)lane->asked->text, stage_fd, NULL },
		.fds = { { .from = input_fd, .to = STDIN_FILENO },
			 { .from = pull->stage.dirfd, .to = UNPACK_STAGE_FD },
			 { .from = settings_fd, .to = UNPACK_SETTINGS_FD } },
		.fd_count = 3,
		.budget = &pull->agent->budget,
		.on_line = unpack_says,
		.on_end = helper_ended,
		.data = unpack,
	};

	if (settings_fd < 0)
		return settings_fd;
	snprintf(stage_fd, sizeof(stage_fd), "%d", UNPACK_STAGE_FD);
	unpack->job = job_start(&pull->agent->loop, &spec, err);
	return unpack->job ? 0 : err->code;
}

int pull_start_head(struct pull *pull, struct err *err)
{
	return start_fetch(pull, NULL, -1, err);
}

/* Wide, so that one helper goes on while the next is busy; a kernel that won't have it gives 64 KiB. */
static int open_pipe(int ends[static 2], struct err *err)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "pipe between helpers");
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

static void close_pipe(int ends[static 2])
{
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

int pull_start_lane(struct pull *pull, const struct pull_lane *lane, struct err *err)
{
	int blobs[2] = { -1, -1 }, plain[2] = { -1, -1 };
	int rc = open_pipe(blobs, err);

	if (!rc)
		rc = open_pipe(plain, err);
	if (!rc)
		rc = start_unpack(pull, lane, plain[0], err);
	if (!rc)
		rc = start_decode(pull, lane, blobs[0], plain[1], err);
	if (!rc)
		rc = start_fetch(pull, lane, blobs[1], err);
	close_pipe(blobs);
	close_pipe(plain);
	return rc;
}

int pull_start_helpers(struct pull *pull, struct err *err)
{
	const struct pull_lane first = { .asked = &pull->result.image };
	int rc = pull_look_at_space(pull, err) ?: stage_open(&pull->stage, &pull->agent->store, err);

	if (rc < 0)
		return rc;
	pull->has_stage = true;
	pull_find_base(pull);
	json_decref(pull->have);
	pull->have = layers_at_hand(pull->agent);
	pull->lane_count = pull_count_lanes(pull->agent->config);
	return pull_start_lane(pull, &first, err);
}

bool pull_has_helpers(const struct pull *pull)
{
	for (size_t lane = 0; lane < LANES_MAX; lane++)
		for (size_t role = 0; role < PULL_ROLES; role++)
			if (pull->helpers[lane][role].job)
				return true;
	return false;
}

void pull_stop_helpers(struct pull *pull)
{
	pull->is_stopping = true;
	for (size_t lane = 0; lane < LANES_MAX; lane++)
		for (size_t role = 0; role < PULL_ROLES; role++)
			if (pull->helpers[lane][role].job)
				job_stop(pull->helpers[lane][role].job);
}
