#include "agent/api/filters.h"
#include "lib/json.h"
#include "tests/unit/test.h"

#include <errno.h>

static json_t *filters;
static struct err err;

static int parse(const char *text)
{
	static const char *const known[] = { "name", "label", "status", NULL };
	struct target target = { .parameters = { { "filters", text } }, .parameter_count = 1 };

	json_cleanup(&filters);
	err = ERR_INIT;
	return filters_parse(&filters, &target, known, &err);
}

static void both_forms_mean_the_same(void)
{
	REQUIRE(parse("{\"status\":[\"running\",\"paused\"]}") == 0);
	CHECK(filters_equal(filters, "status", "running"));
	CHECK(filters_equal(filters, "status", "PAUSED"));
	CHECK(!filters_equal(filters, "status", "exited"));
	CHECK(filters_equal(filters, "name", "whatever"));
	REQUIRE(parse("{\"status\":{\"running\":true,\"exited\":false}}") == 0);
	CHECK(filters_equal(filters, "status", "running"));
	CHECK(!filters_equal(filters, "status", "exited"));
	REQUIRE(parse("") == 0);
	CHECK(filters_equal(filters, "status", "exited"));
}

static void names_match_by_part_and_prefix(void)
{
	REQUIRE(parse("{\"name\":[\"/sens\"]}") == 0);
	CHECK(filters_within(filters, "name", "my-sensor"));
	CHECK(!filters_within(filters, "name", "broker"));
	REQUIRE(parse("{\"name\":[\"sens\"]}") == 0);
	CHECK(filters_prefix(filters, "name", "sensor"));
	CHECK(!filters_prefix(filters, "name", "my-sensor"));
}

static void all_labels_have_to_be_there(void)
{
	char *labels[] = { "a", "1", "b", "", NULL };

	REQUIRE(parse("{\"label\":[\"a\",\"b\"]}") == 0);
	CHECK(filters_labels(filters, labels));
	REQUIRE(parse("{\"label\":[\"a=1\"]}") == 0);
	CHECK(filters_labels(filters, labels));
	REQUIRE(parse("{\"label\":[\"a=1\",\"c\"]}") == 0);
	CHECK(!filters_labels(filters, labels));
	REQUIRE(parse("{\"label\":[\"a=2\"]}") == 0);
	CHECK(!filters_labels(filters, labels));
	CHECK(!filters_labels(filters, NULL));
}

static void nothing_is_ignored(void)
{
	CHECK_INT(parse("{\"colour\":[\"red\"]}"), -EINVAL);
	CHECK_TEXT(err.text, "invalid filter 'colour'; use name, label or status");
	CHECK_INT(parse("{\"name\":\"x\"}"), -EINVAL);
	CHECK_INT(parse("{\"name\":[1]}"), -EINVAL);
	CHECK_INT(parse("{\"name\":{\"x\":1}}"), -EINVAL);
	CHECK_INT(parse("[]"), -EINVAL);
	CHECK_INT(parse("{"), -EINVAL);
}

int main(void)
{
	RUN(both_forms_mean_the_same);
	RUN(names_match_by_part_and_prefix);
	RUN(all_labels_have_to_be_there);
	RUN(nothing_is_ignored);
	json_cleanup(&filters);
	return test_end();
}
