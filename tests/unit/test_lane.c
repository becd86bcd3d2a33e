/* How layers are dealt out to several chains of helpers. */
#include <errno.h>

#include "agent/helper/lane.h"
#include "lib/json.h"
#include "tests/unit/test.h"

#define COUNT 6

static struct descriptor layers[COUNT];
static struct digest diff_ids[COUNT];
static const struct manifest manifest = { .layers = layers, .layer_count = COUNT };
static struct image_config config = { .diff_ids = diff_ids, .diff_id_count = COUNT };
static bool has[COUNT];

static void make(const int64_t sizes[static COUNT])
{
	for (size_t i = 0; i < COUNT; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%zu", i);
		digest_of(&diff_ids[i], name, strlen(name));
		layers[i].size = sizes[i];
		has[i] = false;
	}
}

/* "01234-": for each layer the lane that has it. */
static const char *deal(unsigned int count)
{
	static char text[COUNT + 1];

	memset(text, '-', COUNT);
	for (unsigned int number = 0; number < count; number++) {
		bool mine[COUNT];

		lane_deal(&(struct lane){ number, count }, &manifest, &config, has, mine);
		for (size_t i = 0; i < COUNT; i++)
			if (mine[i])
				text[i] = text[i] == '-' ? (char)('0' + number) : '!';
	}
	return text;
}

static void each_layer_has_one_lane(void)
{
	make((int64_t[]){ 10, 90, 20, 30, 40, 50 });
	CHECK_TEXT(deal(1), "000000");
	CHECK_TEXT(deal(2), "101011");
	CHECK_TEXT(deal(3), "101221");
	CHECK_TEXT(deal(8), "504321");
}

static void what_is_there_has_none(void)
{
	make((int64_t[]){ 10, 10, 10, 10, 10, 10 });
	has[0] = has[4] = true;
	diff_ids[3] = diff_ids[1];
	CHECK_TEXT(deal(2), "-01--0");
	has[1] = has[2] = has[5] = true;
	CHECK_TEXT(deal(8), "------");
}

static void empty_layers_are_spread_too(void)
{
	make((int64_t[]){ 0, 0, 0, 0, 0, 0 });
	CHECK_TEXT(deal(3), "012012");
}

static int read_lane(const char *text, struct lane *lane, struct err *err)
{
	JSON_CLEANUP json_t *json = json_loads(text, 0, NULL);

	return lane_read(lane, json, err);
}

static void settings_are_checked(void)
{
	struct lane lane = { 9, 9 };
	struct err err = ERR_INIT;

	CHECK_INT(read_lane("{}", &lane, &err), 0);
	CHECK(lane.number == 0 && lane.count == 1);
	CHECK_INT(read_lane("{\"lane\":{\"number\":7,\"count\":8}}", &lane, &err), 0);
	CHECK(lane.number == 7 && lane.count == 8);
	CHECK_INT(read_lane("{\"lane\":{\"number\":8,\"count\":9}}", &lane, &err), -EINVAL);
	CHECK_INT(read_lane("{\"lane\":{\"number\":2,\"count\":2}}", &lane, &err), -EINVAL);
	CHECK_INT(read_lane("{\"lane\":{\"number\":-1,\"count\":2}}", &lane, &err), -EINVAL);
	CHECK_INT(read_lane("{\"lane\":{\"number\":0,\"count\":0}}", &lane, &err), -EINVAL);
	CHECK_INT(read_lane("{\"lane\":7}", &lane, &err), -EINVAL);
}

int main(void)
{
	RUN(each_layer_has_one_lane);
	RUN(what_is_there_has_none);
	RUN(empty_layers_are_spread_too);
	RUN(settings_are_checked);
	return test_end();
}
