#include <errno.h>

#include "config/manifest.h"
#include "lib/buf.h"
#include "tests/unit/test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define D3 "sha256:3333333333333333333333333333333333333333333333333333333333333333"
#define D4 "sha256:4444444444444444444444444444444444444444444444444444444444444444"

#define CONFIG \
	"\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" D1 "\",\"size\":7}"
#define LAYER(type, digest) "{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":99}"
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar.gzip"

static int parse(struct manifest **out, const char *text, struct err *err)
{
	*err = ERR_INIT;
	*out = NULL;
	return manifest_parse(out, text, strlen(text), err);
}

static void reads_an_oci_manifest(void)
{
	struct manifest *manifest;
	struct err err;

	REQUIRE(parse(&manifest,
		      "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," CONFIG
		      ",\"layers\":[" LAYER(OCI_LAYER "+gzip", D2) ","
		      LAYER(OCI_LAYER "+zstd", D3) ","
		      LAYER(OCI_LAYER, D4) "],\"annotations\":{\"a\":\"b\"}}",
		      &err) == 0);
	CHECK_TEXT(manifest->config.digest.text, D1);
	CHECK_INT(manifest->config.size, 7);
	REQUIRE(CHECK_INT(manifest->layer_count, 3));
	CHECK_TEXT(manifest->layers[0].digest.text, D2);
	CHECK_INT(manifest->layers[0].size, 99);
	CHECK_INT(manifest->layers[0].compression, COMPRESSION_GZIP);
	CHECK_INT(manifest->layers[1].compression, COMPRESSION_ZSTD);
	CHECK_INT(manifest->layers[2].compression, COMPRESSION_NONE);
	manifest_free(manifest);
}

static void reads_a_docker_manifest(void)
{
	struct manifest *manifest;
	struct err err;

	REQUIRE(parse(&manifest,
		      "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_DOCKER_MANIFEST
		      "\",\"config\":" LAYER(MEDIA_DOCKER_CONFIG, D1)
		      ",\"layers\":[" LAYER(DOCKER_LAYER, D2) "]}",
		      &err) == 0);
	REQUIRE(CHECK_INT(manifest->layer_count, 1));
	CHECK_INT(manifest->layers[0].compression, COMPRESSION_GZIP);
	manifest_free(manifest);
}

static void refuses_with_the_reason(void)
{
	static const struct {
		const char *text;
		int code;
		const char *reason;
	} cases[] = {
		{ "", -EINVAL, "not valid JSON" },
		{ "[]", -EINVAL, "not a JSON object" },
		{ "{\"schemaVersion\":1,\"fsLayers\":[]}", -ENOTSUP, "schema 1" },
		{ "{\"schemaVersion\":2,\"mediaType\":"
		  "\"application/vnd.docker.distribution.manifest.v1+prettyjws\"}",
		  -ENOTSUP, "schema 1" },
		{ "{\"schemaVersion\":3," CONFIG ",\"layers\":[]}", -EINVAL, "schemaVersion" },
		{ "{\"schemaVersion\":2}", -EINVAL, "neither" },
		{ "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", -EINVAL, "both" },
		{ "{\"schemaVersion\":2,\"manifests\":[]}", -EINVAL, "index of manifests" },
		{ "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\"," CONFIG "}", -EINVAL,
		  "but has \"layers\"" },
		{ "{\"schemaVersion\":2,\"mediaType\":\"text/plain\"," CONFIG "}", -ENOTSUP,
		  "text/plain" },
		{ "{\"schemaVersion\":2," CONFIG "}", -ENOTSUP, "no layers" },
		{ "{\"schemaVersion\":2,\"layers\":[" LAYER(OCI_LAYER, D2) "]}", -EINVAL,
		  "no \"config\"" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[1]}", -EINVAL, "layer 0" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":{}}", -EINVAL, "not an array" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":["
		  LAYER("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", D2) "]}",
		  -ENOTSUP, "registries do not hold" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":["
		  LAYER("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", D2) "]}",
		  -ENOTSUP, "registries do not hold" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER("application/wasm", D2) "]}",
		  -ENOTSUP, "layer 0: application/wasm is no file system layer" },
		{ "{\"schemaVersion\":2,\"config\":"
		  LAYER("application/vnd.cncf.helm.config.v1+json", D1)
		  ",\"layers\":[" LAYER(OCI_LAYER, D2) "]}",
		  -ENOTSUP, "an artifact" },
		{ "{\"schemaVersion\":2,\"config\":"
		  LAYER("application/vnd.oci.empty.v1+json", D1) ",\"layers\":[]}",
		  -ENOTSUP, "an artifact" },
		{ "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG
		  "\",\"digest\":\"sha512:00\",\"size\":7},\"layers\":[]}",
		  -EINVAL, "only sha256" },
		{ "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG
		  "\",\"digest\":\"" D1 "\",\"size\":-1},\"layers\":[]}",
		  -EINVAL, "size of 0 or more" },
		{ "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG
		  "\",\"digest\":\"" D1 "\"},\"layers\":[]}",
		  -EINVAL, "size of 0 or more" },
		{ "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG
		  "\",\"digest\":\"" D1 "\",\"size\":4194305},\"layers\":[]}",
		  -E2BIG, "limit" },
		{ "{\"schemaVersion\":2,\"config\":{\"digest\":\"" D1 "\",\"size\":7},"
		  "\"layers\":[]}",
		  -EINVAL, "without mediaType" },
		{ "{\"schemaVersion\":2,\"layers\":[],\"layers\":[]," CONFIG "}", -EINVAL,
		  "duplicate" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct manifest *manifest;
		struct err err;

		if (!CHECK_INT(parse(&manifest, cases[i].text, &err), cases[i].code))
			test_fail(__FILE__, __LINE__, "that was %s", cases[i].text);
		CHECK_HAS(err.text, cases[i].reason);
		CHECK(!manifest);
	}
}

static void limits_the_number_of_layers(void)
{
	struct buf text = BUF_INIT;
	struct manifest *manifest;
	struct err err;

	buf_append_text(&text, "{\"schemaVersion\":2," CONFIG ",\"layers\":[");
	for (int i = 0; i < MANIFEST_LAYERS_MAX; i++)
		buf_append_format(&text, "%s%s", i ? "," : "", LAYER(OCI_LAYER, D2));
	buf_append_text(&text, "]}");
	if (CHECK_INT(parse(&manifest, buf_text(&text), &err), 0))
		CHECK_INT(manifest->layer_count, MANIFEST_LAYERS_MAX);
	manifest_free(manifest);
	text.size -= 2;
	buf_append_text(&text, "," LAYER(OCI_LAYER, D2) "]}");
	CHECK_INT(parse(&manifest, buf_text(&text), &err), -E2BIG);
	CHECK_HAS(err.text, "129 layers, at most 128");
	buf_release(&text);
}

static void tells_the_kind(void)
{
	static const char plain[] = "{\"schemaVersion\":2," CONFIG ",\"layers\":[]}";
	static const char typed[] = "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST
				    "\"," CONFIG ",\"layers\":[]}";
	static const char list[] = "{\"schemaVersion\":2,\"manifests\":[]}";
	static const struct {
		const char *text, *content_type;
		int code;
		enum manifest_kind kind;
	} cases[] = {
		{ plain, NULL, 0, MANIFEST_IMAGE },
		{ list, NULL, 0, MANIFEST_INDEX },
		{ plain, "application/json", 0, MANIFEST_IMAGE },
		{ plain, MEDIA_OCI_MANIFEST "; charset=utf-8", 0, MANIFEST_IMAGE },
		{ plain, MEDIA_DOCKER_MANIFEST, 0, MANIFEST_IMAGE },
		{ plain, MEDIA_OCI_INDEX, -EINVAL, MANIFEST_IMAGE },
		{ list, MEDIA_OCI_MANIFEST, -EINVAL, MANIFEST_IMAGE },
		{ list, MEDIA_DOCKER_LIST, 0, MANIFEST_INDEX },
		{ typed, MEDIA_OCI_MANIFEST, 0, MANIFEST_IMAGE },
		{ typed, MEDIA_DOCKER_MANIFEST, -EINVAL, MANIFEST_IMAGE },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		enum manifest_kind kind = MANIFEST_IMAGE;
		struct err err = ERR_INIT;
		int code = manifest_sniff(cases[i].text, strlen(cases[i].text),
					  cases[i].content_type, &kind, &err);

		if (!CHECK_INT(code, cases[i].code))
			test_fail(__FILE__, __LINE__, "case %zu: %s", i, err.text);
		CHECK(code < 0 || kind == cases[i].kind);
	}
}

#define ENTRY(digest, platform) \
	"{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"" digest "\",\"size\":5" \
	platform "}"
#define ON(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define ON_VARIANT(arch, variant) \
	",\"platform\":{\"os\":\"linux\",\"architecture\":\"" arch "\",\"variant\":\"" variant "\"}"
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

/* The digest that `machine` gets from the index, or the reason why none. */
static const char *choose(const char *text, struct platform machine, struct err *err)
{
	static struct digest digest;
	const struct descriptor *found;
	struct index *index;

	*err = ERR_INIT;
	if (index_parse(&index, text, strlen(text), err) < 0)
		return err->text;
	found = index_select(index, &machine, err);
	if (found)
		digest = found->digest;
	index_free(index);
	return found ? digest.text : err->text;
}

static void chooses_the_platform(void)
{
	static const char all[] = INDEX(ENTRY(D1, ON("linux", "amd64")) ","
					ENTRY(D2, ON_VARIANT("arm", "v6")) ","
					ENTRY(D3, ON_VARIANT("arm", "v7")) ","
					ENTRY(D4, ON_VARIANT("arm64", "v8")));
	struct err err;

	CHECK_TEXT(choose(all, (struct platform){ "linux", "amd64", "" }, &err), D1);
	CHECK_TEXT(choose(all, (struct platform){ "linux", "arm", "v7" }, &err), D3);
	CHECK_TEXT(choose(all, (struct platform){ "linux", "arm", "v6" }, &err), D2);
	CHECK_TEXT(choose(all, (struct platform){ "linux", "arm", "v8" }, &err), D3);
	CHECK_TEXT(choose(all, (struct platform){ "linux", "arm64", "v8" }, &err), D4);
	CHECK_TEXT(choose(all, (struct platform){ "linux", "arm64", "" }, &err), D4);
	CHECK_TEXT(choose(all, (struct platform){ "linux", "arm", "v5" }, &err),
		   "the image is not built for linux/arm/v5; the index offers: linux/amd64, "
		   "linux/arm/v6, linux/arm/v7, linux/arm64/v8");
	CHECK_HAS(choose(all, (struct platform){ "linux", "riscv64", "" }, &err), "not built for");
	CHECK_INT(err.code, -ENOTSUP);
	CHECK_HAS(choose(INDEX(""), (struct platform){ "linux", "amd64", "" }, &err),
		  "offers: nothing");
}

static void variants_have_their_baseline(void)
{
	struct platform v7 = { "linux", "arm", "v7" }, v6 = { "linux", "arm", "v6" };
	struct platform arm = { "linux", "arm", "" }, amd64 = { "linux", "amd64", "" };
	struct platform amd64_v3 = { "linux", "amd64", "v3" }, riscv = { "linux", "riscv64", "" };
	struct platform windows = { "windows", "amd64", "" }, odd = { "linux", "arm", "v7.5" };

	CHECK(platform_rank(&v7, &arm) > 0);
	CHECK_INT(platform_rank(&v6, &arm), 0);
	CHECK(platform_rank(&v7, &v6) > 0);
	CHECK(platform_rank(&v7, &v7) > platform_rank(&v7, &v6));
	CHECK_INT(platform_rank(&v7, &odd), 0);
	CHECK_INT(platform_rank(&amd64, &amd64_v3), 0);
	CHECK(platform_rank(&amd64, &amd64) > 0);
	CHECK(platform_rank(&amd64_v3, &amd64_v3) > platform_rank(&amd64_v3, &amd64));
	CHECK(platform_rank(&riscv, &riscv) > 0);
	CHECK_INT(platform_rank(&amd64, &windows), 0);
	CHECK_INT(platform_rank(&amd64, &riscv), 0);
}

static void leaves_attestations_out(void)
{
	struct platform amd64 = { "linux", "amd64", "" };
	struct err err;

	CHECK_TEXT(choose(INDEX(ENTRY(D1, ON("unknown", "unknown")) ","
				ENTRY(D2, ON("linux", "amd64"))),
			  amd64, &err),
		   D2);
	/* One that does not say what it is for: it's tried, its config tells. */
	CHECK_TEXT(choose(INDEX(ENTRY(D1, ON("unknown", "unknown")) "," ENTRY(D3, "")), amd64,
			  &err),
		   D3);
	CHECK_HAS(choose(INDEX(ENTRY(D1, "") "," ENTRY(D3, "")), amd64, &err), "(unnamed)");
	CHECK_HAS(choose("{\"schemaVersion\":2," CONFIG ",\"layers\":[]}", amd64, &err),
		  "the manifest of one image");
}

static void limits_the_index(void)
{
	struct buf text = BUF_INIT;
	struct index *index;
	struct err err = ERR_INIT;

	buf_append_text(&text, "{\"schemaVersion\":2,\"manifests\":[");
	for (int i = 0; i <= INDEX_MANIFESTS_MAX; i++)
		buf_append_format(&text, "%s%s", i ? "," : "", ENTRY(D1, ON("linux", "amd64")));
	buf_append_text(&text, "]}");
	CHECK_INT(index_parse(&index, text.data, text.size, &err), -E2BIG);
	CHECK_HAS(err.text, "at most 256");
	buf_release(&text);
}

static void knows_this_machine(void)
{
	char text[PLATFORM_TEXT_SIZE];
	struct platform machine;

	platform_current(&machine);
	platform_format(&machine, text);
	CHECK(!strncmp(text, "linux/", 6));
	CHECK(platform_rank(&machine, &machine) > 0);
#ifdef __x86_64__
	CHECK_TEXT(text, "linux/amd64");
#elif defined(__aarch64__)
	CHECK_TEXT(text, "linux/arm64/v8");
#elif defined(__arm__)
	CHECK(machine.variant[0] == 'v' && machine.variant[1] >= '5');
#endif
}

static void expansion_is_bounded(void)
{
	const int64_t gib = INT64_C(1) << 30;

	CHECK(manifest_layer_unpacked_max(0) == gib);
	CHECK(manifest_layer_unpacked_max(1000) == gib + 1200000);
	CHECK(manifest_layer_unpacked_max(gib) == 64 * gib);
	CHECK(manifest_layer_unpacked_max(MANIFEST_LAYER_SIZE_MAX) == 64 * gib);
	/* The most that gzip does, of a file of zeros. */
	CHECK(manifest_layer_unpacked_max(10 * gib / 1032) > 10 * gib);
}

int main(void)
{
	RUN(reads_an_oci_manifest);
	RUN(reads_a_docker_manifest);
	RUN(refuses_with_the_reason);
	RUN(limits_the_number_of_layers);
	RUN(tells_the_kind);
	RUN(chooses_the_platform);
	RUN(variants_have_their_baseline);
	RUN(leaves_attestations_out);
	RUN(limits_the_index);
	RUN(knows_this_machine);
	RUN(expansion_is_bounded);
	return test_end();
}
