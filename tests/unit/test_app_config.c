/* The JSON form of an app, its digest, health checks. The keys themselves: test_agent_config.c. */
#include <errno.h>
#include <stdlib.h>

#include "config/app_config.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "tests/unit/test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Every key once, so that each has to survive. */
static const char full[] =
	"{\"name\":\"sensor\",\"image\":\"a.io/x:1\",\"command\":\"/bin/x 'a b' ''\","
	"\"env\":[\"A=1\",\"B=\",\"C=a=b; \xc3\xa9\"],\"volume\":[\"data:/data\",\"v:/v:ro\"],"
	"\"bind\":[\"/a:/b:ro\"],\"device\":[\"/dev/a:/dev/b:rm\"],\"network\":\"lan\","
	"\"hostname\":\"box\",\"publish\":[\"8080:80/tcp\",\"[::1]:5000-5009:6000-6009/udp\"],"
	"\"dns\":[\"192.0.2.1\"],\"dns_search\":[\"example.com\"],\"dns_option\":[\"ndots:1\"],"
	"\"extra_host\":[\"plc:fd00::7\"],"
	"\"memory\":\"67108864\",\"cpus\":\"1.250\",\"pids\":\"9\",\"restart\":\"on-failure:3\","
	"\"health\":\"exec /check -q\",\"health_interval\":\"20s\",\"health_timeout\":\"2s\","
	"\"health_retries\":\"4\",\"health_start\":\"0s\",\"probation\":\"90s\",\"update\":"
	"\"manual\"}";

/* The same with the keys that the first version had. */
static const char first[] =
	"{\"name\":\"sensor\",\"image\":\"a.io/x:1\",\"command\":\"/bin/x 'a b' ''\","
	"\"env\":[\"A=1\",\"B=\",\"C=a=b; \xc3\xa9\"],\"volume\":[\"data:/data\",\"v:/v:ro\"],"
	"\"bind\":[\"/a:/b:ro\"],\"device\":[\"/dev/a:/dev/b:rm\"],\"network\":\"none\","
	"\"memory\":\"67108864\",\"cpus\":\"1.250\",\"pids\":\"9\",\"restart\":\"on-failure:3\","
	"\"health\":\"exec /check -q\",\"health_interval\":\"20s\",\"health_timeout\":\"2s\","
	"\"health_retries\":\"4\",\"health_start\":\"0s\",\"probation\":\"90s\",\"update\":"
	"\"manual\"}";

/*
 * The keys that berth learned later, which are written only when given; in two apps, as some
 * contradict each other.
 */
static const char confined[] =
	"{\"name\":\"a\",\"image\":\"b\",\"env\":[],\"volume\":[],\"bind\":[],\"device\":[],"
	"\"network\":\"none\",\"memory\":\"67108864\",\"memory_swap\":\"134217728\","
	"\"memory_reservation\":\"33554432\",\"cpu_shares\":\"512\",\"cpuset\":\"0-2,4\","
	"\"blkio_weight\":\"300\",\"restart\":\"always\",\"health\":\"image\",\"probation\":"
	"\"60s\",\"update\":\"auto\",\"user\":\"app:grp\",\"workdir\":\"/srv\",\"entrypoint\":"
	"\"/bin/x 'a b'\",\"group_add\":[\"dialout\",\"44\"],\"label\":[\"a=b\",\"c=\"],"
	"\"ulimit\":[\"nofile=1024:2048\",\"core=0:-1\"],\"init\":\"yes\",\"stdin\":\"yes\","
	"\"tty\":\"yes\",\"oom_score_adj\":\"-500\","
	"\"stop_signal\":\"SIGINT\",\"stop_timeout\":\"30s\",\"no_new_privileges\":\"no\","
	"\"userns\":\"auto\",\"cap_add\":[\"CAP_NET_ADMIN\",\"CAP_SYS_TIME\"],\"cap_drop\":[\"ALL\"],"
	"\"sysctl\":[\"net.core.somaxconn=1024\",\"kernel.sem=250 32000 32 128\"],\"seccomp\":\"default\",\"tmpfs\":["
	"\"/scratch:size=1M,mode=1777\",\"/x\"],\"shm_size\":\"1048576\",\"writable_size\":"
	"\"67108864\"}";
static const char powerful[] =
	"{\"name\":\"a\",\"image\":\"b\",\"env\":[],\"volume\":[],\"bind\":[],\"device\":[],"
	"\"network\":\"host\",\"memory\":\"67108864\",\"memory_swap\":\"unlimited\",\"restart\":"
	"\"always\",\"health\":\"image\",\"probation\":\"60s\",\"update\":\"auto\",\"privileged\":"
	"\"yes\",\"pid\":\"host\",\"ipc\":\"host\",\"read_only\":\"yes\",\"writable\":\"none\"}";

static int from_text(struct app_config **app, const char *text, struct err *err)
{
	json_t *json = NULL;
	int rc;

	*err = ERR_INIT;
	*app = NULL;
	if (json_parse(&json, text, strlen(text), "test", err) < 0)
		return test_fail(__FILE__, __LINE__, "%s", err->text), -EIO;
	rc = app_config_from_json(app, json, err);
	json_decref(json);
	return rc;
}

static char *to_text(const struct app_config *app)
{
	json_t *json = app_config_to_json(app);
	struct buf text = BUF_INIT;

	json_append(&text, json);
	json_decref(json);
	return buf_steal(&text);
}

static void check_round_trip(const char *text)
{
	struct app_config *app;
	struct err err;
	char *again;

	if (!CHECK_INT(from_text(&app, text, &err), 0)) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
		return;
	}
	again = to_text(app);
	CHECK_TEXT(again, text);
	free(again);
	app_config_free(app);
}

static void survives_a_round_trip(void)
{
	check_round_trip(full);
	check_round_trip(confined);
	check_round_trip(powerful);
	check_round_trip("{\"name\":\"a\",\"image\":\"b\",\"env\":[],\"volume\":[],\"bind\":[],"
			 "\"device\":[],\"network\":\"container:b\",\"restart\":\"always\","
			 "\"health\":\"image\",\"probation\":\"60s\",\"update\":\"auto\","
			 "\"writable\":\"tmpfs:16777216\"}");
}

/* A key that is read but not written would be lost with the next record. */
static void writes_every_key(void)
{
	static const char *const texts[] = { full, confined, powerful };
	const struct key_table *table = app_config_keys();
	size_t known = 0;
	json_t *all = json_object();

	for (size_t i = 0; i < COUNT(texts); i++)
		json_object_update_new(all, json_loads(texts[i], 0, NULL));
	for (size_t i = 0; i < table->count; i++) {
		if (!table->keys[i].set)
			continue;
		known++;
		if (!json_object_get(all, table->keys[i].name))
			test_fail(__FILE__, __LINE__, "%s is not in the test", table->keys[i].name);
	}
	CHECK_INT(json_object_size(all), known + 1);
	json_decref(all);
}

static void copies(void)
{
	struct app_config *app, *copy;
	struct digest a, b;
	struct err err;
	char *text;

	REQUIRE(CHECK_INT(from_text(&app, full, &err), 0));
	copy = app_config_copy(app);
	app_config_digest(app, &a);
	app_config_free(app);
	app_config_digest(copy, &b);
	CHECK(digest_equal(&a, &b));
	CHECK_TEXT(copy->ref.registry, "a.io");
	text = to_text(copy);
	CHECK_TEXT(text, full);
	free(text);
	app_config_free(copy);
}

static void skips_what_it_does_not_know(void)
{
	struct app_config *app;
	struct err err;

	CHECK_INT(from_text(&app,
			    "{\"name\":\"a\",\"image\":\"b\",\"later\":{\"x\":1},\"group\":["
			    "\"1:1\"]}",
			    &err),
		  0);
	CHECK_TEXT(app ? app->image : NULL, "b");
	app_config_free(app);
}

static void refuses_bad_members(void)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "{}", "no \"name\"" },
		{ "{\"name\":1}", "\"name\" is not a string" },
		{ "{\"name\":\"../x\",\"image\":\"b\"}", "a name has" },
		{ "{\"name\":\"a\"}", "settings of app a: no image" },
		{ "{\"name\":\"a\",\"image\":\"B\"}", "settings of app a: image = B: " },
		{ "{\"name\":\"a\",\"image\":\"b\",\"memory\":64}", "memory is not a text" },
		{ "{\"name\":\"a\",\"image\":\"b\",\"memory\":\"64Q\"}",
		  "memory = 64Q: not a size" },
		{ "{\"name\":\"a\",\"image\":\"b\",\"env\":\"A=1\"}", "env is not an array" },
		{ "{\"name\":\"a\",\"image\":\"b\",\"env\":[\"A=1\",2]}", "env is not a text" },
		{ "{\"name\":\"a\",\"image\":\"b\",\"volume\":[\"/x:/y\"]}", "use bind" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct app_config *app;
		struct err err;

		CHECK_INT(from_text(&app, cases[i].text, &err), -EINVAL);
		CHECK_HAS(err.text, cases[i].reason);
		CHECK(!app);
	}
}

/* Sets a key of `full` and tells whether the digest changes. */
static bool changes_digest(const char *key, json_t *value)
{
	json_t *json = json_loads(full, 0, NULL);
	struct app_config *before, *after;
	struct digest a, b;
	struct err err;

	CHECK_INT(app_config_from_json(&before, json, &err), 0);
	json_object_set_new(json, key, value);
	if (!CHECK_INT(app_config_from_json(&after, json, &err), 0))
		return false;
	app_config_digest(before, &a);
	app_config_digest(after, &b);
	app_config_free(before);
	app_config_free(after);
	json_decref(json);
	return !digest_equal(&a, &b);
}

static void digest_names_how_it_runs(void)
{
	CHECK(!changes_digest("image", json_string("a.io/x:2")));
	CHECK(!changes_digest("update", json_string("auto")));
	CHECK(!changes_digest("memory", json_string("64M"))); /* the same size, written otherwise */
	CHECK(changes_digest("memory", json_string("65M")));
	CHECK(changes_digest("command", json_string("/bin/y")));
	CHECK(changes_digest("env", json_pack("[s,s]", "B=", "A=1")));
	CHECK(changes_digest("health", json_string("none")));
	CHECK(changes_digest("name", json_string("other")));
}

/* A record's digest must not change from one version of berth to the next: apps would restart. */
static void digest_is_stable(void)
{
	struct app_config *app;
	struct digest digest;
	struct err err;

	REQUIRE(CHECK_INT(from_text(&app, first, &err), 0));
	app_config_digest(app, &digest);
	CHECK_TEXT(digest.text,
		   "sha256:ea5afa4f153ff09ac3cc162777fd088401bc30025ce0f2d62e96bfc4edc95c41");
	app_config_free(app);
}

/* Text in, "kind host port path argv|..." and text out. */
static void health_checks(void)
{
	static const struct {
		const char *text, *found, *again;
	} cases[] = {
		{ "image", "0 - 0 -", "image" },
		{ "none", "1 - 0 -", "none" },
		{ "http://:8080/healthz", "2 127.0.0.1 8080 /healthz",
		  "http://127.0.0.1:8080/healthz" },
		{ "http://:8080", "2 127.0.0.1 8080 /", "http://127.0.0.1:8080/" },
		{ "http://web/x?y=%20", "2 web 80 /x?y=%20", "http://web:80/x?y=%20" },
		{ "http://web?y", "2 web 80 /?y", "http://web:80/?y" },
		{ "http:///x", "2 127.0.0.1 80 /x", "http://127.0.0.1:80/x" },
		{ "http://[::1]:81/", "2 ::1 81 /", "http://[::1]:81/" },
		{ "http://[fe80::1]/", "2 fe80::1 80 /", "http://[fe80::1]:80/" },
		{ "tcp://:5432", "3 127.0.0.1 5432 -", "tcp://127.0.0.1:5432" },
		{ "tcp://db:1", "3 db 1 -", "tcp://db:1" },
		{ "exec /check 'a b'", "4 - 0 - /check|a b|", "exec /check 'a b'" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct health health;
		struct buf found = BUF_INIT;
		struct err err;
		char *again;

		if (!CHECK_INT(health_parse(&health, cases[i].text, &err), 0))
			continue;
		buf_append_format(&found, "%d %s %d %s", (int)health.kind,
				  health.host ? health.host : "-", health.port,
				  health.path ? health.path : "-");
		for (char **word = health.argv; word && *word; word++)
			buf_append_format(&found, "%s%s|", word == health.argv ? " " : "", *word);
		CHECK_TEXT(buf_text(&found), cases[i].found);
		again = health_format(&health);
		CHECK_TEXT(again, cases[i].again);
		free(again);
		buf_release(&found);
		health_release(&health);
	}
}

static void health_checks_that_are_none(void)
{
	static const char *const wrong[] = {
		"",
		"images",
		"http",
		"http://:0/",
		"http://:65536/",
		"http://:x/",
		"http://a b/",
		"http://:80/a b",
		"http://:80/\r\nX:",
		"http://:80/#x",
		"http://::1:80/",
		"http://[::1/",
		"http://[web]:80/",
		"tcp://",
		"tcp://web",
		"tcp://:1/x",
		"exec",
		"exec ",
		"execute x",
		"exec 'a",
		"ftp://x",
		"http://u@h/",
		"http://:80/\xc3\xa9",
	};
	struct health health = { 0 };

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct err err = ERR_INIT;

		if (!CHECK_INT(health_parse(&health, wrong[i], &err), -EINVAL))
			test_fail(__FILE__, __LINE__, "that was %s", wrong[i]);
		CHECK(err.text[0]);
	}
	CHECK_INT(health_parse(&health, "https://x/", NULL), -ENOTSUP);
}

static void health_timing_comes_from_three_places(void)
{
	struct image_config image = {
		.healthcheck = { .kind = HEALTHCHECK_CMD, .interval_ms = 30000, .retries = 7 },
	};
	struct health_timing timing;
	struct app_config app;

	app_config_init(&app, "a");
	app_config_health_timing(&app, &image, &timing);
	CHECK_INT(timing.interval_ms, 30000);
	CHECK_INT(timing.retries, 7);
	CHECK_INT(timing.timeout_ms, HEALTH_TIMEOUT_MS);
	CHECK_INT(timing.start_ms, HEALTH_START_MS);
	app.health_given = (struct health_timing){ 5000, -1, 0, 2 };
	app_config_health_timing(&app, &image, &timing);
	CHECK_INT(timing.interval_ms, 5000);
	CHECK_INT(timing.retries, 2);
	CHECK_INT(timing.start_ms, 0);
	app.health_given = (struct health_timing){ -1, -1, -1, -1 };
	image.healthcheck.interval_ms = 1;
	app_config_health_timing(&app, &image, &timing);
	CHECK_INT(timing.interval_ms, 1000);
	app.health.kind = HEALTH_TCP; /* the image's check isn't used, nor its times */
	app_config_health_timing(&app, &image, &timing);
	CHECK_INT(timing.interval_ms, HEALTH_INTERVAL_MS);
	CHECK_INT(timing.retries, HEALTH_RETRIES);
	app_config_release(&app);
}

int main(void)
{
	RUN(survives_a_round_trip);
	RUN(writes_every_key);
	RUN(copies);
	RUN(skips_what_it_does_not_know);
	RUN(refuses_bad_members);
	RUN(digest_names_how_it_runs);
	RUN(digest_is_stable);
	RUN(health_checks);
	RUN(health_checks_that_are_none);
	RUN(health_timing_comes_from_three_places);
	return test_end();
}
