#include <errno.h>

#include "config/layout_index.h"
#include "tests/unit/test.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define ENTRY(type, digest, name) \
	"{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":7," \
	"\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}}"
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static struct err err;
static struct digest digest;
static int64_t size;

static int find(const char *text, const char *tag)
{
	err = (struct err)ERR_INIT;
	return layout_index_find(text, strlen(text), tag, &digest, &size, &err);
}

static void finds_a_name(void)
{
	const char *text = INDEX(ENTRY(MANIFEST, A, "v1") "," ENTRY(MANIFEST, B, "app:v2"));

	CHECK_INT(find(text, "v1"), 0);
	CHECK_TEXT(digest.text, A);
	CHECK_INT(size, 7);
	CHECK_INT(find(text, "app:v2"), 0);
	CHECK_TEXT(digest.text, B);
}

static void tells_which_there_are(void)
{
	CHECK_INT(find(INDEX(ENTRY(MANIFEST, A, "v1") "," ENTRY(MANIFEST, B, "v2")), "v3"), -ENOENT);
	CHECK_HAS(err.text, "no image named v3; it has: v1, v2");
	CHECK_INT(find(INDEX(""), "v3"), -ENOENT);
	CHECK_HAS(err.text, "none with a name");
	CHECK_INT(find(INDEX("{},7,{\"annotations\":3}"), "v3"), -ENOENT);
}

static void refuses_what_is_unclear(void)
{
	CHECK_INT(find(INDEX(ENTRY(MANIFEST, A, "v1") "," ENTRY(MANIFEST, B, "v1")), "v1"), -EINVAL);
	CHECK_HAS(err.text, "two images v1");
	CHECK_INT(find(INDEX(ENTRY("text/plain", A, "v1")), "v1"), -ENOTSUP);
	CHECK_HAS(err.text, "text/plain");
	CHECK_INT(find(INDEX(ENTRY(MANIFEST, "sha256:1", "v1")), "v1"), -EINVAL);
	CHECK_INT(find("{\"schemaVersion\":2}", "v1"), -ENOENT);
	CHECK_INT(find("", "v1"), -EINVAL);
}

int main(void)
{
	RUN(finds_a_name);
	RUN(tells_which_there_are);
	RUN(refuses_what_is_unclear);
	return test_end();
}
