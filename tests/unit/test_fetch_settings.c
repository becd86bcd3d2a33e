/* Credentials out of a docker config.json. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/pull/fetch_settings.h"
#include "lib/json.h"
#include "test.h"

static int find(const char *text, const char *registry, char *pair, size_t size, struct err *err)
{
	JSON_CLEANUP json_t *found = NULL;
	int rc = credentials_parse(text, strlen(text), registry, &found, err);

	if (rc > 0)
		snprintf(pair, size, "%s %s", json_string_value(json_object_get(found, "username")),
			 json_string_value(json_object_get(found, "password")));
	return rc;
}

static void both_forms_are_read(void)
{
	static const char text[] =
		"{\"auths\":{\"a.example:5000\":{\"auth\":\"dXNlcjpwYTpzcw==\"},"
		"\"https://index.docker.io/v1/\":{\"username\":\"u\",\"password\":\"p\"}}}";
	char pair[64] = "";
	struct err err = ERR_INIT;

	CHECK_INT(find(text, "a.example:5000", pair, sizeof(pair), &err), 1);
	CHECK_TEXT(pair, "user pa:ss");
	CHECK_INT(find(text, "docker.io", pair, sizeof(pair), &err), 1);
	CHECK_TEXT(pair, "u p");
	CHECK_INT(find(text, "a.example", pair, sizeof(pair), &err), 0);
	CHECK_INT(find("{}", "a.example", pair, sizeof(pair), &err), 0);
}

static void what_is_broken_is_told(void)
{
	char pair[64];
	struct err err = ERR_INIT;

	CHECK_INT(find("{\"auths\":{\"a.b\":{\"auth\":\"!\"}}}", "a.b", pair, sizeof(pair), &err),
		  -EINVAL);
	CHECK_HAS(err.text, "not base64");
	CHECK_INT(find("{\"auths\":{\"a.b\":{\"auth\":\"dXNlcg==\"}}}", "a.b", pair, sizeof(pair), &err),
		  -EINVAL);
	CHECK_INT(find("{\"auths\":[]}", "a.b", pair, sizeof(pair), &err), -EINVAL);
	CHECK_INT(find("{\"credsStore\":\"desktop\"}", "a.b", pair, sizeof(pair), &err), -EINVAL);
	CHECK_HAS(err.text, "credential helpers");
}

/* An empty file is what a power cut may leave of a private CA: the system's must not do instead. */
static void an_empty_ca_is_an_error(void)
{
	char path[] = "/tmp/test_fetch_settings.XXXXXX";
	struct registry_config registry = { .host = "a.example", .ca = path };
	struct agent_config config = { .registries = &registry, .registry_count = 1 };
	struct reference reference;
	struct err err = ERR_INIT;
	json_t *settings = NULL;
	int fd = mkstemp(path);

	REQUIRE(fd >= 0 && reference_parse(&reference, "a.example/b", &err) == 0);
	close(fd);
	CHECK_INT(fetch_settings(&config, &(struct fetch_request){ .reference = &reference }, &settings, &err), -EINVAL);
	CHECK_HAS(err.text, "there is no PEM certificate in it");
	CHECK(!settings);
	unlink(path);
}

int main(void)
{
	RUN(both_forms_are_read);
	RUN(what_is_broken_is_told);
	RUN(an_empty_ca_is_an_error);
	return test_end();
}
