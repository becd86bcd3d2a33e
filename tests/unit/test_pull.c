/* What an unpack helper that was taken over may make the agent do: nothing twice. */
#include <errno.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/pull_parts.h"
#include "lib/json.h"
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

int main(void)
{
	RUN(there_is_one_plan);
	RUN(a_layer_is_held_once);
	return test_end();
}
