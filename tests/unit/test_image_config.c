#include <errno.h>
#include <signal.h>

#include "config/image_config.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "tests/unit/test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static int parse(struct image_config **out, const char *text, struct err *err)
{
	*err = ERR_INIT;
	*out = NULL;
	return image_config_parse(out, text, strlen(text), err);
}

static void reads_everything(void)
{
	struct image_config *image;
	struct err err;

	REQUIRE(parse(&image,
		      "{\"architecture\":\"arm\",\"os\":\"linux\",\"variant\":\"v7\","
		      "\"created\":\"2026-01-01T00:00:00Z\",\"author\":\"me\",\"config\":{"
		      "\"User\":\"app:grp\",\"WorkingDir\":\"/srv\",\"StopSignal\":\"SIGINT\","
		      "\"Env\":[\"PATH=/bin\",\"EMPTY=\"],\"Entrypoint\":[\"/init\"],"
		      "\"Cmd\":[\"a\",\"b c\"],"
		      "\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},"
		      "\"Volumes\":{\"/var/lib//x/\":{},\"/data\":{}},"
		      "\"Labels\":{\"z\":\"1\",\"a\":\"\"},"
		      "\"Healthcheck\":{\"Test\":[\"CMD\",\"/check\",\"-q\"],"
		      "\"Interval\":30000000000,"
		      "\"Timeout\":1,\"StartPeriod\":2000000,\"Retries\":5}},"
		      "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D1 "\",\"" D2 "\"]},"
		      "\"history\":[{\"created_by\":\"x\"}]}",
		      &err) == 0);
	CHECK_TEXT(image->platform.architecture, "arm");
	CHECK_TEXT(image->platform.variant, "v7");
	CHECK_TEXT(image->created, "2026-01-01T00:00:00Z");
	CHECK_TEXT(image->author, "me");
	CHECK_TEXT(image->user, "app:grp");
	CHECK_TEXT(image->working_dir, "/srv");
	CHECK_INT(image_config_stop_signal(image), SIGINT);
	CHECK_INT(count_strings(image->env), 2);
	CHECK_TEXT(image->env[1], "EMPTY=");
	CHECK_TEXT(image->entrypoint[0], "/init");
	CHECK_TEXT(image->cmd[1], "b c");
	CHECK_TEXT(image->exposed_ports[0], "53/udp");
	CHECK_TEXT(image->exposed_ports[1], "80/tcp");
	CHECK_TEXT(image->volumes[0], "/data");
	CHECK_TEXT(image->volumes[1], "/var/lib/x");
	CHECK_TEXT(image->labels[0], "a");
	CHECK_TEXT(image_config_label(image, "z"), "1");
	CHECK_TEXT(image_config_label(image, "a"), "");
	CHECK(!image_config_label(image, "1"));
	CHECK_INT(image->diff_id_count, 2);
	CHECK_TEXT(image->diff_ids[1].text, D2);
	CHECK_INT(image->healthcheck.kind, HEALTHCHECK_CMD);
	CHECK_TEXT(image->healthcheck.test[0], "/check");
	CHECK_INT(count_strings(image->healthcheck.test), 2);
	CHECK_INT(image->healthcheck.interval_ms, 30000);
	CHECK_INT(image->healthcheck.timeout_ms, 1);
	CHECK_INT(image->healthcheck.start_ms, 2);
	CHECK_INT(image->healthcheck.retries, 5);
	image_config_free(image);
}

static void fills_in_what_is_absent(void)
{
	static const char *const texts[] = {
		"{\"architecture\":\"amd64\"}",
		"{\"architecture\":\"amd64\",\"config\":{}}",
		"{\"architecture\":\"amd64\",\"config\":null,\"rootfs\":null}",
		("{\"architecture\":\"amd64\",\"config\":{\"Env\":null,\"Cmd\":null,"
		 "\"Volumes\":null,"
		 "\"Labels\":null,\"Healthcheck\":null,\"User\":null}}"),
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct image_config *image;
		struct err err;

		if (!CHECK_INT(parse(&image, texts[i], &err), 0))
			continue;
		CHECK(image->env && !image->env[0]);
		CHECK(image->cmd && !image->cmd[0]);
		CHECK(image->entrypoint && !image->entrypoint[0]);
		CHECK(image->volumes && !image->volumes[0]);
		CHECK(image->labels && !image->labels[0]);
		CHECK(image->exposed_ports && !image->exposed_ports[0]);
		CHECK_TEXT(image->user, "");
		CHECK_TEXT(image->working_dir, "");
		CHECK_TEXT(image->created, "");
		CHECK_TEXT(image->platform.os, "linux");
		CHECK_INT(image->diff_id_count, 0);
		CHECK_INT(image->healthcheck.kind, HEALTHCHECK_ABSENT);
		CHECK_INT(image_config_stop_signal(image), SIGTERM);
		image_config_free(image);
	}
}

/* The kind and argv of a healthcheck, as "kind:a|b|". */
static void check_test(const char *config, const char *expected)
{
	struct buf text = BUF_INIT, found = BUF_INIT;
	struct image_config *image;
	struct err err;

	buf_append_format(&text, "{\"architecture\":\"amd64\",\"config\":{%s}}", config);
	if (parse(&image, buf_text(&text), &err) < 0) {
		buf_append_text(&found, "error");
	} else {
		buf_append_format(&found, "%d:", image->healthcheck.kind);
		for (char **word = image->healthcheck.test; word && *word; word++)
			buf_append_format(&found, "%s|", *word);
		image_config_free(image);
	}
	CHECK_TEXT(buf_text(&found), expected);
	buf_release(&text);
	buf_release(&found);
}

static void healthchecks(void)
{
	check_test("\"Healthcheck\":{}", "0:");
	check_test("\"Healthcheck\":{\"Test\":[]}", "0:");
	check_test("\"Healthcheck\":{\"Test\":[\"NONE\"]}", "1:");
	check_test("\"Healthcheck\":{\"Test\":[\"CMD\",\"a\",\"b\"]}", "2:a|b|");
	check_test("\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"a || b\"]}", "3:/bin/sh|-c|a || b|");
	check_test("\"Shell\":[\"/bin/bash\",\"-ec\"],"
		   "\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"x\"]}",
		   "3:/bin/bash|-ec|x|");
	check_test("\"Healthcheck\":{\"Test\":[\"CMD\"]}", "error");
	check_test("\"Healthcheck\":{\"Test\":[\"CMD-SHELL\"]}", "error");
	check_test("\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"a\",\"b\"]}", "error");
	check_test("\"Healthcheck\":{\"Test\":[\"WHAT\",\"a\"]}", "error");
	check_test("\"Healthcheck\":{\"Test\":[\"CMD\",\"a\"],\"Interval\":-1}", "error");
	check_test("\"Healthcheck\":{\"Test\":[\"CMD\",\"a\"],\"Retries\":-1}", "error");
	check_test("\"Healthcheck\":{\"Test\":[\"CMD\",\"a\"],\"Interval\":9223372036854775807}",
		   "error");
}

static void refuses_with_the_reason(void)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "x", "not valid JSON" },
		{ "{}", "no \"architecture\"" },
		{ "{\"architecture\":1}", "\"architecture\" is not a string" },
		{ "{\"architecture\":\"a-word-that-is-no-architecture-at-all\"}",
		  "longer than 31" },
		{ "{\"architecture\":\"a\",\"config\":[]}", "\"config\" is not an object" },
		{ "{\"architecture\":\"a\",\"config\":{\"Env\":[\"X\"]}}",
		  "Env \"X\" is not NAME=value" },
		{ "{\"architecture\":\"a\",\"config\":{\"Env\":[\"=X\"]}}", "not NAME=value" },
		{ "{\"architecture\":\"a\",\"config\":{\"Env\":[1]}}", "not a string" },
		{ "{\"architecture\":\"a\",\"config\":{\"Volumes\":{\"data\":{}}}}", "absolute" },
		{ "{\"architecture\":\"a\",\"config\":{\"Volumes\":{\"/a/../b\":{}}}}", ".." },
		{ "{\"architecture\":\"a\",\"config\":{\"Volumes\":[\"/a\"]}}", "not an object" },
		{ "{\"architecture\":\"a\",\"config\":{\"Labels\":{\"b\":\"x\",\"a\":1,\"c\":\"y\"}"
		  "}}",
		  "\"a\" is not a string" },
		{ "{\"architecture\":\"a\",\"rootfs\":{\"diff_ids\":[\"x\"]}}",
		  "diff ID 0: a digest" },
		{ "{\"architecture\":\"a\",\"rootfs\":{\"diff_ids\":[null]}}", "not a string" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct image_config *image;
		struct err err;

		CHECK_INT(parse(&image, cases[i].text, &err), -EINVAL);
		CHECK_HAS(err.text, cases[i].reason);
		CHECK(!strncmp(err.text, "image config", 12));
	}
}

static void limits_lists(void)
{
	struct buf text = BUF_INIT;
	struct image_config *image;
	struct err err;

	buf_append_text(&text, "{\"architecture\":\"a\",\"config\":{\"Env\":[\"A=1\"");
	for (int i = 0; i < IMAGE_CONFIG_LIST_MAX; i++)
		buf_append_text(&text, ",\"A=1\"");
	buf_append_text(&text, "]}}");
	CHECK_INT(parse(&image, buf_text(&text), &err), -E2BIG);
	CHECK_HAS(err.text, "Env has more than 4096");
	buf_clear(&text);
	buf_append_text(&text, "{\"architecture\":\"a\",\"rootfs\":{\"diff_ids\":[\"" D1 "\"");
	for (int i = 0; i < MANIFEST_LAYERS_MAX; i++)
		buf_append_text(&text, ",\"" D1 "\"");
	buf_append_text(&text, "]}}");
	CHECK_INT(parse(&image, buf_text(&text), &err), -E2BIG);
	CHECK_HAS(err.text, "at most 128 layers");
	buf_release(&text);
}

static void belongs_to_manifest_and_machine(void)
{
	struct platform amd64 = { "linux", "amd64", "" }, arm64 = { "linux", "arm64", "v8" };
	struct manifest one = { .layer_count = 1 }, two = { .layer_count = 2 };
	struct image_config *image;
	struct err err;

	REQUIRE(parse(&image,
		      "{\"architecture\":\"arm64\",\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[\"" D1
		      "\"]}}",
		      &err) == 0);
	CHECK_INT(image_config_check(image, &one, &arm64, &err), 0);
	CHECK_INT(image_config_check(image, &two, &arm64, &err), -EINVAL);
	CHECK_HAS(err.text, "the image config names 1 layers and the manifest 2");
	CHECK_INT(image_config_check(image, &one, &amd64, &err), -ENOTSUP);
	CHECK_HAS(err.text, "built for linux/arm64 and this device is linux/amd64");
	image_config_free(image);
}

int main(void)
{
	RUN(reads_everything);
	RUN(fills_in_what_is_absent);
	RUN(healthchecks);
	RUN(refuses_with_the_reason);
	RUN(limits_lists);
	RUN(belongs_to_manifest_and_machine);
	return test_end();
}
