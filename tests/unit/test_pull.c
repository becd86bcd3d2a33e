/* What helpers that were taken over may make the agent do: nothing twice. And those that hang. This program is the helper. */
// QEMU: no, it executes itself, which qemu-user does not do without binfmt
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/job.h"
#include "agent/pull/pull_parts.h"
#include "lib/json.h"
#include "lib/time.h"
#include "tests/unit/test.h"

static void there_is_one_plan(void)
{
	JSON_CLEANUP json_t *layers = json_array();
	struct digest known = { .text = "sha256:1" };
	struct pull pull = { .plan = &known, .plan_count = 1 };
	struct err err = ERR_INIT;

	CHECK_INT(pull_take_plan(&pull, layers, &err), -EINVAL);
	CHECK(pull.plan == &known);
}

#define ASKED "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define OTHER "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static void a_digest_stands_for_itself(void)
{
	struct pull pull = { .plan = NULL };
	struct err err = ERR_INIT;

	CHECK_INT(reference_parse(&pull.request.reference, "a.example/app:v1", &err), 0);
	CHECK_INT(pull_take_digest(&pull, OTHER, &err), 0);
	CHECK_TEXT(pull.result.image.text, OTHER);
	CHECK_INT(reference_parse(&pull.request.reference, "a.example/app@" ASKED, &err), 0);
	pull.result.image = DIGEST_NONE;
	CHECK_INT(pull_take_digest(&pull, OTHER, &err), -EBADMSG);
	CHECK_HAS(err.text, OTHER " when asked for " ASKED);
	CHECK_INT(pull_take_digest(&pull, "sha256:1", &err), -EBADMSG);
	CHECK(digest_is_none(&pull.result.image));
	CHECK_INT(pull_take_digest(&pull, ASKED, &err), 0);
	CHECK_TEXT(pull.result.image.text, ASKED);
}

static void a_layer_is_held_once(void)
{
	struct layer_meta one = { .diff_id.text = "sha256:1" }, two = { .diff_id.text = "sha256:2" };
	struct pull pull = { .plan = NULL };
	struct err err = ERR_INIT;

	CHECK_INT(pull_hold_layer(&pull, &one, 0, &err), 0);
	CHECK_INT(pull_hold_layer(&pull, &two, 1, &err), 0);
	CHECK_INT(pull_hold_layer(&pull, &one, 2, &err), -EINVAL);
	CHECK_INT((int)pull.held_count, 2);
	free(pull.held);
}

static struct agent agent;

static void ended(struct job *job, int status, void *data)
{
	struct pull_helper *helper = data;

	(void)job;
	pull_take_end(helper, status);
	if (!pull_has_helpers(helper->pull))
		loop_stop(&agent.loop);
}

static void reported(struct job *job, char *line, void *data)
{
	struct pull_helper *helper = data;

	(void)job, (void)line;
	pull_moves(helper->pull);
}

static void start(struct pull *pull, enum pull_role role, const char *what)
{
	struct pull_helper *helper = &pull->helpers[0][role];
	struct job_spec spec = {
		.argv = (char *[]){ "berth", "helper", (char *)(uintptr_t)what, NULL },
		.on_line = reported,
		.on_end = ended,
		.data = helper,
	};
	struct err err = ERR_INIT;

	*helper = (struct pull_helper){ .pull = pull, .role = role };
	helper->job = job_start(&agent.loop, &spec, &err);
	REQUIRE(helper->job);
}

/* One that talks for a second keeps the other one, which says nothing, alive as long, and no longer. */
static void what_does_not_move_is_stopped(void)
{
	struct pull pull = { .agent = &agent };
	struct err err = ERR_INIT;
	int64_t begin_ms = time_monotonic_ms();

	CHECK_INT(loop_init(&agent.loop, &err), 0);
	start(&pull, ROLE_FETCH, "talk");
	start(&pull, ROLE_DECODE, "hang");
	pull_watch(&pull, 2000);
	loop_run(&agent.loop);
	CHECK(time_monotonic_ms() - begin_ms >= 2900);
	CHECK_INT(pull.result.err.code, -ETIMEDOUT);
	CHECK_INT(pull.helpers[0][ROLE_FETCH].err.code, 0);
	CHECK(pull.helpers[0][ROLE_DECODE].err.code && pull.helpers[0][ROLE_DECODE].is_echo);
	pull_watch_end(&pull);
	loop_release(&agent.loop);
}

static int helper(const char *what)
{
	for (int i = 0; i < 10 && !strcmp(what, "talk"); i++) {
		usleep(100000);
		if (write(JOB_REPORT_FD, "{}\n", 3) != 3)
			return 1;
	}
	if (!strcmp(what, "hang"))
		sleep(60);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "helper"))
		return helper(argv[2]);
	RUN(there_is_one_plan);
	RUN(a_digest_stands_for_itself);
	RUN(a_layer_is_held_once);
	RUN(what_does_not_move_is_stopped);
	return test_end();
}
