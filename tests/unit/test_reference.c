#include <errno.h>

#include "config/reference.h"
#include "tests/unit/test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIGEST "sha256:" HEX
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A128 A64 A64

/* What docker makes of each, from the tests of distribution/reference and by hand. */
static void normalises_as_docker_does(void)
{
	static const struct {
		const char *text, *canonical, *familiar;
	} cases[] = {
		{ "busybox", "docker.io/library/busybox:latest", "busybox:latest" },
		{ "busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36" },
		{ "docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest" },
		{ "docker.io/library/busybox", "docker.io/library/busybox:latest",
		  "busybox:latest" },
		{ "index.docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest" },
		{ "library/busybox", "docker.io/library/busybox:latest", "busybox:latest" },
		{ "grafana/loki:2", "docker.io/grafana/loki:2", "grafana/loki:2" },
		{ "library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest" },
		{ "localhost", "docker.io/library/localhost:latest", "localhost:latest" },
		{ "localhost/a", "localhost/a:latest", "localhost/a:latest" },
		{ "localhost:5000/a/b:t", "localhost:5000/a/b:t", "localhost:5000/a/b:t" },
		{ "Fleet/a", "Fleet/a:latest", "Fleet/a:latest" },
		{ "a.b/c", "a.b/c:latest", "a.b/c:latest" },
		{ "127.0.0.1:5000/x", "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x:latest" },
		{ "[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest" },
		{ "[fe80::1]/x", "[fe80::1]/x:latest", "[fe80::1]/x:latest" },
		{ "a@" DIGEST, "docker.io/library/a@" DIGEST, "a@" DIGEST },
		{ "a.io/b:c@" DIGEST, "a.io/b:c@" DIGEST, "a.io/b:c@" DIGEST },
		{ "docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest" },
		{ "docker.io/localhost/c", "docker.io/localhost/c:latest",
		  "docker.io/localhost/c:latest" },
		{ "a_b/c__d/e---f.g", "docker.io/a_b/c__d/e---f.g:latest",
		  "a_b/c__d/e---f.g:latest" },
		{ "a:_T.-x", "docker.io/library/a:_T.-x", "a:_T.-x" },
		{ "a:" A128, "docker.io/library/a:" A128, "a:" A128 },
		{ "oci:latest", "docker.io/library/oci:latest", "oci:latest" },
		{ "oci-archive:latest", "docker.io/library/oci-archive:latest", "oci-archive:latest" },
		{ "oci:5000/a", "oci:5000/a:latest", "oci:5000/a:latest" },
		{ "oci:/media/usb/fleet:sensor", "oci:/media/usb/fleet:sensor", "oci:/media/usb/fleet:sensor" },
		{ "oci:/a b/\xc3\xa9@x:app:v1", "oci:/a b/\xc3\xa9@x:app:v1", "oci:/a b/\xc3\xa9@x:app:v1" },
		{ "oci-archive:/media/a.tar:v1", "oci-archive:/media/a.tar:v1", "oci-archive:/media/a.tar:v1" },
		{ "foo/" HEX, "docker.io/foo/" HEX ":latest", "foo/" HEX ":latest" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[REFERENCE_TEXT_SIZE];
		struct err err = ERR_INIT;
		struct reference ref, again;

		if (!CHECK_INT(reference_parse(&ref, cases[i].text, &err), 0)) {
			test_fail(__FILE__, __LINE__, "%s", err.text);
			continue;
		}
		reference_familiar(&ref, text);
		CHECK_TEXT(text, cases[i].familiar);
		reference_format(&ref, text);
		CHECK_TEXT(text, cases[i].canonical);
		CHECK_INT(reference_parse(&again, text, &err), 0);
		CHECK(reference_equal(&ref, &again));
	}
}

static void refuses_with_the_rule(void)
{
	static const struct {
		const char *text, *rule;
	} cases[] = {
		{ "", "empty" },
		{ HEX, "image ID" },
		{ "Busybox", "lower-case" },
		{ "docker.io/Busybox", "lower-case" },
		{ "a:", "tag" },
		{ "a:.x", "tag" },
		{ "a:-x", "tag" },
		{ "a:b:c", "tag" },
		{ "a:" A128 "a", "tag" },
		{ "a@sha256:abc", "64 hex digits" },
		{ "a@sha512:" HEX HEX, "only sha256" },
		{ "a@", "digest" },
		{ "a@b@c", "digest" },
		{ "a//b", "repository" },
		{ "/a", "repository" },
		{ "a/", "repository" },
		{ "-a", "repository" },
		{ "a-", "repository" },
		{ "a___b", "repository" },
		{ "a..b", "repository" },
		{ "a._b", "repository" },
		{ "a b", "repository" },
		{ "a\n", "repository" },
		{ "caf\xc3\xa9", "repository" },
		{ "a:5000x/b", "HOST[:PORT]" },
		{ "a:0/b", "HOST[:PORT]" },
		{ "a:65536/b", "HOST[:PORT]" },
		{ "-a.b/c", "HOST[:PORT]" },
		{ "a..b/c", "HOST[:PORT]" },
		{ "[::1/b", "HOST[:PORT]" },
		{ "[::1]x/b", "HOST[:PORT]" },
		{ "[]:1/b", "HOST[:PORT]" },
		{ "http://a.b/c", "scheme" },
		{ "oci:/media/usb", "add :TAG" },
		{ "oci:media/usb:a", "begins with /" },
		{ "oci-archive:./usb.tar:a", "begins with /" },
		{ "oci:/media/usb:", "the tag of a layout" },
		{ "oci:/media/usb:-a", "the tag of a layout" },
		{ "oci:/media/usb:" A128 "a", "the tag of a layout" },
		{ "oci:/media/\n:a", "control characters" },
		{ "oci:/media/\xff:a", "UTF-8" },
		{ "oci:/" A128 A128 ":a", "longer than 255" },
		{ "oci-archive:a.tar:v1", "tag" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_INIT;
		struct reference ref;

		if (!CHECK_INT(reference_parse(&ref, cases[i].text, &err), -EINVAL))
			test_fail(__FILE__, __LINE__, "that was \"%s\"", cases[i].text);
		CHECK_HAS(err.text, cases[i].rule);
		CHECK_HAS(err.text, "is not an image reference");
	}
}

static void limits_the_length(void)
{
	char text[400];
	struct reference ref;

	memset(text, 'a', sizeof(text));
	memcpy(text, "x.y/", 4);
	text[4 + REFERENCE_REPOSITORY_MAX] = 0;
	CHECK_INT(reference_parse(&ref, text, NULL), 0);
	text[4 + REFERENCE_REPOSITORY_MAX] = 'a';
	text[4 + REFERENCE_REPOSITORY_MAX + 1] = 0;
	CHECK_INT(reference_parse(&ref, text, NULL), -EINVAL);
	/* With "library/" in front it's as long as it may be. */
	memset(text, 'a', sizeof(text));
	text[REFERENCE_REPOSITORY_MAX - 8] = 0;
	CHECK_INT(reference_parse(&ref, text, NULL), 0);
	CHECK_INT(strlen(ref.repository), REFERENCE_REPOSITORY_MAX);
	text[REFERENCE_REPOSITORY_MAX - 8] = 'a';
	text[REFERENCE_REPOSITORY_MAX - 7] = 0;
	CHECK_INT(reference_parse(&ref, text, NULL), -EINVAL);
}

static void knows_what_to_ask_and_where(void)
{
	struct reference ref;

	CHECK_INT(reference_parse(&ref, "busybox", NULL), 0);
	CHECK_TEXT(reference_host(&ref), "registry-1.docker.io");
	CHECK_TEXT(reference_selector(&ref), "latest");
	CHECK_INT(reference_parse(&ref, "a.io:1/b:c@" DIGEST, NULL), 0);
	CHECK_TEXT(reference_host(&ref), "a.io:1");
	CHECK_TEXT(reference_selector(&ref), DIGEST);
	CHECK_TEXT(ref.tag, "c");
	CHECK_TEXT(ref.repository, "b");
}

static void names_registries(void)
{
	static const char *const wrong[] = {
		"", "http://a", "a/b", "a b", "a:", "a:x", "[::1", ":5"
	};
	char registry[REFERENCE_REGISTRY_MAX + 1];

	CHECK_INT(reference_parse_registry(registry, "index.docker.io", NULL), 0);
	CHECK_TEXT(registry, "docker.io");
	CHECK_INT(reference_parse_registry(registry, "registry-1.docker.io", NULL), 0);
	CHECK_TEXT(registry, "docker.io");
	CHECK_INT(reference_parse_registry(registry, "fleet.example.com:5000", NULL), 0);
	CHECK_TEXT(registry, "fleet.example.com:5000");
	for (size_t i = 0; i < COUNT(wrong); i++)
		CHECK_INT(reference_parse_registry(registry, wrong[i], NULL), -EINVAL);
}

static void knows_this_machine(void)
{
	CHECK(reference_registry_is_local("localhost"));
	CHECK(reference_registry_is_local("localhost:5000"));
	CHECK(reference_registry_is_local("127.0.0.1:5000"));
	CHECK(reference_registry_is_local("127.1.2.3"));
	CHECK(reference_registry_is_local("[::1]:5000"));
	CHECK(!reference_registry_is_local("127.0.0.1.example.com"));
	CHECK(!reference_registry_is_local("localhost.example.com"));
	CHECK(!reference_registry_is_local("[::2]"));
	CHECK(!reference_registry_is_local("docker.io"));
}

int main(void)
{
	RUN(normalises_as_docker_does);
	RUN(refuses_with_the_rule);
	RUN(limits_the_length);
	RUN(knows_what_to_ask_and_where);
	RUN(names_registries);
	RUN(knows_this_machine);
	return test_end();
}
