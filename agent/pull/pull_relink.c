#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/job.h"
#include "agent/pull/pull_parts.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"

#define STORE_FD 4
#define SETTINGS_FD 6

struct held_layer {
	struct layer_meta meta;
	unsigned int number;
};

int pull_hold_layer(struct pull *pull, const struct layer_meta *meta, unsigned int number, struct err *err)
{
	for (size_t i = 0; i < pull->held_count; i++)
		if (digest_equal(&pull->held[i].meta.diff_id, &meta->diff_id))
			return err_set(err, -EINVAL, "the unpack helper reports layer %s twice",
				       meta->diff_id.text);
	pull->held = xrealloc(pull->held, (pull->held_count + 1) * sizeof(*pull->held));
	pull->held[pull->held_count++] = (struct held_layer){ .meta = *meta, .number = number };
	return 0;
}

json_t *pull_base_json(const struct pull *pull)
{
	json_t *base = json_array();

	for (size_t i = 0; i < pull->base_count; i++)
		json_array_append_new(base, json_string(pull->base[i].text));
	return base;
}

static int settings_file(const struct pull *pull, struct err *err)
{
	json_t *numbers = json_array();
	JSON_CLEANUP json_t *settings = NULL;
	BUF_CLEANUP struct buf text = BUF_INIT;
	int fd;

	for (size_t i = 0; i < pull->held_count; i++)
		json_array_append_new(numbers, json_integer((json_int_t)pull->held[i].number));
	settings = json_pack("{s:s, s:o, s:o}", "stage", pull->stage.name, "layers", numbers, "base",
			     pull_base_json(pull));
	json_append(&text, settings);
	fd = memory_file(text.data, text.size);
	return fd < 0 ? err_code(err, fd, "settings for relink") : fd;
}

/* What it was that can't be linked: the next try does without. A helper that was killed says nothing about that. */
static void commit_held(struct pull *pull, bool was_killed)
{
	struct err *err = &pull->helpers[0][ROLE_RELINK].err;

	if (err->code && !was_killed && !pull->is_cancelled && !space_is_full(err->code)) {
		log_warn("pull %s: unchanged files can't be linked (%s): from now on they are written",
			 pull->name, err->text);
		pull->agent->is_relink_broken = true;
	}
	for (size_t i = 0; i < pull->held_count && !err->code; i++)
		pull_commit_layer(pull, &pull->held[i].meta, pull->held[i].number, err);
	pull->held_count = 0;
}

static void relink_says(struct job *job, char *line, void *data)
{
	(void)job;
	pull_take_error(data, line);
}

static void relink_ended(struct job *job, int status, void *data)
{
	struct pull_helper *relink = data;
	bool was_killed = status && !relink->err.code;

	(void)job;
	pull_take_end(relink, status);
	commit_held(relink->pull, was_killed);
	pull_finish(relink->pull);
}

bool pull_start_relink(struct pull *pull)
{
	struct pull_helper *relink = &pull->helpers[0][ROLE_RELINK];
	FD_CLEANUP int settings_fd = -1;
	char store_fd[8];
	struct job_spec spec = {
		.argv = (char *[]){ "berth", "relink", store_fd, NULL },
		.fds = { { .from = pull->agent->store.dirfd, .to = STORE_FD },
			 { .to = SETTINGS_FD } },
		.fd_count = 2,
		.budget = &pull->agent->budget,
		.on_line = relink_says,
		.on_end = relink_ended,
		.data = relink,
	};

	if (!pull->held_count || pull->is_cancelled)
		return false;
	*relink = (struct pull_helper){ .pull = pull, .role = ROLE_RELINK };
	snprintf(store_fd, sizeof(store_fd), "%d", STORE_FD);
	settings_fd = settings_file(pull, &relink->err);
	if (settings_fd < 0)
		return false;
	spec.fds[1].from = settings_fd;
	pull_watch(pull, PULL_STALL_MS);
	relink->job = job_start(&pull->agent->loop, &spec, &relink->err);
	return relink->job;
}
